"""What a patient does at the touch screen, from the welcome to the goodbye, against a real kiosk."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from edge.inference.model_package import load_model_package
from tests.browser.kiosk.conftest import PACKAGE


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
    manifest = load_model_package(PACKAGE).manifest
    licences = {"en": manifest.licence_of_use, **manifest.licence_of_use_in}
    expect(page.locator(".result .model")).to_contain_text(licences[code])
    expect(page.locator(".until")).to_have_text(re.compile(str(datetime.now(UTC).year)[:3]))
    patient.press("done")
    patient.press("home")
    # The next patient is greeted in the language of the place.
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_an_account_is_greeted_in_its_own_language(start_kiosk: Callable[..., Any], approach: Any) -> None:
    patient = approach(start_kiosk())
    patient.page.locator("[data-language='es']").click()
    patient.registers()
    patient.leaves()

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

    def touch(selector: str) -> None:
        page.locator(selector).focus()
        page.keyboard.press("Space")

    page.locator("[data-way='new']").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Ana Torres")
    page.keyboard.press("Enter")
    expect(page.locator("#birth_date-month")).to_be_focused()
    for text in ("April", "12", "1961"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    patient.sees("register-consent_care")
    touch("input[name=care][value=yes]")
    page.keyboard.press("Enter")
    # A name to begin with is proposed.
    expect(page.locator("#username")).to_have_value("anatorres")
    page.keyboard.press("Enter")
    page.keyboard.type("four quiet green boats")
    page.keyboard.press("Enter")
    for step in ("contact", "allergies", "conditions", "medications", "earlier_lesions"):
        patient.sees(f"register-{step}")
        touch("[data-do=skip]")
    patient.sees("register-consent_research")
    touch("input[name=research][value=no]")
    page.keyboard.press("Enter")
    patient.sees("register-attendant")
    touch("input[name=helped][value=no]")
    page.locator("input[name=helped][value=no]").focus()
    page.keyboard.press("Enter")
    patient.sees("register-review")
    touch("[data-do=create]")
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
