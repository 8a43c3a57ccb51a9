"""Debian's Chromium, driven by Playwright; without it these tests fail."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

SCREENS = Path(__file__).parents[2] / "build" / "screens"
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.fail("Chromium is missing: apt-get install chromium")
    flags = [*FLAGS, "--no-sandbox"] if os.geteuid() == 0 else FLAGS
    browser = playwright.chromium.launch(executable_path=path, args=flags)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def keep() -> Callable[..., None]:
    """Keep a screenshot for people."""
    SCREENS.mkdir(parents=True, exist_ok=True)

    def save(page: Page, name: str, **options: Any) -> None:
        # Not by Playwright's `path`, which writes in threads that it leaves behind.
        (SCREENS / f"{name}.png").write_bytes(page.screenshot(**options))

    return save


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser that goes while a picture is being opened for it leaves Starlette's file to the collector."""
    picture = (
        r"ignore:Exception ignored in. <_io\.FileIO name='[^']*/hub/images/:pytest.PytestUnraisableExceptionWarning"
    )
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(pytest.mark.filterwarnings(f"{picture}:pytest.PytestUnraisableExceptionWarning"))
