"""The results page, as a clinician uses it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

HEAT_MAP = "Where the model looked, not why"
IS_SHOWN = "image => getComputedStyle(image).opacity"


def _live(page: Page) -> None:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def _tiers(page: Page) -> list[str]:
    return [heading.inner_text() for heading in page.locator(".card h2").all()]


def test_a_card_says_tier_estimate_place_patient_and_model_in_words(kiosk: Any, open_page: Callable[..., Page]) -> None:
    analysis = kiosk.analyse("moderate", malignant=0.231, body_site="scalp", clinical=True)

    card = open_page().locator(".card")

    expect(card.get_by_role("heading", name="Moderate risk")).to_be_visible()
    for text in ("23.1 %", "about 23 in 100", "Scalp", "village / k1", "melanoma 0.1.0", analysis.model.sha256[:8]):
        expect(card.get_by_text(text).first).to_be_visible()
    expect(card.get_by_text(re.compile(r"^P000001-."))).to_be_visible()
    expect(card.get_by_role("link", name="Dermoscopic picture, scalp")).to_be_visible()
    expect(card.get_by_text("SIMULATED", exact=True)).to_have_count(0)
    expect(card.get_by_text("Research model, not for clinical use")).to_have_count(0)


def test_low_is_never_shown_bare(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse("low", malignant=0.004)

    page = open_page()

    expect(page.get_by_role("heading", name="No sign of high risk in this picture")).to_be_visible()
    expect(page.get_by_text("Not an all-clear. Watch for change")).to_be_visible()
    expect(page.get_by_text("fewer than 1 in 100")).to_be_visible()
    assert not re.search(r"\blow\b", page.locator("body").inner_text(), re.IGNORECASE)


def test_simulated_and_research_results_say_so(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse("high", malignant=0.9, simulated=True)

    page = open_page()

    expect(page.get_by_text("SIMULATED", exact=True)).to_be_visible()
    expect(page.get_by_text("the number says nothing about anybody")).to_be_visible()
    expect(page.get_by_text("Research model, not for clinical use")).to_be_visible()
    expect(page.get_by_text("in 100 were malignant")).to_have_count(0)


def test_what_cannot_be_assessed_shows_the_reason_and_no_number(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse("cannot-assess", malignant=0.61)

    page = open_page()

    expect(page.get_by_role("heading", name="Cannot assess")).to_be_visible()
    expect(page.get_by_text("unlike those the model learned from")).to_be_visible()
    assert "%" not in page.locator("body").inner_text()
    assert "61" not in page.locator(".told").inner_text()


def test_what_lies_outside_the_intended_use_shows_its_rule_and_answers_and_no_estimate(
    kiosk: Any, open_page: Callable[..., Page]
) -> None:
    kiosk.analyse_excluded(bleeding="yes")
    card = open_page().locator(".card")
    expect(card.locator(".tier")).to_have_text("Cannot assess: outside the intended use")
    for words in ("under or beside a nail", "it bleeds", "Urgent by the patient's answers", "none asked"):
        expect(card).to_contain_text(words)
    expect(card.locator(".estimate")).to_have_count(0)
    expect(card.locator(".heat-switch")).to_have_count(0)
    expect(card).not_to_have_attribute("data-waits-for", re.compile("."))
    card.locator("summary").click()
    expect(card).to_contain_text("At a nail: yes; Treated before: not asked; Bleeds, oozes, crusts: yes")


def test_a_tier_that_the_answers_raised_says_so_beside_the_estimate(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse("high", malignant=0.012, answers={"bleeding": "yes"}, reasons=["score-below-limits", "bleeding"])
    card = open_page().locator(".card")
    expect(card).to_contain_text("Raised by the patient's answers")
    expect(card).to_contain_text("it bleeds")
    expect(card).to_contain_text("1.2 %")


def test_a_scalp_is_never_worded_as_a_risk(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse(
        "moderate",
        body_site="scalp",
        task="scalp",
        probabilities={"psoriasis": 0.9, "dermatitis": 0.1},
        reasons=["scalp-like-psoriasis"],
        malignant=None,
    )
    card = open_page().locator(".card")
    expect(card.locator(".tier")).to_have_text("A clinician should look at the scalp")
    expect(card).to_contain_text("more like psoriasis")
    expect(card.locator(".estimate")).to_have_count(0)
    expect(card).not_to_contain_text("Raised by")


def test_a_doubted_estimate_is_not_shown_though_the_answers_made_it_high(
    kiosk: Any, open_page: Callable[..., Page]
) -> None:
    kiosk.analyse("high", malignant=0.4, answers={"bleeding": "yes"}, reasons=["unlike-training-images", "bleeding"])
    card = open_page().locator(".card")
    expect(card.locator(".estimate")).to_have_count(0)
    expect(card).to_contain_text("unlike those the model learned from")


def test_a_patient_whom_nobody_asked_is_not_said_to_have_answered(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse("low", malignant=0.01, answers={"bleeding": "not-asked"})
    card = open_page().locator(".card")
    card.locator("summary").click()
    expect(card).to_contain_text("The patient was not asked")


def test_the_heat_map_is_shown_by_pressing_by_the_keyboard_and_by_the_slider(
    kiosk: Any, open_page: Callable[..., Page]
) -> None:
    kiosk.analyse("high", malignant=0.9)
    page = open_page(reduced_motion="reduce")
    heat, switch = page.locator(".heat"), page.get_by_role("checkbox", name=HEAT_MAP)
    slider = page.get_by_role("slider", name="Strength of the heat map")
    expect(heat).to_have_css("opacity", "0")

    page.get_by_text(HEAT_MAP).click()
    expect(heat).to_have_css("opacity", "1")
    expect(slider).to_have_value("100")

    switch.press("Space")
    expect(heat).to_have_css("opacity", "0")

    slider.press("ArrowRight")
    expect(heat).to_have_css("opacity", "0.05")
    expect(slider).to_have_attribute("aria-valuetext", "5 % heat map")
    expect(switch).to_be_checked()
    slider.press("Home")
    expect(switch).not_to_be_checked()


def test_a_new_result_appears_at_the_top_without_reloading(kiosk: Any, open_page: Callable[..., Page]) -> None:
    kiosk.analyse("low", malignant=0.01)
    page = open_page()
    _live(page)
    page.evaluate("window.notReloaded = true")

    kiosk.analyse("high", malignant=0.9)

    expect(page.locator(".card")).to_have_count(2)
    assert _tiers(page) == ["High risk", "No sign of high risk in this picture"]
    expect(page.locator("#said")).to_have_text("New result: High risk")
    assert page.evaluate("window.notReloaded")


def test_the_first_result_replaces_the_empty_page(kiosk: Any, open_page: Callable[..., Page]) -> None:
    page = open_page()
    expect(page.get_by_text("No results yet")).to_be_visible()
    _live(page)

    kiosk.analyse("high", malignant=0.9)

    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_text("No results yet")).to_be_hidden()


def test_who_reads_further_down_is_told_of_new_results_and_not_moved(
    kiosk: Any, open_page: Callable[..., Page], keep: Callable[..., None]
) -> None:
    patient = kiosk.register()
    for place in range(4):
        kiosk.analyse("low", malignant=0.01, patient_id=patient, wait=place == 3)
    page = open_page(width=800, height=480)
    _live(page)
    page.evaluate("scrollTo(0, 700)")

    for _ in range(2):
        kiosk.analyse("high", malignant=0.9, patient_id=patient)

    button = page.get_by_role("button", name="2 new results. Show")
    expect(button).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(2\) "))
    assert (page.evaluate("scrollY"), page.locator(".card").count()) == (700, 4)
    keep(page, "new-results-800x480")

    button.click()

    expect(page.locator(".card")).to_have_count(6)
    expect(button).to_be_hidden()
    expect(page.locator(".card").first).to_be_focused()
    assert _tiers(page)[:2] == ["High risk"] * 2


def test_an_image_on_its_way_appears_when_it_arrives(kiosk: Any, open_page: Callable[..., Page]) -> None:
    analysis = kiosk.analyse("moderate", upload=False)
    page = open_page()
    _live(page)
    expect(page.get_by_text("Image on its way")).to_be_visible()
    expect(page.get_by_role("checkbox", name=HEAT_MAP)).to_have_count(0)
    page.get_by_text("Details").click()
    picture, heat_map = kiosk.images_of(analysis)

    kiosk.upload(picture)
    expect(page.get_by_role("link", name="Dermoscopic picture")).to_be_visible()
    expect(page.get_by_text("Heat map on its way")).to_be_visible()
    kiosk.upload(heat_map)

    expect(page.get_by_role("checkbox", name=HEAT_MAP)).to_be_visible()
    expect(page.locator(".card")).to_have_count(1)
    expect(page.get_by_text("research only")).to_be_visible()


def test_the_filter_shows_one_tier_and_only_that_tier_arrives_live(kiosk: Any, open_page: Callable[..., Page]) -> None:
    for tier in ("low", "high", "moderate"):
        kiosk.analyse(tier)
    page = open_page()

    page.get_by_role("navigation", name="Show results of").get_by_role("link", name="High", exact=True).click()

    expect(page).to_have_url(re.compile(r"tier=high"))
    expect(page.get_by_role("link", name="High", exact=True)).to_have_attribute("aria-current", "page")
    assert _tiers(page) == ["High risk"]
    _live(page)
    kiosk.analyse("moderate")
    kiosk.analyse("high")
    expect(page.locator(".card")).to_have_count(2)
    assert _tiers(page) == ["High risk"] * 2


def test_older_results_are_a_page_away(kiosk: Any, open_page: Callable[..., Page]) -> None:
    patient = kiosk.register()
    # The hub stores in order, so that the last one's receipt stands for all.
    ids = [kiosk.analyse("low", patient_id=patient, wait=place == 25).analysis_id for place in range(26)]
    page = open_page()
    expect(page.locator(".card")).to_have_count(24)

    page.get_by_role("link", name="Older").click()

    expect(page.locator(".card")).to_have_count(2)
    shown = [card.get_attribute("data-id") for card in page.locator(".card").all()]
    assert shown == [str(ids[1]), str(ids[0])]
    _live(page)
    kiosk.analyse("high", patient_id=patient)
    page.get_by_role("button", name="1 new result. Show").click()
    expect(page).to_have_url(re.compile(r"/$"))
    assert _tiers(page)[0] == "High risk"


def test_a_page_that_missed_results_before_its_connection_catches_up(
    kiosk: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page("/sign-out-first", refusals_expected=True)
    arrived = []
    # Between the page's making and the connection's: the worst moment for a result to come.
    page.route("**/events", lambda route: (arrived.append(kiosk.analyse("high", malignant=0.9)), route.continue_()))

    page.goto(page.url.replace("sign-out-first", ""))

    expect(page.locator(".card")).to_have_count(1)
    assert _tiers(page) == ["High risk"]


def test_a_lost_connection_is_shown_and_a_hub_that_is_back_asks_to_sign_in(
    hub: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page(refusals_expected=True)
    _live(page)

    hub.stop()
    expect(page.get_by_text("Connection lost. Trying again…")).to_be_visible()
    hub.start()

    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_without_script_the_page_still_shows_results_and_the_heat_map(
    kiosk: Any, open_page: Callable[..., Page]
) -> None:
    kiosk.analyse("high", malignant=0.9)

    page = open_page(java_script_enabled=False, reduced_motion="reduce")

    expect(page.get_by_text("Not live. Reload to see new results.")).to_be_visible()
    page.get_by_text(HEAT_MAP).click()
    expect(page.locator(".heat")).to_have_css("opacity", "1")
    expect(page.get_by_role("slider")).to_have_count(0)


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_what_a_kiosk_sends_is_text_never_markup(kiosk: Any, open_page: Callable[..., Page], hostile: str) -> None:
    device = {"name": hostile, "simulated": False, "settings": {}}
    kiosk.analyse("high", malignant=0.9, device=device)
    page = open_page()
    page.get_by_text("Details").click()

    expect(page.get_by_text(hostile)).to_be_visible()
    expect(page.locator(".more script, .more img")).to_have_count(0)
