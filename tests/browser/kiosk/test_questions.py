"""The questions before a picture: answered in seconds, changed at will, and what they do to the result."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from protocol import codec
from protocol.events import AnalysisCompleted


def last_analysis(kiosk: Any) -> AnalysisCompleted:
    events = [codec.decode_event(message.body).payload for message in kiosk.kiosk.outbox.pending(limit=100)]
    return [event for event in events if isinstance(event, AnalysisCompleted)][-1]


def test_nothing_is_answered_beforehand_and_nothing_can_be_passed_over(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    patient.points_at("hand")
    expect(page.locator(".question")).to_have_count(5)
    expect(page.locator(".question input:checked")).to_have_count(0)

    patient.press("next")
    expect(page.locator(".questions-told")).to_contain_text("Not sure")
    expect(page.locator(".question.open")).to_have_count(5)
    page.locator("input[name='nail'][value='not-sure']").check()
    patient.press("next")
    expect(page.locator(".question.open")).to_have_count(4)
    patient.press("rest")
    expect(page.locator("input[name='nail'][value='not-sure']")).to_be_checked()
    patient.press("next")
    patient.sees("questions-2")


def test_answers_stand_until_they_are_changed(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    patient.points_at("arm")
    patient.answers(treated="yes", bleeding="yes")

    patient.press("answers")
    patient.sees("questions-1")
    expect(page.locator("input[name='treated'][value='yes']")).to_be_checked()
    page.locator("input[name='treated'][value='no']").check()
    patient.press("next")
    expect(page.locator("input[name='bleeding'][value='yes']")).to_be_checked()
    patient.press("back")
    expect(page.locator("input[name='treated'][value='no']")).to_be_checked()
    patient.press("next")
    patient.press("next")
    patient.press("take")
    patient.sees("result")

    analysis = last_analysis(kiosk)
    assert (analysis.answers["treated"], analysis.answers["bleeding"]) == ("no", "yes")
    assert analysis.exclusions == ()


def test_another_place_is_asked_anew(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.points_at("hand")
    patient.answers(nail="yes")
    patient.press("change")
    patient.takes_picture("arm")
    patient.sees("result")

    assert "nail" not in last_analysis(kiosk).answers
    # The same spot again is not asked again, neither from its result nor from the figure.
    patient.press("again")
    patient.sees("capture")
    patient.press("change")
    patient.points_at("arm")
    patient.page.locator("[data-lesion]:not([data-lesion='new'])").click()
    patient.sees("capture")


def test_a_red_flag_counts_more_than_the_score(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.takes_picture("leg", bleeding="yes")
    patient.sees("result")

    result = patient.page.locator(".result")
    expect(result).to_have_attribute("data-tier", "high")
    expect(result).to_contain_text("See a skin doctor soon")
    expect(result).to_contain_text("You said that it bleeds")
    expect(result).to_contain_text("Talk to a person")


def test_what_the_model_is_not_made_for_is_photographed_and_not_assessed(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    page = patient.page
    patient.takes_picture("foot", sole="yes", growing="yes")
    patient.sees("result")

    result = page.locator(".result")
    expect(result).to_have_attribute("data-tier", "cannot-assess")
    for words in ("does not assess this spot", "on the sole", "it has grown", "See a skin doctor soon", "Saved"):
        expect(result).to_contain_text(words)
    for words in ("Do not wait", "Talk to a person", "cannot do", "Valid until"):
        expect(result).to_contain_text(words)
    expect(page.locator(".dots")).to_have_count(0)
    expect(page.locator("[data-picture='heat']")).to_have_count(0)
    expect(page.locator("img.picture")).not_to_have_js_property("naturalWidth", 0)
    analysis = last_analysis(kiosk)
    assert (analysis.exclusions, analysis.model, analysis.malignant) == (("sole",), None, None)
    assert analysis.assessment.advice == "see-a-dermatologist-soon"


def test_a_scaly_scalp_gets_a_photograph_and_a_person(
    start_kiosk: Callable[..., Any], approach: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("edge.inference.installed_model._DEMO_SCALP", tmp_path / "absent")
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.takes_picture("scalp", scaly_scalp="yes")
    patient.sees("result")

    expect(patient.page.locator(".result")).to_contain_text("no tested model for a scaly scalp")
    assert last_analysis(kiosk).task == "scalp"


def test_the_demonstration_judges_a_scalp_and_says_that_it_is_simulated(
    start_kiosk: Callable[..., Any], approach: Any
) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    patient.takes_picture("scalp", scaly_scalp="yes")
    patient.sees("result")

    expect(patient.page.locator("body")).to_contain_text(re.compile("simulat", re.IGNORECASE))
    analysis = last_analysis(kiosk)
    assert analysis.model is not None
    assert (analysis.task, analysis.model.name, analysis.simulated) == ("scalp", "scalp", True)


def test_a_server_that_is_away_is_told_and_asked_again(start_kiosk: Callable[..., Any], approach: Any) -> None:
    kiosk = start_kiosk()
    kiosk.sign_in_new_patient()
    patient = approach(kiosk)
    kiosk.go_away()
    patient.points_at("arm")
    expect(patient.page.locator("[data-code='network']")).to_be_visible()

    kiosk.serve()
    patient.press("next")

    expect(patient.page.locator(".question").first).to_be_visible()
    expect(patient.page.locator("[data-code='network']")).to_have_count(0)
