"""Getting in and out."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect


def test_a_stranger_finds_a_form_and_enters_with_a_token(open_page: Callable[..., Page]) -> None:
    page = open_page(role=None, refusals_expected=True)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Access token")).to_be_focused()

    page.get_by_label("Access token").fill("no such token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This token is not known")

    page.get_by_label("Access token").fill(" clinician-token ")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Results")).to_be_visible()
    expect(page.get_by_text("Dr. Example")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_role_without_patients_is_told_so_in_words(open_page: Callable[..., Page]) -> None:
    page = open_page(role="technician", refusals_expected=True)

    expect(page.get_by_role("heading", name="Your role does not allow this")).to_be_visible()
    page.get_by_role("button", name="Sign in as somebody else").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("token", ["kiosk-token", "x" * 5_000, ""])
def test_what_is_no_person_s_token_opens_nothing(hub: Any, token: str) -> None:
    answer = httpx.post(f"{hub.url}/sign-in", data={"token": token})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
