"""Pictures of the pages for people to look at, and what can be measured of their layout."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

SIZES = [(800, 480), (1920, 1080)]


@pytest.fixture
def some_results(kiosk: Any) -> None:
    patient = kiosk.register()
    kiosk.analyse("low", malignant=0.004, clinical=True, patient_id=patient, body_site="leg")
    kiosk.analyse("moderate", malignant=0.231, body_site="scalp")
    kiosk.analyse("cannot-assess", malignant=0.61, simulated=True)
    kiosk.analyse("low", malignant=0.031, simulated=True, body_site="face")
    kiosk.analyse("high", malignant=0.874, upload=False, body_site="arm")
    kiosk.analyse("high", malignant=0.74, simulated=True, patient_id=patient)
    kiosk.analyse_excluded(bleeding="yes")
    kiosk.analyse(
        "high",
        malignant=0.012,
        answers={"bleeding": "yes", "changed": "not-sure", "growing": "no"},
        reasons=["score-below-limits", "bleeding"],
    )


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.usefixtures("some_results")
def test_results(open_page: Callable[..., Page], keep: Callable[..., None], width: int, height: int) -> None:
    for scheme in ("light", "dark"):
        page = open_page(width=width, height=height, color_scheme=scheme)
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
        page.locator(".card").first.get_by_text("Where the model looked, not why").click()
        for image in page.locator(".picture img").all():
            image.scroll_into_view_if_needed()
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")

        keep(page, f"results-{width}x{height}-{scheme}")
        keep(page, f"results-{width}x{height}-{scheme}-whole", full_page=True)


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_sign_in(open_page: Callable[..., Page], keep: Callable[..., None], width: int, height: int) -> None:
    page = open_page(role=None, width=width, height=height, refusals_expected=True)
    keep(page, f"sign-in-{width}x{height}")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_no_results(open_page: Callable[..., Page], keep: Callable[..., None], width: int, height: int) -> None:
    page = open_page(width=width, height=height)
    keep(page, f"empty-{width}x{height}")
