"""Every screen, kept as a picture at both sizes for people to look at, and what can be measured of its layout."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

FACE_PATIENCE_S = 90
SIZES = [(1920, 1080), (800, 480)]
"""The visit goes on at the last one: what has to be in sight there is in sight at any other."""

_FINDINGS = """() => {
  const findings = [];
  const shown = (node) => node.checkVisibility() && node.getClientRects().length > 0;
  const touched = "button, input, select, label.choice, label.consent, label.card, label.chip";
  for (const node of document.querySelectorAll(touched)) {
    if (!shown(node) || node.matches(":is(.consent, .choice, .card, .chip) input")) continue;
    const { width, height } = node.getBoundingClientRect();
    if (width < 48 || height < 48) findings.push(`small ${node.outerHTML.slice(0, 90)}: ${width} x ${height}`);
    const cutOff = node.scrollWidth > node.clientWidth + 1 && !node.matches("input");
    if (cutOff) findings.push(`cut off: ${node.textContent}`);
  }
  for (const node of document.querySelectorAll("h1, h2, p, li, span, button, figcaption")) {
    if (!shown(node) || node.closest(".unseen")) continue;
    const { left, right } = node.getBoundingClientRect();
    if (left < -1 || right > innerWidth + 1) findings.push(`off the screen: ${node.textContent.slice(0, 60)}`);
  }
  if (document.documentElement.scrollWidth > innerWidth) findings.push("the page is wider than the screen");
  return findings;
}"""


class Tour:
    """One visit through every screen, stopping for a picture and for measurements at each."""

    def __init__(self, *, kiosk: Any, patient: Any, keep: Callable[..., None], language: str) -> None:
        self.kiosk = kiosk
        self.patient = patient
        self.page = patient.page
        self._keep = keep
        self._language = language
        self._number = 0
        self.findings: dict[str, list[str]] = {}

    def shot(self, name: str) -> None:
        self._number += 1
        for width, height in SIZES:
            self.page.set_viewport_size({"width": width, "height": height})
            self._keep(self.page, f"kiosk-{self._number:02}-{name}-{self._language}-{width}x{height}")
            if found := self.page.evaluate(_FINDINGS):
                self.findings[f"{name} at {width}x{height}"] = found

    def shows(self, picture: str) -> None:
        # Not by wait_for_function, whose eval the page's policy forbids.
        expect(self.page.locator(picture)).not_to_have_js_property("naturalWidth", 0)
        expect(self.page.locator(picture)).to_have_js_property("complete", True)  # noqa: FBT003 the property's value

    def registers(self) -> None:
        patient, page = self.patient, self.page
        self.shot("welcome")
        page.locator("[data-way='new']").click()
        patient.goes_on()
        self.shot("register-name-error")
        page.locator("[data-do='cancel']").click()
        patient.tells_who("Eva Torres", born=2015)
        patient.sees("register-guardian")
        patient.goes_on()
        self.shot("register-guardian-error")
        patient.press("back")
        patient.types("birth_date-year", "1961")
        self.shot("register-about")
        patient.goes_on()
        page.locator("input[name=care][value=yes]").check()
        self.shot("register-consent-care")
        patient.goes_on()
        patient.types("username", "ana")
        self.shot("register-username")
        patient.goes_on()
        patient.types("password", "ana2015")
        expect(page.locator(".rules [data-state='unmet']").first).to_be_visible()
        self.shot("register-password-weak")
        patient.types("password", "four quiet green boats")
        page.locator(".toggle").click()
        expect(page.locator(".rules [data-state='met']")).to_have_count(4)
        self.shot("register-password")
        patient.goes_on()
        self.answers_the_rest()
        self.shows_their_face()
        self.shot("register-review")
        patient.press("create")
        patient.sees("registered")
        self.shows(".card-qr")
        self.shot("registered")
        patient.press("start")

    def answers_the_rest(self) -> None:
        patient, page = self.patient, self.page
        patient.types("email", "ana@example.org")
        self.shot("register-contact")
        patient.goes_on()
        page.locator("input[name=messages][value=yes]").check()
        self.shot("register-consent-messages")
        patient.goes_on()
        self.tells_of_their_health()
        page.locator("input[name=research][value=no]").check()
        self.shot("register-consent-research")
        patient.goes_on()
        page.locator("input[name=helped][value=yes]").check()
        patient.types("attendant", "Luis Vega")
        self.shot("register-attendant")
        patient.goes_on()

    def shows_their_face(self) -> None:
        patient, page = self.patient, self.page
        page.locator("input[name=face][value=yes]").check()
        self.shot("register-face")
        patient.goes_on()
        self.shows("img.mirror-live")
        self.shot("register-face-check")
        patient.press("face-start")
        expect(page.locator(".face-check[data-running]")).to_be_visible()
        self.shot("register-face-check-running")
        patient.sees("face-picture", within_s=FACE_PATIENCE_S)
        self.shows(".face-picture img")
        self.shot("face-picture")
        patient.press("use")

    def tells_of_their_health(self) -> None:
        patient, page = self.patient, self.page
        for topic in ("allergies", "conditions", "medications", "earlier_lesions"):
            patient.sees(f"register-{topic}")
            page.locator(".chip input").nth(2).check()
            if topic == "allergies":
                patient.types("allergies-own", "Nickel")
                patient.press("add")
            self.shot(f"register-{topic}")
            patient.goes_on()

    def sees_their_account(self) -> None:
        patient, page = self.patient, self.page
        patient.press("account")
        expect(page.locator(".tile")).to_have_count(5)
        self.shot("account")
        for tile in ("card", "consents", "face", "password", "delete"):
            page.locator(f"[data-tile='{tile}']").click()
            self.shot(f"account-{tile}")
            if tile in {"face", "delete"}:
                patient.press("delete")
                self.shot(f"account-{tile}-sure")
            patient.press("back")
            expect(page.locator(".tile").first).to_be_visible()
        patient.press("back")
        patient.sees("body-site")

    def is_examined(self) -> None:
        patient, page = self.patient, self.page
        patient.sees("body-site")
        self.shot("body-site")
        patient.points_at("hand")
        expect(page.locator(".question")).to_have_count(5)
        for number in range(5):
            expect(page.locator(".question").nth(number)).to_be_in_viewport(ratio=1)
        self.shot("questions-1")
        patient.press("next")
        expect(page.locator(".question.open")).to_have_count(5)
        self.shot("questions-1-open")
        patient.press("rest")
        patient.press("next")
        expect(page.locator(".question")).to_have_count(5)
        page.locator("input[value='not-sure']").first.check()
        page.locator("input[value='yes']").last.check()
        patient.press("rest")
        self.shot("questions-2")
        patient.press("next")
        self.shows("img.live")
        expect(page.locator("[data-do='take']")).to_be_in_viewport(ratio=1)
        self.shot("capture")
        # The order is held back until both pictures of the waiting are taken.
        orders: list[Route] = []

        def hold(order: Route) -> None:
            orders.append(order)

        page.route("**/api/capture", hold)
        patient.press("take")
        expect(page.locator(".waiting")).to_be_visible()
        self.shot("capture-waiting")
        orders.pop().continue_()
        page.unroute("**/api/capture")
        patient.sees("result")
        self.shows("img.picture")
        self.shot("result")
        page.locator("[data-picture='heat']").click()
        self.shows("img.picture")
        page.locator("[data-scroll]").evaluate("(node) => node.scrollTo({ top: 1e6, behavior: 'instant' })")
        self.shot("result-heat-map-end")
        patient.press("other")
        patient.takes_picture("face", near_eye="yes", bleeding="yes", changed="not-sure")
        patient.sees("result")
        self.shows("img.picture")
        self.shot("result-excluded-and-urgent")
        patient.press("other")
        patient.points_at("hand")
        patient.sees("same-spot")
        self.shows(".spot img")
        self.shot("same-spot")

    def is_refused(self) -> None:
        patient, page = self.patient, self.page
        page.locator("[data-lesion='new']").click()
        patient.answers()
        patient.press("take")
        patient.sees("refused")
        self.shot("refused-blurred")
        patient.press("again")
        patient.press("take")
        expect(page.locator("[data-fault='dark']")).to_be_visible()
        self.shot("refused-dark")
        self.kiosk.clock.step(40)
        expect(page.locator("#idle")).to_be_visible()
        self.shot("still-there")
        page.locator("#idle button").click()
        expect(page.locator("#idle")).not_to_be_visible()
        patient.press("finish")
        patient.sees("ended-patient")
        self.shot("goodbye")

    def comes_again(self) -> None:
        patient, page = self.patient, self.page
        patient.press("home")
        page.locator("[data-way='known']").click()
        self.shot("sign-in-claim")
        patient.press("card")
        self.shows("img.mirror-live")
        self.shot("sign-in-card")
        patient.press("back")
        patient.types("claim", "ana")
        patient.goes_on()
        self.shot("sign-in")
        patient.types("password", "not my password")
        patient.goes_on()
        expect(page.locator("[data-code='sign-in-refused']")).to_be_visible()
        self.shot("sign-in-refused")
        patient.press("face")
        patient.sees("sign-in-face")
        self.shot("sign-in-face")
        patient.press("face-start")
        patient.sees("attempts", within_s=FACE_PATIENCE_S)
        self.shot("attempts")
        patient.press("go-on")
        patient.sees("body-site")

    def is_locked_out(self) -> None:
        patient, page = self.patient, self.page
        patient.leaves()
        patient.claims("somebody")
        for _ in range(3):
            patient.types("password", "not my password")
            with page.expect_response("**/api/sign-in/password"):
                patient.goes_on()
        patient.sees("locked")
        self.shot("locked")
        patient.press("reset")
        self.shot("reset")
        page.locator("[data-way='staff']").click()
        self.shot("reset-code")
        patient.types("code", "123456")
        patient.goes_on()
        self.shot("reset-password")
        patient.press("cancel")

    def is_left(self) -> None:
        patient, page = self.patient, self.page
        patient.signs_in()
        patient.sees("body-site")
        self.kiosk.go_away()
        expect(page.locator("#trouble")).to_be_visible()
        self.shot("server-away")
        self.kiosk.serve()
        expect(page.locator("#trouble")).not_to_be_visible()
        self.kiosk.clock.step(100)
        patient.sees("ended-idle")
        self.shot("ended-by-itself")


def test_a_field_stays_in_sight_above_an_on_screen_keyboard(
    start_kiosk: Callable[..., Any], approach: Callable[..., Any], keep: Callable[..., None]
) -> None:
    patient = approach(start_kiosk())
    page = patient.page
    page.locator("[data-way='new']").click()
    page.set_viewport_size({"width": 800, "height": 250})

    keep(page, "kiosk-on-screen-keyboard")
    for part in (page.locator("#full_name"), page.locator(".actions button[type=submit]"), page.locator("#simulated")):
        expect(part).to_be_in_viewport(ratio=1)


@pytest.mark.timeout(480)  # some sixty screens in one visit, each at both sizes
@pytest.mark.parametrize("locale", ["en-US", "es-MX", "zh-CN"])
def test_every_screen_fits(
    start_kiosk: Callable[..., Any],
    approach: Callable[..., Any],
    living_face: str,
    keep: Callable[..., None],
    locale: str,
) -> None:
    # The clock leaps here; a face cannot be looked for in between.
    kiosk = start_kiosk(
        dermoscope="sim://phantom?seed=1&fault=defocus@3,dark@4", face_camera=living_face, face_left_s=0
    )
    patient = approach(kiosk, locale=locale)
    tour = Tour(kiosk=kiosk, patient=patient, keep=keep, language=locale[:2])

    tour.registers()
    tour.sees_their_account()
    tour.is_examined()
    tour.is_refused()
    tour.comes_again()
    tour.is_locked_out()
    tour.is_left()

    assert tour.findings == {}
