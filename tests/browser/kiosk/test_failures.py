"""What goes wrong around a patient: told in plain words, with the visit kept."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect


def test_an_unplugged_dermoscope_is_told_and_the_next_try_works(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk(dermoscope="sim://phantom?seed=1&fault=unplug@1")
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)

    patient.takes_picture()

    expect(patient.page.locator("[data-code='camera-unplugged']")).to_contain_text("No picture was taken")
    patient.press("take")
    patient.sees("result")


def test_a_full_disk_is_told_and_the_visit_stays(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    object.__setattr__(kiosk.kiosk.storage, "reserve_bytes", 10**18)

    patient.takes_picture()

    expect(patient.page.locator("[data-code='storage-full']")).to_contain_text("Nothing was saved")
    expect(patient.page.locator("main")).not_to_contain_text("Saved")
    patient.sees("capture")
    object.__setattr__(kiosk.kiosk.storage, "reserve_bytes", 0)
    patient.press("take")
    patient.sees("result")


def test_a_server_that_is_away_does_not_lose_the_visit(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.points_at("arm")
    patient.answers()
    expect(patient.page.locator("img.live")).not_to_have_js_property("naturalWidth", 0)
    kiosk.go_away()
    expect(patient.page.locator("#trouble")).to_contain_text("does not answer")
    patient.press("take")
    expect(patient.page.locator("[data-code='network']")).to_contain_text("not certain")

    kiosk.serve()
    expect(patient.page.locator("#trouble")).not_to_be_visible()
    patient.press("take")

    patient.sees("result")


def test_the_end_is_asked_for_until_the_server_answers(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient(name="Maximiliana Torres")
    patient = approach(kiosk)
    kiosk.go_away()

    patient.press("finish")
    patient.sees("closing")
    assert "Maximiliana" not in patient.page.content()
    kiosk.serve()

    patient.sees("ended-patient")
    assert kiosk.kiosk.journey.state == "idle"


def test_the_page_waits_for_a_server_that_starts_later(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    patient = approach(kiosk)
    kiosk.go_away()
    patient.page.locator("[data-way='known']").click()
    patient.press("cancel")
    patient.sees("starting")

    kiosk.serve()

    patient.sees("welcome")


def test_an_answer_that_this_page_does_not_know_is_still_told(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.page.route("**/api/capture", lambda route: route.fulfill(status=500, body="Internal Server Error"))

    patient.takes_picture()

    expect(patient.page.locator("[data-code='internal']")).to_contain_text("Something did not work")
    expect(patient.page.locator("[data-do='take']")).to_be_enabled()


def test_a_lost_answer_to_a_capture_never_says_saved(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.page.route("**/api/capture", lambda route: route.abort("connectionreset"))
    patient.takes_picture()

    expect(patient.page.locator("[data-code='network']")).to_contain_text("not certain that the last picture was saved")
    patient.sees("capture")
    expect(patient.page.locator("[data-do='finish']")).to_be_enabled()
