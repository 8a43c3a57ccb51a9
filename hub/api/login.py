"""Signing browsers in: a link with a token becomes a session cookie, and the token leaves the address bar."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from hub.api.deps import SESSION_COOKIE, RunningServices
from hub.errors import Unauthorised
from hub.security import SESSION_S

router = APIRouter(tags=["sign-in"])


@router.get("/login")
async def login(
    request: Request, running: RunningServices, token: Annotated[str, Query(max_length=200)]
) -> RedirectResponse:
    """Start a browser session and go to the portal."""
    principal = running.access.find(token)
    if principal is None or principal.role == "kiosk":
        raise Unauthorised("this sign-in link is not valid")
    response = _redirect("/")
    response.set_cookie(
        SESSION_COOKIE,
        running.browsers.start(principal),
        max_age=SESSION_S,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/logout")
async def logout(request: Request, running: RunningServices) -> RedirectResponse:
    """End the browser session."""
    running.browsers.end(request.cookies.get(SESSION_COOKIE, ""))
    response = _redirect("/")
    response.delete_cookie(SESSION_COOKIE)
    return response


def _redirect(path: str) -> RedirectResponse:
    headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return RedirectResponse(path, status_code=303, headers=headers)
