"""The screen's server, as far as it needs no kiosk: its page, its policy and whom it refuses."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from edge.ui.app import create_app

Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask() -> Ask:
    # Neither the page nor a refusal asks the kiosk anything.
    transport = httpx.ASGITransport(create_app(None))  # type: ignore[arg-type]

    async def answer(method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8090") as client:
            return await client.request(method, path, **options)

    return lambda *request, **options: asyncio.run(answer(*request, **options))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/static/app/main.js", "text/javascript"),
        ("/static/css/base.css", "text/css"),
        ("/static/texts/zh.json", "application/json"),
        ("/static/icons.svg", "image/svg+xml"),
    ],
)
def test_the_page_and_its_files_come_with_policy_and_are_not_cached(ask: Ask, path: str, kind: str) -> None:
    answer = ask("GET", path)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_hosts_name_is_refused(ask: Ask) -> None:
    assert ask("GET", "/", headers={"host": "kiosk.example"}).status_code == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_post_is_refused(ask: Ask, site: str) -> None:
    assert ask("POST", "/api/end", headers={"sec-fetch-site": site}).status_code == 403


def test_input_that_does_not_fit_is_named_and_not_repeated(ask: Ask) -> None:
    answer = ask("POST", "/api/register", json={"username": "ana", "password": "secret words", "sex": "unheard-of"})

    assert answer.status_code == 422
    problem = answer.json()
    assert problem["code"] == "input-invalid"
    assert {"birth_date", "sex", "consents"} <= set(problem["fields"])
    assert "secret words" not in answer.text
