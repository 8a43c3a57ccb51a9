"""Rendering: templates, static files, and what makes a route answer people rather than programs."""

import hashlib
from collections.abc import Callable, Coroutine
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined

from hub.api.deps import Services
from hub.errors import Forbidden, HubError, Unauthorised, Unprocessable
from hub.staff.members import any_members
from hub.web import staff_wording, wording

STATIC_DIR: Final = Path(__file__).parent / "static"
STATIC_TYPES: Final = {
    "page.css": "text/css; charset=utf-8",
    "results.css": "text/css; charset=utf-8",
    "card.css": "text/css; charset=utf-8",
    "staff.css": "text/css; charset=utf-8",
    "results.js": "text/javascript; charset=utf-8",
    "passkey.js": "text/javascript; charset=utf-8",
    "staff_api.js": "text/javascript; charset=utf-8",
    "show_password.js": "text/javascript; charset=utf-8",
    "sign_in_passkey.js": "text/javascript; charset=utf-8",
    "enrol.js": "text/javascript; charset=utf-8",
    "welcome.js": "text/javascript; charset=utf-8",
    "account.js": "text/javascript; charset=utf-8",
    "staff.js": "text/javascript; charset=utf-8",
    "recovery_codes.js": "text/javascript; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
# Changes with the files, so that browsers may keep each for ever.
STATIC_VERSION: Final = hashlib.sha256(b"".join((STATIC_DIR / name).read_bytes() for name in STATIC_TYPES)).hexdigest()[
    :12
]
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    # Nothing of a patient stays in the browser's cache.
    "Cache-Control": "no-store",
}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hub.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"words": wording, "staff_words": staff_wording, "static_version": STATIC_VERSION}
    environment.filters["moment"] = _moment
    environment.filters["day"] = _day
    return environment


def _moment(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


_TEMPLATES: Final = _environment()


def render(template: str, *, status: int = HTTPStatus.OK, **context: Any) -> HTMLResponse:
    """A page, with the headers that keep it to itself."""
    text = _TEMPLATES.get_template(template).render(context)
    return HTMLResponse(text, status_code=status, headers=SECURITY_HEADERS)


class PageRoute(APIRoute):
    """Answers errors with a page: who is not signed in finds the sign-in form, not JSON."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, wrapped."""
        answer = super().get_route_handler()

        async def answer_with_page(request: Request) -> Response:
            try:
                return await answer(request)
            except Unauthorised:
                return await sign_in_page(request.app.state.services, status=HTTPStatus.UNAUTHORIZED)
            except RequestValidationError:
                return _error_page(Unprocessable("the address is not valid"))
            except HubError as error:
                return _error_page(error)

        return answer_with_page


async def sign_in_page(
    running: Services, *, status: int = HTTPStatus.OK, refused: bool = False, by_token: bool = False
) -> HTMLResponse:
    """The form for name and password; in the demo, if asked or while nobody has an account, for an access token."""
    demo = running.settings.environment == "demo"
    accounts = await run_in_threadpool(_has_accounts, running)
    mode = "token" if demo and (by_token or not accounts) else "password"
    return render(
        "sign_in.html",
        status=status,
        refused=refused,
        mode=mode,
        other=demo and accounts,
        accounts=accounts,
        minutes=-(-running.settings.staff.lock_s // 60),
    )


def _has_accounts(running: Services) -> bool:
    with running.database.reading() as session:
        return any_members(session)


def _error_page(error: HubError) -> HTMLResponse:
    return render("error.html", status=error.status, error=error, signed_in=isinstance(error, Forbidden))
