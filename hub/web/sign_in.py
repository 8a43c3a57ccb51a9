"""Signing in by form: name and password, then the passkey's page; in the demo environment also an access token."""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from hub.api.bounded_body import read_bounded
from hub.api.deps import SESSION_COOKIE, RunningServices, is_foreign
from hub.api.login import end_browser_session, person_by_token
from hub.api.session_cookie import session_label, set_session_cookie
from hub.api.staff_sign_in import sign_in_steps, waiting_session
from hub.errors import Unprocessable
from hub.staff.errors import FormFromElsewhere, InvitationRefused, PasswordRefused, StaffSignInRefused
from hub.web.pages import PageRoute, render, sign_in_page

router = APIRouter(tags=["portal"], route_class=PageRoute, include_in_schema=False)
_LARGEST_FORM_BYTES: Final = 4_096


@router.get("/sign-in")
async def show(request: Request, running: RunningServices) -> Response:
    """The form."""
    return await sign_in_page(running, by_token=request.query_params.get("with") == "token")


@router.post("/sign-in")
async def sign_in(request: Request, running: RunningServices) -> Response:
    """Start a browser session for the owner of the token, or one that waits for the passkey."""
    form = await _form(request)
    if form is None or "token" in form:
        principal = person_by_token(running, form["token"].strip()) if form else None
        if principal is None:
            return await sign_in_page(running, status=HTTPStatus.UNAUTHORIZED, refused=True, by_token=True)
        return _to("/", request, running, running.browsers.start(principal))
    try:
        token = await run_in_threadpool(
            sign_in_steps(running).password,
            form.get("username", ""),
            form.get("password", ""),
            label=session_label(request),
            now=running.clock(),
        )
    except StaffSignInRefused:
        return await sign_in_page(running, status=HTTPStatus.UNAUTHORIZED, refused=True)
    await run_in_threadpool(end_browser_session, running, request.cookies.get(SESSION_COOKIE, ""))
    return _to("/sign-in/passkey", request, running, token)


@router.get("/sign-in/passkey")
def passkey(request: Request, running: RunningServices) -> Response:
    """The step after the password."""
    found = waiting_session(request, running)
    if found is None:
        return RedirectResponse("/sign-in", status_code=HTTPStatus.SEE_OTHER)
    row, member = found
    if row.stage == "enrol":
        return RedirectResponse("/enrol", status_code=HTTPStatus.SEE_OTHER)
    return render("sign_in_passkey.html", member=member, home=home_of(member.role))


@router.get("/enrol")
def enrol(request: Request, running: RunningServices) -> Response:
    """Registering a passkey, after an invitation or a recovery code."""
    found = waiting_session(request, running)
    if found is None or found[0].stage != "enrol":
        return RedirectResponse("/sign-in", status_code=HTTPStatus.SEE_OTHER)
    return render("enrol.html", member=found[1], home=home_of(found[1].role))


@router.get("/welcome")
def welcome() -> Response:
    """Accepting an invitation: its code stands behind the hash of the link, which no server sees."""
    return render("welcome.html", problem=None)


@router.post("/welcome")
async def accept(request: Request, running: RunningServices) -> Response:
    """Choose a password; the passkey is next."""
    form = await _form(request) or {}
    try:
        token = await run_in_threadpool(
            sign_in_steps(running).accept_invitation,
            form.get("code", ""),
            form.get("password", ""),
            label=session_label(request),
            now=running.clock(),
        )
    except (InvitationRefused, PasswordRefused) as error:
        return render("welcome.html", status=error.status, problem=error)
    return _to("/enrol", request, running, token)


def home_of(role: str) -> str:
    """Where somebody of this role starts."""
    return "/" if role in {"clinician", "administrator"} else "/account"


def _to(path: str, request: Request, running: RunningServices, token: str) -> Response:
    response = RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
    set_session_cookie(response, request, running, token)
    return response


async def _form(request: Request) -> dict[str, str] | None:
    if is_foreign(request):
        raise FormFromElsewhere("the form came from another site's page")
    try:
        body = await read_bounded(request, most_bytes=_LARGEST_FORM_BYTES)
    except Unprocessable:
        return None
    text = body.decode("utf-8", "replace")
    try:
        return {name: values[0] for name, values in parse_qs(text, keep_blank_values=True).items()}
    except ValueError:
        return None
