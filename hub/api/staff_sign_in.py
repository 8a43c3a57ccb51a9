"""Signing in with a passkey or a recovery code, enrolling, stepping up, refreshing a program's tokens.

The first four serve callers who have shown a password only, by the cookie of their waiting session.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from hub.api.bounded_body import json_body
from hub.api.deps import SESSION_COOKIE, RunningServices, Services, is_foreign, require
from hub.api.session_cookie import set_session_cookie
from hub.api.staff_schemas import NewPasskey, PasskeyAnswer, RecoveryCode, RefreshToken, TokensOut
from hub.db.staff_tables import StaffMember, StaffSession
from hub.errors import Forbidden
from hub.security import Principal
from hub.staff.errors import PasskeyRefused, StaffSignInRefused, TokenRefused
from hub.staff.events import StaffEventKind, record_event
from hub.staff.passkeys import (
    RelyingParty,
    assertion_options,
    registration_options,
    take_challenge,
    verify_assertion,
)
from hub.staff.sessions import Stage, find_session
from hub.staff.sign_in import SignIn
from hub.staff.tokens import TokenPair, refresh_tokens

router = APIRouter(prefix="/api/v1/staff", tags=["staff"])
Anybody = Annotated[Principal, Depends(require("clinician", "technician", "attendant", "administrator"))]


def relying_party(running: Services) -> RelyingParty:
    """For whom passkeys are."""
    return RelyingParty(running.settings.staff.relying_party_id, running.settings.origin)


def sign_in_steps(running: Services) -> SignIn:
    """The steps of signing in."""
    return SignIn(running.database, running.staff_passwords, running.settings.staff, relying_party(running))


def waiting_session(request: Request, running: Services) -> tuple[StaffSession, StaffMember] | None:
    """The session of whoever has shown a password only, or must register a passkey."""
    cookie = request.cookies.get(SESSION_COOKIE, "")
    with running.database.reading() as session:
        found = find_session(session, cookie, settings=running.settings.staff, now=running.clock())
    return found if found is not None and found[0].stage != "open" and not is_foreign(request) else None


@router.post("/sign-in/options")
def sign_in_options(request: Request, running: RunningServices) -> dict[str, Any]:
    """What `navigator.credentials.get` needs."""
    row, member = _at_stage(request, running, "password")
    with running.database.writing.begin() as session:
        return assertion_options(
            session, member.id, "sign-in", session_id=row.id, party=relying_party(running), now=running.clock()
        )


@router.post("/sign-in")
async def sign_in(
    request: Request, running: RunningServices, answer: Annotated[PasskeyAnswer, Depends(json_body(PasskeyAnswer))]
) -> JSONResponse:
    """Show the passkey; the session is open then."""
    await run_in_threadpool(_at_stage, request, running, "password")
    token = await run_in_threadpool(
        sign_in_steps(running).passkey, _cookie(request), answer.credential, now=running.clock()
    )
    return _opened(request, running, token, {"signed_in": True})


@router.post("/sign-in/recovery")
async def recover(
    request: Request, running: RunningServices, body: Annotated[RecoveryCode, Depends(json_body(RecoveryCode))]
) -> dict[str, str]:
    """Use a recovery code instead; a passkey must be registered next."""
    await run_in_threadpool(_at_stage, request, running, "password")
    code = body.code.get_secret_value()
    await run_in_threadpool(sign_in_steps(running).recovery_code, _cookie(request), code, now=running.clock())
    return {"next": "enrol"}


@router.post("/enrolment/options")
def enrolment_options(request: Request, running: RunningServices) -> dict[str, Any]:
    """What `navigator.credentials.create` needs, for whoever must register a passkey before anything else."""
    row, member = _at_stage(request, running, "enrol")
    with running.database.writing.begin() as session:
        return registration_options(
            session, member, session_id=row.id, party=relying_party(running), now=running.clock()
        )


@router.post("/enrolment")
async def enrol(
    request: Request, running: RunningServices, answer: Annotated[NewPasskey, Depends(json_body(NewPasskey))]
) -> JSONResponse:
    """Register it; the session is open then, and there are new recovery codes."""
    await run_in_threadpool(_at_stage, request, running, "enrol")
    token, codes = await run_in_threadpool(
        sign_in_steps(running).first_passkey,
        _cookie(request),
        answer.credential,
        label=answer.label,
        now=running.clock(),
    )
    return _opened(request, running, token, {"recovery_codes": codes})


@router.post("/step-up/options")
def step_up_options(caller: Anybody, running: RunningServices) -> dict[str, Any]:
    """What `navigator.credentials.get` needs, to confirm an act."""
    staff_id, session_id = _browser(caller)
    with running.database.writing.begin() as session:
        return assertion_options(
            session, staff_id, "step-up", session_id=session_id, party=relying_party(running), now=running.clock()
        )


@router.post("/step-up")
def step_up(caller: Anybody, running: RunningServices, answer: PasskeyAnswer) -> dict[str, int]:
    """Show the passkey again; for `staff.step_up_s` this session may then do what needs it."""
    staff_id, session_id = _browser(caller)
    now = running.clock()
    with running.database.writing() as session:
        try:
            challenge = take_challenge(session, session_id, "step-up", now=now)
            session.commit()
            verify_assertion(
                session, staff_id, answer.credential, challenge=challenge, party=relying_party(running), now=now
            )
        except PasskeyRefused:
            session.rollback()
            record_event(
                session, StaffEventKind.PASSKEY_REFUSED, at=now, staff_id=staff_id, session_id=session_id, by=staff_id
            )
            session.commit()
            raise
        session.get_one(StaffSession, session_id).stepped_up_at = now
        record_event(session, StaffEventKind.STEPPED_UP, at=now, staff_id=staff_id, session_id=session_id, by=staff_id)
        session.commit()
    return {"valid_s": running.settings.staff.step_up_s}


@router.post("/tokens/refresh")
async def refresh(
    running: RunningServices, body: Annotated[RefreshToken, Depends(json_body(RefreshToken))]
) -> JSONResponse:
    """New tokens for a refresh token, once; a second use ends its session."""
    pair = await run_in_threadpool(_refresh, running, body.refresh_token.get_secret_value())
    return tokens_out(pair)


def tokens_out(pair: TokenPair) -> JSONResponse:
    """Tokens, which nothing on the way may keep."""
    told = TokensOut(
        session_id=pair.session_id,
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        token_type="Bearer",  # noqa: S106 the scheme's name
        expires_in_s=pair.expires_in_s,
    )
    return JSONResponse(told.model_dump(mode="json"), headers={"Cache-Control": "no-store"})


def _refresh(running: Services, token: str) -> TokenPair:
    with running.database.writing() as session:
        pair = refresh_tokens(session, token, settings=running.settings.staff, now=running.clock())
        session.commit()
    if pair is None:
        raise TokenRefused("this refresh token was used before; its session has been ended")
    return pair


def _at_stage(request: Request, running: Services, stage: Stage) -> tuple[StaffSession, StaffMember]:
    found = waiting_session(request, running)
    if found is None or found[0].stage != stage:
        raise StaffSignInRefused("sign in with name and password first")
    return found


def _browser(caller: Principal) -> tuple[Any, Any]:
    if caller.staff_id is None or caller.session_id is None:
        raise Forbidden("only a person with an account has passkeys")
    return caller.staff_id, caller.session_id


def _cookie(request: Request) -> str:
    return request.cookies.get(SESSION_COOKIE, "")


def _opened(request: Request, running: Services, token: str, body: dict[str, Any]) -> JSONResponse:
    response = JSONResponse(body, headers={"Cache-Control": "no-store"})
    set_session_cookie(response, request, running, token)
    return response
