"""Whose visit it is: the idle question, the end, and that nothing of a patient stays behind."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

IDLE_S = 60


def remains(page: Page) -> str:
    """Everything that the page still holds, typed or shown."""
    return str(
        page.evaluate(
            "() => document.documentElement.outerHTML + "
            "[...document.querySelectorAll('input')].map((field) => field.value).join()"
        )
    )


def test_an_idle_patient_is_asked_and_may_stay(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk(idle_s=IDLE_S)
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    question = patient.page.locator("#idle")

    kiosk.clock.step(IDLE_S - 26)
    patient.page.wait_for_timeout(0)
    expect(question).not_to_be_visible()
    kiosk.clock.step(6)
    expect(question).to_be_visible()
    expect(question).to_contain_text("20 seconds")
    question.get_by_role("button").click()
    expect(question).not_to_be_visible()

    assert kiosk.kiosk.journey.remaining_s() == IDLE_S
    patient.sees("body-site")


def test_any_touch_answers_the_question(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk(idle_s=IDLE_S)
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    kiosk.clock.step(IDLE_S - 10)
    expect(patient.page.locator("#idle")).to_be_visible()

    patient.page.touchscreen.tap(5, 400)

    expect(patient.page.locator("#idle")).not_to_be_visible()
    patient.sees("body-site")


def test_an_idle_visit_ends_and_leaves_nothing(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk(idle_s=IDLE_S)
    kiosk.sign_in_new_patient(username="maximiliana", name="Maximiliana Torres")
    patient = approach(kiosk)
    code = kiosk.kiosk.journey.visit.patient_code
    patient.takes_picture()
    patient.sees("result")
    picture = patient.page.locator("img.picture").get_attribute("src")

    kiosk.clock.step(IDLE_S + 1)

    patient.sees("ended-idle")
    left = remains(patient.page)
    for trace in ("aximiliana", code, picture):
        assert trace not in left
    assert patient.page.request.get(f"{kiosk.url.rstrip('/')}{picture}").status == 401


def test_the_goodbye_leads_back_to_the_start_by_itself(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.page.clock.install()
    patient.press("finish")
    patient.sees("ended-patient")

    patient.page.clock.fast_forward(15_000)

    patient.sees("welcome")


def test_a_form_left_half_filled_is_wiped(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk(idle_s=IDLE_S))
    page = patient.page
    page.clock.install()
    page.locator("[data-way='new']").click()
    patient.types("full_name", "maximiliana")

    page.clock.run_for(40_000)
    expect(page.locator("#idle")).to_be_visible()
    page.clock.run_for(30_000)

    patient.sees("ended-idle")
    assert "maximiliana" not in remains(page)


def test_going_back_shows_nobody_elses_data(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient(username="maximiliana", name="Maximiliana Torres")
    patient = approach(kiosk)
    page = patient.page
    patient.takes_picture()
    patient.sees("result")
    page.goto(f"{kiosk.url}?again")  # another entry in the history
    patient.sees("body-site")
    patient.press("finish")
    patient.sees("ended-patient")

    page.go_back()
    patient.sees("welcome")
    assert "aximiliana" not in remains(page)
    page.go_forward()
    patient.sees("welcome")
    assert "aximiliana" not in remains(page)


def test_a_reload_goes_on_with_the_visit(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)

    patient.page.reload()

    patient.sees("body-site")
    expect(patient.page.locator(".hello")).to_contain_text("Ana Torres")


def test_nothing_is_stored_in_the_browser(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.takes_picture()
    patient.sees("result")

    kept = patient.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, document.cookie,"
        " (await indexedDB.databases()).length, (await caches.keys()).length]"
    )

    assert kept == [0, 0, "", 0, 0]


_COUNT_OBJECT_URLS = """
globalThis.held = new Set();
globalThis.most = 0;
const make = URL.createObjectURL, drop = URL.revokeObjectURL;
URL.createObjectURL = (blob) => {
  const url = make.call(URL, blob);
  held.add(url);
  most = Math.max(most, held.size);
  return url;
};
URL.revokeObjectURL = (url) => {
  held.delete(url);
  drop.call(URL, url);
};
"""


def test_live_pictures_are_let_go(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk, script=_COUNT_OBJECT_URLS)
    page = patient.page
    patient.points_at("arm")
    patient.answers()
    live = page.locator("img.live")
    expect(live).to_have_attribute("src", re.compile("^blob:"))
    first = live.get_attribute("src")
    expect(live).not_to_have_attribute("src", first or "")

    patient.press("change")
    patient.sees("body-site")

    assert page.evaluate("() => held.size") == 0
    assert page.evaluate("() => most") <= 2


def test_a_screen_whose_server_is_away_forgets_an_idle_patient_and_does_not_bring_them_back(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk(idle_s=IDLE_S)
    kiosk.sign_in_new_patient(name="Maximiliana Torres")
    patient = approach(kiosk)
    page = patient.page
    page.clock.install()
    page.reload()
    expect(page.locator(".hello")).to_contain_text("Maximiliana")
    kiosk.go_away()

    page.clock.run_for((IDLE_S + 10) * 1000)
    patient.sees("ended-idle")
    assert "Maximiliana" not in remains(page)
    # The stepped clock of the kiosk stood still: for the server the visit is still on.
    kiosk.serve()
    patient.press("home")

    patient.sees("welcome")
    assert kiosk.kiosk.journey.state == "idle"


def test_giving_up_a_form_keeps_the_language_of_whoever_did(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.clock.install()
    page.locator("[data-language='es']").click()
    page.locator("[data-way='new']").click()
    patient.press("cancel")
    patient.sees("welcome")
    expect(page.locator("html")).to_have_attribute("lang", "es")

    page.clock.run_for((IDLE_S + 1) * 1000)

    expect(page.locator("html")).to_have_attribute("lang", "en")
