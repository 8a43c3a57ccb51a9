"""Staff with a passkey, in a real Chromium with its virtual authenticator."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.hub.test_layout import CONTRAST, SIZES, TARGETS

PASSWORD = "four unrelated words: otter basalt"
# A label above its field is no target of its own.
HARD_TO_HIT = TARGETS.replace(".panel label", "label:not(.check)")
OVERFLOW = "document.documentElement.scrollWidth <= innerWidth"


@dataclass
class Desk:
    """A browser with a fingerprint reader."""

    page: Page
    url: str
    client: Any
    authenticator: str

    def verifies(self, *, right: bool) -> None:
        """Whose finger is on the reader."""
        self.client.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": right})

    def enrol(self, link: str) -> list[str]:
        page = self.page
        page.goto(link)
        page.get_by_label("New password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Name of this passkey").fill("Blue key")
        page.get_by_role("button", name="Register the passkey").click()
        expect(page.get_by_role("heading", name="Store your recovery codes")).to_be_visible()
        codes = page.locator("#code-list li").all_text_contents()
        expect(page.get_by_role("button", name="Continue")).to_be_disabled()
        page.get_by_label("I have stored them").check()
        page.get_by_role("button", name="Continue").click()
        return codes

    def password(self, name: str, password: str = PASSWORD) -> None:
        self.page.goto(self.url + "/sign-in")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_role("button", name="Continue").click()


@pytest.fixture
def invite(hub: Any) -> Callable[..., str]:
    """The command line's invitation."""

    def run(name: str, role: str) -> str:
        settings = hub.data_dir.parent / "hub.toml"
        settings.write_text(f"data_dir = {json.dumps(str(hub.data_dir))}\n[http]\nport = {hub.port}\n")
        words = [sys.executable, "-m", "hub", "staff", "add", "--config", str(settings), "--role", role]
        words += ["--username", name, "--name", f"{name.title()} Example"]
        printed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        return printed.strip().rpartition(" ")[2]

    return run


@pytest.fixture
def desk(chromium: Browser, hub: Any) -> Iterator[Callable[..., Desk]]:
    contexts, complaints = [], []

    def sit_down(width: int = 1280, height: int = 800, **options: Any) -> Desk:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if "Content Security Policy" in m.text else None)
        client = context.new_cdp_session(page)
        client.send("WebAuthn.enable")
        made = client.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                    "automaticPresenceSimulation": True,
                }
            },
        )
        return Desk(page, f"http://localhost:{hub.port}", client, made["authenticatorId"])

    yield sit_down
    for context in contexts:
        context.close()
    assert not complaints


