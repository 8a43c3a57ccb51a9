"""Signing in with an access token typed into a form, so that it never stands in an address."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from hub.api.deps import SESSION_COOKIE, RunningServices
from hub.security import SESSION_S
from hub.web.pages import PageRoute, sign_in_page

router = APIRouter(tags=["portal"], route_class=PageRoute, include_in_schema=False)
_LARGEST_FORM_BYTES: Final = 4_096


@router.post("/sign-in")
async def sign_in(request: Request, running: RunningServices) -> Response:
    """Start a browser session for the owner of the token."""
    token = await _token(request)
    principal = running.access.find(token) if token else None
    if principal is None or principal.role == "kiosk":
        return sign_in_page(status=HTTPStatus.UNAUTHORIZED, refused=True)
    response = RedirectResponse("/", status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
    response.set_cookie(
        SESSION_COOKIE,
        running.browsers.start(principal),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


async def _token(request: Request) -> str | None:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > _LARGEST_FORM_BYTES:
            return None
    values = parse_qs(body.decode("ascii", "replace")).get("token", [])
    return values[0].strip() if values else None
