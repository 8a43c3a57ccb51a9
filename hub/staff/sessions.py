"""Sessions of people: found by the hash of a random token, ended by time, by their owner or by an administrator."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.config import StaffSettings
from hub.db.staff_tables import StaffMember, StaffSession
from hub.errors import NotFound
from hub.security import Principal, token_digest
from hub.staff.events import StaffEventKind, record_event

Stage = Literal["password", "enrol", "open"]
SESSION_PREFIX: Final = "dks_"
ACCESS_PREFIX: Final = "dka_"
UNFINISHED_S: Final = 600
"""How long somebody may take between password and passkey."""
TOUCH_S: Final = 60
"""A session's last use is written at most this often."""


def start_session(
    session: Session, member: StaffMember, *, stage: Stage, label: str, settings: StaffSettings, now: datetime
) -> tuple[StaffSession, str]:
    """A new browser session and the token for its cookie."""
    token = SESSION_PREFIX + secrets.token_urlsafe(32)
    started = StaffSession(
        id=uuid4(),
        staff_id=member.id,
        kind="browser",
        stage=stage,
        token_sha256=token_digest(token),
        label=label[:64],
        started_at=now,
        seen_at=now,
        expires_at=now + timedelta(seconds=settings.session_s if stage == "open" else UNFINISHED_S),
    )
    session.add(started)
    session.flush()
    return started, token


def open_session(
    session: Session, unfinished: StaffSession, *, settings: StaffSettings, now: datetime
) -> tuple[StaffSession, str]:
    """Turn a session whose passkey was just shown into an open one, under a new token: the old one may be known."""
    token = SESSION_PREFIX + secrets.token_urlsafe(32)
    unfinished.stage = "open"
    unfinished.token_sha256 = token_digest(token)
    unfinished.seen_at = unfinished.stepped_up_at = now
    unfinished.expires_at = now + timedelta(seconds=settings.session_s)
    session.flush()
    return unfinished, token


def find_session(
    session: Session, token: str, *, settings: StaffSettings, now: datetime
) -> tuple[StaffSession, StaffMember] | None:
    """The session behind a cookie, of whatever stage, if it has not ended and its owner may still come in."""
    found = session.execute(
        select(StaffSession, StaffMember)
        .join(StaffMember, StaffMember.id == StaffSession.staff_id)
        .where(StaffSession.token_sha256 == token_digest(token), StaffSession.kind == "browser")
        .where(StaffSession.ended_at.is_(None), StaffMember.disabled_at.is_(None))
    ).one_or_none()
    if found is None:
        return None
    row, member = found
    return (row, member) if _runs(row, settings=settings, now=now) else None


def _runs(row: StaffSession, *, settings: StaffSettings, now: datetime) -> bool:
    idle = row.kind == "browser" and now - row.seen_at >= timedelta(seconds=settings.idle_s)
    return row.ended_at is None and now < row.expires_at and not idle


def touch(session: Session, session_id: UUID, *, now: datetime) -> None:
    """Write down that the session is in use."""
    session.execute(update(StaffSession).where(StaffSession.id == session_id).values(seen_at=now))


def principal(row: StaffSession, member: StaffMember) -> Principal:
    """Who an open session stands for."""
    return Principal(
        member.full_name,
        member.role,  # type: ignore[arg-type]  # the table's constraint admits roles only
        staff_id=member.id,
        session_id=row.id,
        stepped_up_at=row.stepped_up_at,
    )


def list_sessions(
    session: Session, staff_id: UUID, *, settings: StaffSettings, now: datetime
) -> Sequence[StaffSession]:
    """The person's sessions that run, the newest first."""
    rows = session.scalars(
        select(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None), StaffSession.stage == "open")
        .order_by(StaffSession.started_at.desc(), StaffSession.id)
    )
    return [row for row in rows if _runs(row, settings=settings, now=now)]


def end_session(session: Session, session_id: UUID, *, by: UUID, now: datetime, owner: UUID | None = None) -> None:
    """End a session at once, with every token of it.

    Args:
        session: writes.
        session_id: which.
        by: who ends it.
        now: the time.
        owner: if given, only a session of this person.

    Raises:
        NotFound: there is none that runs.
    """
    row = session.get(StaffSession, session_id)
    if row is None or row.ended_at is not None or (owner is not None and row.staff_id != owner):
        raise NotFound("there is no such session, or it has ended")
    row.ended_at, row.ended_by = now, "owner" if by == row.staff_id else "administrator"
    record_event(session, StaffEventKind.SESSION_REVOKED, at=now, staff_id=row.staff_id, session_id=row.id, by=by)


def end_all_sessions(session: Session, staff_id: UUID, *, by: UUID | None, reason: str, now: datetime) -> None:
    """End every session of a person, finished or not."""
    rows = session.scalars(
        select(StaffSession).where(StaffSession.staff_id == staff_id, StaffSession.ended_at.is_(None))
    )
    for row in rows:
        row.ended_at, row.ended_by = now, reason
        record_event(
            session, StaffEventKind.SESSION_REVOKED, at=now, staff_id=staff_id, session_id=row.id, by=by, reason=reason
        )


def sign_out(session: Session, row: StaffSession, *, now: datetime) -> None:
    """End the session at its owner's wish."""
    row.ended_at, row.ended_by = now, "sign-out"
    record_event(session, StaffEventKind.SIGNED_OUT, at=now, staff_id=row.staff_id, session_id=row.id, by=row.staff_id)