def test_an_invitation_leads_in_and_password_with_passkey_leads_back(
    desk: Callable[..., Desk], invite: Callable[..., str]
) -> None:
    at = desk()
    codes = at.enrol(invite("ana", "clinician"))
    page = at.page

    assert len(codes) == 10
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    assert "#" not in page.url

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    at.password("ana", "wrong")
    expect(page.get_by_role("alert")).to_contain_text("Name or password are wrong")
    at.password("ana")
    expect(page.get_by_role("button", name="Use my passkey")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Results")).to_be_visible()


def test_a_stranger_s_finger_opens_nothing_and_can_be_tried_again(
    desk: Callable[..., Desk], invite: Callable[..., str]
) -> None:
    at = desk()
    at.enrol(invite("ana", "clinician"))
    at.page.get_by_role("button", name="Sign out").click()
    at.password("ana")
    at.verifies(right=False)
    at.page.get_by_role("button", name="Use my passkey").click()
    expect(at.page.get_by_role("alert")).to_contain_text("Nothing was confirmed")

    at.verifies(right=True)
    at.page.get_by_role("button", name="Use my passkey").click()
    expect(at.page.get_by_role("heading", name="Results")).to_be_visible()


def test_a_recovery_code_leads_to_a_new_passkey_on_another_device(
    desk: Callable[..., Desk], invite: Callable[..., str]
) -> None:
    codes = desk().enrol(invite("ana", "technician"))
    other = desk()
    page = other.page
    other.password("ana")
    page.get_by_text("I have lost my passkey").click()
    page.get_by_label("Recovery code").fill("AAAA-AAAA-AAAA-AAAA")
    page.get_by_role("button", name="Use this code").click()
    expect(page.get_by_role("alert")).to_contain_text("none of your unused recovery codes")
    page.get_by_label("Recovery code").fill(codes[0].lower())
    page.get_by_role("button", name="Use this code").click()
    page.get_by_role("button", name="Register the passkey").click()
    page.get_by_label("I have stored them").check()
    page.get_by_role("button", name="Continue").click()

    expect(page.get_by_role("heading", name="Ana Example")).to_be_visible()
    expect(page.get_by_role("button", name="Remove")).to_have_count(2)


def test_an_administrator_invites_and_shuts_and_is_asked_again_after_a_while(
    desk: Callable[..., Desk], invite: Callable[..., str], hub: Any
) -> None:
    at = desk()
    at.enrol(invite("root", "administrator"))
    page = at.page
    page.get_by_role("link", name="Staff").click()
    page.get_by_label("Full name").fill("Eve Example")
    page.get_by_label("User name").fill("eve")
    page.locator("#role").select_option("attendant")
    # The passkey was shown too long ago, as if five minutes had passed.
    with hub._app.state.services.database.writing.begin() as session:
        session.connection().exec_driver_sql("UPDATE staff_sessions SET stepped_up_at = NULL")
    page.get_by_role("button", name="Invite").click()
    dialog = page.get_by_role("dialog", name="Confirm with your passkey")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Invite").click()
    dialog.get_by_role("button", name="Use my passkey").click()
    expect(page.locator("#invitation-link")).to_contain_text("/welcome#")
    link = page.locator("#invitation-link").text_content()
    assert link is not None

    eve = desk()
    eve.enrol(link)
    expect(eve.page.get_by_role("heading", name="Eve Example")).to_be_visible()
    page.reload()
    row = page.locator(".member", has_text="Eve Example")
    row.get_by_text("Change").click()
    row.get_by_role("button", name="Shut the account").click()
    expect(row.locator(".state")).to_contain_text("Shut")
    eve.page.reload()
    expect(eve.page.get_by_role("heading", name="Sign in")).to_be_visible()

    page.get_by_role("link", name="Record of events").click()
    expect(page.locator(".events")).to_contain_text("Account shut")


def test_a_session_elsewhere_is_ended_from_my_account(
    desk: Callable[..., Desk], invite: Callable[..., str], kiosk: Any
) -> None:
    at = desk()
    codes = at.enrol(invite("ana", "clinician"))
    other = desk()
    other.password("ana")
    other.page.get_by_text("I have lost my passkey").click()
    other.page.get_by_label("Recovery code").fill(codes[1])
    other.page.get_by_role("button", name="Use this code").click()
    other.page.get_by_role("button", name="Register the passkey").click()
    other.page.get_by_label("I have stored them").check()
    other.page.get_by_role("button", name="Continue").click()
    expect(other.page.get_by_text("Live", exact=True)).to_be_visible()

    at.page.get_by_role("link", name="My account").click()
    at.page.get_by_role("button", name="End").click()
    expect(at.page.get_by_role("button", name="End")).to_have_count(0)
    # By itself, with the next piece of news.
    kiosk.analyse("low", wait=False, upload=False)
    expect(other.page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_page_is_easy_to_hit_and_to_read(
    desk: Callable[..., Desk], invite: Callable[..., str], keep: Callable[..., None], width: int, height: int
) -> None:
    name = f"root-{width}"
    at = desk(width=width, height=height)
    page = at.page

    def check(shot: str) -> None:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(HARD_TO_HIT) == [], shot
            assert page.evaluate(CONTRAST) == [], shot
            assert page.evaluate(OVERFLOW), shot
            keep(page, f"hub-staff-{shot}-{scheme}-{width}x{height}", full_page=True)

    link = invite(name, "administrator")
    page.goto(at.url + "/sign-in")
    page.get_by_label("User name").fill("x")
    page.get_by_label("Password", exact=True).fill("x")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_visible()
    check("sign-in")
    page.goto(link)
    check("welcome")
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Register your passkey")).to_be_visible()
    check("enrol")
    page.get_by_role("button", name="Register the passkey").click()
    expect(page.get_by_role("heading", name="Store your recovery codes")).to_be_visible()
    check("codes")
    page.get_by_label("I have stored them").check()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    page.goto(at.url + "/account")
    check("account")
    page.goto(at.url + "/staff")
    page.locator("summary").click()
    check("staff")
    page.goto(at.url + "/staff/events")
    check("events")
    page.goto(at.url + "/account")
    page.get_by_role("button", name="Sign out").click()
    at.password(name)
    page.get_by_text("I have lost my passkey").click()
    check("passkey")
