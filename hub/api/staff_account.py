"""One's own account: passkeys, recovery codes, sessions, tokens for programs."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from hub.api.deps import ReadSession, RunningServices, WriteSession, require, require_step_up
from hub.api.staff_schemas import CodesOut, NewPasskey, PasskeyOut, SessionOut, TokenOrder
from hub.api.staff_sign_in import relying_party, tokens_out
from hub.errors import Forbidden
from hub.security import Principal
from hub.staff.errors import PasskeyRefused
from hub.staff.events import StaffEventKind, record_event
from hub.staff.members import get_member
from hub.staff.passkeys import (
    list_passkeys,
    register_passkey,
    registration_options,
    remove_passkey,
    take_challenge,
)
from hub.staff.recovery_codes import make_recovery_codes
from hub.staff.sessions import end_session, list_sessions
from hub.staff.tokens import issue_tokens

router = APIRouter(prefix="/api/v1/staff/me", tags=["staff"])
Anybody = Annotated[Principal, Depends(require("clinician", "technician", "attendant", "administrator"))]
Verified = Annotated[Principal, Depends(require_step_up("clinician", "technician", "attendant", "administrator"))]


def account_of(caller: Principal) -> tuple[UUID, UUID]:
    """Ids of the caller's account and session.

    Raises:
        Forbidden: a caller from the settings, who has none.
    """
    if caller.staff_id is None or caller.session_id is None:
        raise Forbidden("only a person with an account has these")
    return caller.staff_id, caller.session_id


@router.get("/passkeys")
def passkeys(caller: Anybody, session: ReadSession) -> list[PasskeyOut]:
    """One's passkeys, the oldest first."""
    staff_id, _ = account_of(caller)
    return [PasskeyOut.model_validate(passkey) for passkey in list_passkeys(session, staff_id)]


@router.post("/passkeys/options")
def passkey_options(caller: Verified, running: RunningServices, session: WriteSession) -> dict[str, Any]:
    """What `navigator.credentials.create` needs, for one more passkey."""
    staff_id, session_id = account_of(caller)
    member = get_member(session, staff_id)
    options = registration_options(
        session, member, session_id=session_id, party=relying_party(running), now=running.clock()
    )
    session.commit()
    return options


@router.post("/passkeys", status_code=201)
def add_passkey(caller: Verified, running: RunningServices, session: WriteSession, answer: NewPasskey) -> PasskeyOut:
    """Register one more passkey."""
    staff_id, session_id = account_of(caller)
    now = running.clock()
    try:
        challenge = take_challenge(session, session_id, "enrol", now=now)
        session.commit()
        passkey = register_passkey(
            session,
            get_member(session, staff_id),
            answer.credential,
            challenge=challenge,
            label=answer.label,
            session_id=session_id,
            party=relying_party(running),
            now=now,
        )
    except PasskeyRefused:
        session.rollback()
        record_event(
            session, StaffEventKind.PASSKEY_REFUSED, at=now, staff_id=staff_id, session_id=session_id, by=staff_id
        )
        session.commit()
        raise
    session.commit()
    return PasskeyOut.model_validate(passkey)


@router.delete("/passkeys/{passkey_id}", status_code=204)
def delete_passkey(caller: Verified, running: RunningServices, session: WriteSession, passkey_id: UUID) -> None:
    """Remove one; not the last."""
    staff_id, session_id = account_of(caller)
    remove_passkey(session, staff_id, passkey_id, session_id=session_id, now=running.clock())
    session.commit()


@router.post("/recovery-codes", status_code=201)
def renew_recovery_codes(caller: Verified, running: RunningServices, session: WriteSession) -> CodesOut:
    """New recovery codes; the earlier ones end."""
    staff_id, _ = account_of(caller)
    codes = make_recovery_codes(session, staff_id, now=running.clock())
    session.commit()
    return CodesOut(recovery_codes=list(codes))


@router.get("/sessions")
def sessions(caller: Anybody, running: RunningServices, session: ReadSession) -> list[SessionOut]:
    """One's sessions that run: browsers and programs."""
    staff_id, current = account_of(caller)
    rows = list_sessions(session, staff_id, settings=running.settings.staff, now=running.clock())
    return [
        SessionOut(
            id=row.id,
            kind=row.kind,
            label=row.label,
            started_at=row.started_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            current=row.id == current,
        )
        for row in rows
    ]


@router.delete("/sessions/{session_id}", status_code=204)
def revoke_session(caller: Anybody, running: RunningServices, session: WriteSession, session_id: UUID) -> None:
    """End one of one's sessions at once, with its tokens."""
    staff_id, _ = account_of(caller)
    end_session(session, session_id, by=staff_id, owner=staff_id, now=running.clock())
    session.commit()


@router.post("/tokens", status_code=201)
def issue(caller: Verified, running: RunningServices, session: WriteSession, order: TokenOrder) -> JSONResponse:
    """Tokens for a program that acts in one's name; what needs a passkey, it cannot do."""
    staff_id, _ = account_of(caller)
    member = get_member(session, staff_id)
    pair = issue_tokens(session, member, label=order.label, settings=running.settings.staff, now=running.clock())
    session.commit()
    return tokens_out(pair)
