"""What a patient does at the touch screen, from the welcome to the goodbye, against a real kiosk."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect


def test_a_new_patient_gets_a_saved_result_and_leaves(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    patient = approach(kiosk)
    page = patient.page

    patient.registers()
    patient.takes_picture("leg")
    patient.sees("result")

    result = page.locator(".result")
    expect(page.locator(".saved")).to_contain_text("Saved")
    expect(page.locator(".saved")).to_contain_text("Leg")
    expect(page.locator("[data-warning='warning.simulated']")).to_be_visible()
    expect(page.locator("[data-warning='warning.research']")).to_be_visible()
    expect(result).to_contain_text("What to do now")
    expect(result).to_contain_text("Talk to a person")
    waiting = [message.message_id for message in kiosk.kiosk.outbox.pending(limit=10)]
    assert result.get_attribute("data-message") in {str(message_id) for message_id in waiting}
    photo = page.locator("img.picture").get_attribute("src")
    page.locator("[data-picture='heat']").click()
    expect(page.locator("img.picture")).not_to_have_attribute("src", photo or "")
    expect(page.locator(".picture-hint")).to_contain_text("not why")

    patient.press("done")
    patient.sees("ended-patient")
    assert kiosk.kiosk.journey.state == "idle"
    patient.press("home")
    patient.sees("welcome")


def test_the_same_spot_keeps_its_lesion_and_another_gets_its_own(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.takes_picture("back")
    patient.sees("result")

    patient.press("again")
    patient.press("take")
    patient.sees("result")
    assert len(kiosk.kiosk.journey.visit.lesions) == 1

    patient.press("other")
    patient.points_at("back")
    patient.sees("same-spot")
    patient.page.locator("[data-lesion='new']").click()
    patient.answers()
    patient.press("take")
    patient.sees("result")
    assert len(kiosk.kiosk.journey.visit.lesions) == 2


def test_the_figure_can_be_touched_instead_of_the_names(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)

    patient.page.locator("figure").nth(1).locator("[data-site='back'] path").tap()

    patient.answers()
    expect(patient.page.locator("h1")).to_have_text("Spot: Back")


def test_a_refused_picture_is_explained_and_taken_again(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk(dermoscope="sim://phantom?seed=1&fault=defocus@1")
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)

    patient.takes_picture()
    patient.sees("refused")
    expect(patient.page.locator("[data-fault='blurred']")).to_contain_text("hold it still")
    expect(patient.page.locator("main")).not_to_contain_text("Saved")

    patient.press("again")
    patient.press("take")
    patient.sees("result")


def test_a_wrong_password_is_refused_without_saying_what_was_wrong(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.press("finish")
    patient.press("home")

    patient.signs_in(password="not my password")
    wrong_password = patient.page.locator(".problem").inner_text()
    expect(patient.page.locator("#password")).to_have_value("")
    patient.press("cancel")
    patient.signs_in(username="nobody-here")
    assert patient.page.locator(".problem").inner_text() == wrong_password

    patient.press("cancel")
    patient.signs_in()
    patient.sees("body-site")


def test_a_face_signs_in_where_it_is_offered(
    start_kiosk: Callable[..., Any], approach: Any, astronaut_camera: str
) -> None:
    patient = approach(start_kiosk(face_camera=astronaut_camera))
    patient.registers(face=True)
    patient.press("finish")
    patient.press("home")

    patient.claims("ana")
    patient.press("face")
    patient.press("face-start")

    patient.sees("body-site")


def test_no_face_is_offered_without_a_face_camera(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    patient.fills_in_registration(send=False)
    expect(patient.page.locator("#consent_care")).to_be_visible()
    expect(patient.page.locator("#consent_face")).to_have_count(0)
    patient.press("cancel")
    patient.claims("ana")
    expect(patient.page.locator("[data-do='face']")).to_have_count(0)


def test_a_face_that_cannot_be_read_is_told_beside_its_question(
    start_kiosk: Callable[..., Any], approach: Any, faceless_camera: str
) -> None:
    patient = approach(start_kiosk(face_camera=faceless_camera))
    patient.fills_in_registration(face=True)

    expect(patient.page.locator("#consent_face-error")).to_contain_text("does not see a face")
    patient.page.locator("#consent_face").uncheck()
    patient.goes_on()
    patient.sees("registered")


def test_mistakes_are_told_beside_their_fields(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.locator("[data-way='new']").click()
    patient.types("username", "a")
    patient.goes_on()
    expect(page.locator("#username-error")).to_contain_text("3 to 64")
    patient.types("username", "ana with spaces")
    patient.goes_on()
    patient.types("password", "short")
    patient.goes_on()
    expect(page.locator("#password-error")).to_contain_text("8 to 128")
    expect(page.locator("#password")).to_have_attribute("type", "password")
    page.locator(".toggle").click()
    expect(page.locator("#password")).to_have_attribute("type", "text")
    patient.types("password", "four quiet green boats")
    patient.goes_on()
    patient.goes_on()
    expect(page.locator("#full_name-error")).not_to_be_empty()
    patient.types("full_name", "Ana Torres")
    patient.goes_on()
    patient.types("birth_date-day", "31")
    page.locator("#birth_date-month").select_option("2")
    patient.types("birth_date-year", "1961")
    patient.goes_on()
    expect(page.locator("#birth_date-error")).not_to_be_empty()
    expect(page.locator("#sex-error")).not_to_be_empty()
    patient.types("birth_date-day", "28")
    page.locator("input[value=unknown]").check()
    patient.goes_on()
    patient.goes_on()
    expect(page.locator("#consent_care-error")).not_to_be_empty()
    page.locator("#consent_care").check()
    patient.goes_on()

    # What only the server knows brings back the step that it is about, with all else kept.
    patient.sees("register-username")
    expect(page.locator("#username-error")).to_contain_text("cannot be a user name")
    patient.types("username", "ana")
    for _ in range(4):
        patient.goes_on()
    expect(page.locator("#consent_care")).to_be_checked()
    patient.goes_on()
    patient.sees("registered")


def test_a_taken_name_can_be_replaced(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.press("finish")
    patient.press("home")

    patient.fills_in_registration(username="ANA")

    patient.sees("register-username")
    expect(patient.page.locator("#username-error")).to_contain_text("already")


@pytest.mark.parametrize(
    ("code", "lang", "title", "result_words"),
    [
        ("en", "en", "Check a spot on your skin", "What to do now"),
        ("es", "es", "Revise una mancha de su piel", "Qué hacer ahora"),
        ("zh", "zh-Hans", "检查皮肤上的斑点", "现在该做什么"),
    ],
)
def test_the_whole_visit_speaks_the_chosen_language(
    start_kiosk: Callable[..., Any], approach: Any, code: str, lang: str, title: str, result_words: str
) -> None:
    kiosk = start_kiosk()
    patient = approach(kiosk)
    page = patient.page

    page.locator(f"[data-language='{code}']").click()
    expect(page.locator("h1")).to_have_text(title)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    patient.registers()
    assert kiosk.kiosk.journey.visit.language == code
    patient.takes_picture()
    patient.sees("result")
    expect(page.locator(".result")).to_contain_text(result_words)
    expect(page.locator(".until")).to_have_text(re.compile(str(datetime.now(UTC).year)[:3]))
    patient.press("done")
    patient.press("home")
    # The next patient is greeted in the language of the place.
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_an_account_is_greeted_in_its_own_language(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    patient.page.locator("[data-language='es']").click()
    patient.registers()
    patient.press("finish")
    patient.press("home")

    patient.signs_in()

    patient.sees("body-site")
    expect(patient.page.locator("html")).to_have_attribute("lang", "es")


def test_every_tier_comes_with_its_limits_and_a_person(
    start_kiosk: Callable[..., Any], approach: Any, keep: Callable[..., None]
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    tiers = ["low", "moderate", "high", "cannot-assess", "unheard-of"]
    reasons = {
        "low": "score-below-limits",
        "moderate": "score-above-moderate-limit",
        "high": "score-above-high-limit",
        "cannot-assess": "unsteady-score",
    }
    answers = iter(tiers)

    def as_if(route: Any) -> None:
        answer = route.fetch()
        tier = next(answers)
        shown = {
            "tier": tier,
            "reasons": [reasons.get(tier, "unheard-of")],
            "states_estimate": tier != "cannot-assess",
            "malignant": 0.002 if tier == "low" else 0.87,
            "clinical": True,
            "simulated": False,
        }
        route.fulfill(response=answer, json=answer.json() | shown)

    page.route("**/api/capture", as_if)
    patient.points_at("arm")
    patient.answers()
    for tier in tiers:
        patient.press("take")
        result = page.locator(f".result[data-tier={tier}]")
        for words in ("Saved", "Do not wait", "Talk to a person", "cannot do", "Valid until"):
            expect(result).to_contain_text(words)
        expect(result).not_to_contain_text(re.compile("low risk", re.IGNORECASE))
        expect(page.locator(".tier .icon")).to_be_visible()
        expect(page.locator(".warning")).to_have_count(0)
        if tier == "low":
            expect(page.locator("h1")).to_have_text("Nothing suspicious found in this picture")
            expect(result).to_contain_text("fewer than 1")
        if tier == "high":
            expect(result).to_contain_text("about 87 show a skin cancer")
            expect(page.locator(".dot.filled")).to_have_count(87)
        # Where the computer cannot assess, a number would only mislead.
        expect(page.locator(".dots")).to_have_count(0 if tier == "cannot-assess" else 1)
        keep(page, f"kiosk-tier-{tier}-800x480")
        patient.press("again")


def test_a_visit_works_with_the_keyboard_alone(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.locator("[data-way='new']").focus()
    page.keyboard.press("Enter")
    for text in ("ana", "four quiet green boats", "Ana Torres"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect(page.locator("#birth_date-month")).to_be_focused()
    for text in ("April", "12", "1961"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    patient.sees("register-consent")
    page.locator("#consent_care").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    patient.sees("registered")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    patient.sees("body-site")
    page.locator("button[data-site='foot']").focus()
    page.keyboard.press("Enter")
    for screen in ("questions-1", "questions-2"):
        patient.sees(screen)
        page.locator(".question input").first.focus()
        page.keyboard.press("Space")
        page.keyboard.press("ArrowRight")
        page.locator("[data-do='rest']").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
    page.locator("[data-do='take']").focus()
    page.keyboard.press("Enter")
    patient.sees("result")
    expect(page.locator("h1")).to_be_focused()
