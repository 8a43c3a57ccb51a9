"""Links with a token, for demonstrations only, and signing out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from hub.api.deps import SESSION_COOKIE, RunningServices, Services, is_foreign
from hub.api.session_cookie import set_session_cookie
from hub.errors import Forbidden, Unauthorised
from hub.security import Principal
from hub.staff.sessions import SESSION_PREFIX, find_session, sign_out

router = APIRouter(tags=["sign-in"])


@router.get("/login")
async def login(
    request: Request, running: RunningServices, token: Annotated[str, Query(max_length=200)]
) -> RedirectResponse:
    """Start a browser session and go to the portal."""
    principal = person_by_token(running, token)
    if principal is None:
        raise Unauthorised("this sign-in link is not valid")
    response = _redirect("/")
    set_session_cookie(response, request, running, running.browsers.start(principal))
    return response


@router.post("/logout")
async def logout(request: Request, running: RunningServices) -> RedirectResponse:
    """End the browser session."""
    if is_foreign(request):
        raise Forbidden("another site's page cannot sign anybody out")
    await run_in_threadpool(end_browser_session, running, request.cookies.get(SESSION_COOKIE, ""))
    response = _redirect("/")
    response.delete_cookie(SESSION_COOKIE)
    return response


def person_by_token(running: Services, token: str) -> Principal | None:
    """Whose token it is, if browsers may sign in with it: in the demo environment, and no kiosk."""
    found = running.access.find(token) if token and running.settings.environment == "demo" else None
    return found if found is not None and found.role != "kiosk" else None


def end_browser_session(running: Services, cookie: str) -> None:
    """End the session behind the cookie, of whichever kind; nothing if there is none."""
    running.browsers.end(cookie)
    if not cookie.startswith(SESSION_PREFIX):
        return
    now = running.clock()
    with running.database.writing.begin() as session:
        found = find_session(session, cookie, settings=running.settings.staff, now=now)
        if found is not None:
            sign_out(session, found[0], now=now)


def _redirect(path: str) -> RedirectResponse:
    headers = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    return RedirectResponse(path, status_code=303, headers=headers)
