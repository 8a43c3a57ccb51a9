"""Every screen, kept as a picture at both sizes for people to look at, and what can be measured of its layout."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

SIZES = [(800, 480), (1920, 1080)]
TOUCH_PX = 48

_FINDINGS = """() => {
  const findings = [];
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  for (const node of document.querySelectorAll("button, input, select, label.choice, label.consent")) {
    if (!shown(node) || node.closest(".consent, .choice") !== null && node.matches("input")) continue;
    const { width, height } = node.getBoundingClientRect();
    if (width < 48 || height < 48) findings.push(`small ${node.outerHTML.slice(0, 90)}: ${width} x ${height}`);
    if (node.scrollWidth > node.clientWidth + 1 && !node.matches("input")) findings.push(`cut off: ${node.textContent}`);
  }
  for (const node of document.querySelectorAll("h1, h2, p, li, span, button, figcaption")) {
    if (!shown(node) || node.closest(".unseen")) continue;
    const { left, right } = node.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) findings.push(`off the screen: ${node.textContent.slice(0, 60)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) findings.push("the page is wider than the screen");
  return findings;
}"""


def look(page: Page, keep: Callable[..., None], name: str) -> None:
    page.evaluate("document.fonts.ready")
    size = page.viewport_size
    keep(page, f"kiosk-{name}-{size['width']}x{size['height']}")
    assert page.evaluate(_FINDINGS) == [], name


@pytest.mark.timeout(240)  # some twenty screens in one visit
@pytest.mark.parametrize("locale", ["en-US", "es-MX", "zh-CN"])
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_screen_fits(
    start_kiosk: Callable[..., Any],
    approach: Callable[..., Any],
    astronaut_camera: str,
    keep: Callable[..., None],
    width: int,
    height: int,
    locale: str,
) -> None:
    kiosk = start_kiosk(dermoscope="sim://phantom?seed=1&fault=defocus@2,dark@3", face_camera=astronaut_camera)
    patient = approach(kiosk, width=width, height=height, locale=locale)
    page = patient.page
    language = locale[:2]

    def shot(name: str) -> None:
        look(page, keep, f"{name}-{language}")

    def shown(picture: str) -> None:
        # Not by wait_for_function, whose eval the page's policy forbids.
        expect(page.locator(picture)).to_have_js_property("complete", True)  # noqa: FBT003 the property's value
        expect(page.locator(picture)).not_to_have_js_property("naturalWidth", 0)

    shot("01-welcome")
    page.locator("[data-way='new']").click()
    patient.goes_on()
    shot("02-register-username-error")
    patient.types("username", "ana")
    patient.goes_on()
    patient.types("password", "four quiet green boats")
    page.locator(".toggle").click()
    shot("03-register-password")
    patient.goes_on()
    patient.types("full_name", "Ana María Torres Gutiérrez")
    shot("04-register-name")
    patient.goes_on()
    shot("05-register-about")
    patient.types("birth_date-day", "12")
    page.locator("#birth_date-month").select_option("4")
    patient.types("birth_date-year", "1961")
    page.locator("input[name=sex][value=female]").check()
    patient.goes_on()
    page.locator("#consent_care").check()
    page.locator("#consent_face").check()
    shot("06-register-consent")
    patient.goes_on()
    patient.sees("registered")
    shot("07-registered")
    patient.press("start")
    patient.sees("body-site")
    shot("08-body-site")
    patient.points_at("arm")
    shown("img.live")
    shot("09-capture")
    patient.press("take")
    patient.sees("result")
    shown("img.picture")
    shot("10-result")
    page.locator("[data-picture='heat']").click()
    shown("img.picture")
    page.locator("[data-scroll]").evaluate("(node) => node.scrollTo(0, 1e6)")
    shot("11-result-heat-map-end")
    patient.press("other")
    patient.points_at("arm")
    patient.sees("same-spot")
    shown(".spot img")
    shot("12-same-spot")
    page.locator("[data-lesion='new']").click()
    patient.press("take")
    patient.sees("refused")
    shot("13-refused-blurred")
    patient.press("again")
    patient.press("take")
    expect(page.locator("[data-fault='dark']")).to_be_visible()
    shot("14-refused-dark")
    kiosk.clock.step(40)
    expect(page.locator("#idle")).to_be_visible()
    shot("15-still-there")
    page.locator("#idle button").click()
    expect(page.locator("#idle")).not_to_be_visible()
    patient.press("finish")
    patient.sees("ended-patient")
    shot("16-goodbye")
    patient.press("home")
    patient.claims("ana")
    shot("17-sign-in")
    patient.types("password", "not my password")
    patient.goes_on()
    expect(page.locator("[data-code='sign-in-refused']")).to_be_visible()
    shot("18-sign-in-refused")
    patient.press("face")
    patient.sees("sign-in-face")
    shot("19-sign-in-face")
    patient.press("face-start")
    patient.sees("body-site")
    kiosk.go_away()
    expect(page.locator("#trouble")).to_be_visible()
    shot("20-server-away")
    kiosk.serve()
    expect(page.locator("#trouble")).not_to_be_visible()
    kiosk.clock.step(100)
    patient.sees("ended-idle")
    shot("21-ended-by-itself")
