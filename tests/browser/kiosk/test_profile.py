"""After a visit the browser's profile on the disk holds nothing of the patient: planted texts are looked for in it."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright

NAME, USERNAME, MAIL = "Wilhelmina Markerberg", "marker-wilhelmina", "marker@example.org"
PASSWORD = "four quiet green boats"
MARKERS = ("Markerberg", USERNAME, MAIL, PASSWORD)
FLAGS = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


def found_in(folder: Path) -> list[str]:
    hits = []
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes().lower()
            hits += [
                f"{path.relative_to(folder)}: {marker}"
                for marker in MARKERS
                for encoding in ("utf-8", "utf-16-le")
                if marker.lower().encode(encoding) in content
            ]
    return hits


@pytest.mark.timeout(240)
def test_no_planted_text_is_in_the_profile_after_a_visit(
    start_kiosk: Callable[..., Any], approach: Any, playwright: Playwright, tmp_path: Path
) -> None:
    kiosk = start_kiosk()
    somebody = approach(kiosk)
    somebody.page.goto("about:blank")
    profile = tmp_path / "profile"
    browser = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=shutil.which("chromium"),
        args=[*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS,
        viewport={"width": 800, "height": 480},
        locale="en-US",
    )
    try:
        page = browser.new_page()
        page.goto(kiosk.url)
        patient = type(somebody)(page)
        patient.tells_who(NAME)
        patient.chooses("care", "yes")
        patient.types("username", USERNAME)
        patient.goes_on()
        patient.types("password", PASSWORD)
        patient.goes_on()
        patient.sees("register-contact")
        patient.types("email", MAIL)
        patient.goes_on()
        patient.chooses("messages", "no")
        for step in ("allergies", "conditions", "medications", "earlier_lesions"):
            patient.sees(f"register-{step}")
            patient.press("skip")
        patient.chooses("research", "no")
        patient.chooses("helped", "no")
        patient.sees("register-review")
        patient.press("create")
        patient.sees("registered")
        patient.press("start")
        patient.takes_picture()
        patient.sees("result")
        patient.leaves()
    finally:
        browser.close()
    assert any(profile.rglob("*"))
    assert found_in(profile) == []
    assert found_in(kiosk.settings.data_dir) == []
