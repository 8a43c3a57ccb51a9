"""Short tokens for programs that act for a person. A refresh token works once; a second use ends the whole session."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hub.config import StaffSettings
from hub.db.staff_tables import StaffMember, StaffSession, StaffToken
from hub.security import Principal, token_digest
from hub.staff.errors import TokenRefused
from hub.staff.events import StaffEventKind, record_event
from hub.staff.sessions import ACCESS_PREFIX, principal

REFRESH_PREFIX: Final = "dkr_"


@dataclass(frozen=True)
class TokenPair:
    """What the program gets; neither can be read again later."""

    session_id: UUID
    access_token: str
    refresh_token: str
    expires_in_s: int


def issue_tokens(
    session: Session, member: StaffMember, *, label: str, settings: StaffSettings, now: datetime
) -> TokenPair:
    """Start a program's session, which ends after `session_s` however often it is refreshed."""
    row = StaffSession(
        id=uuid4(),
        staff_id=member.id,
        kind="program",
        stage="open",
        label=label[:64],
        started_at=now,
        seen_at=now,
        expires_at=now + timedelta(seconds=settings.session_s),
    )
    session.add(row)
    session.flush()
    record_event(session, StaffEventKind.TOKENS_ISSUED, at=now, staff_id=member.id, session_id=row.id, by=member.id)
    return _new_pair(session, row, settings=settings, now=now)


def refresh_tokens(session: Session, refresh_token: str, *, settings: StaffSettings, now: datetime) -> TokenPair | None:
    """A new pair for a refresh token; the old access token ends.

    Returns:
        The pair, or None if the token had been used before: its session has been ended then, and the caller commits
        that before refusing.

    Raises:
        TokenRefused: unknown, or its session is over.
    """
    found = session.execute(
        select(StaffToken, StaffSession, StaffMember)
        .join(StaffSession, StaffSession.id == StaffToken.session_id)
        .join(StaffMember, StaffMember.id == StaffSession.staff_id)
        .where(StaffToken.token_sha256 == token_digest(refresh_token), StaffToken.kind == "refresh")
    ).one_or_none()
    if found is None:
        raise TokenRefused("the refresh token is not known")
    token, row, member = found
    if row.ended_at is not None or now >= row.expires_at or member.disabled_at is not None:
        raise TokenRefused("the session of this token is over")
    if token.used_at is not None:
        row.ended_at, row.ended_by = now, "token-reused"
        record_event(session, StaffEventKind.TOKEN_REUSED, at=now, staff_id=member.id, session_id=row.id)
        return None
    token.used_at = row.seen_at = now
    session.execute(
        update(StaffToken)
        .where(StaffToken.session_id == row.id, StaffToken.kind == "access", StaffToken.used_at.is_(None))
        .values(used_at=now)
    )
    record_event(session, StaffEventKind.TOKENS_ROTATED, at=now, staff_id=member.id, session_id=row.id)
    return _new_pair(session, row, settings=settings, now=now)


def find_by_access_token(session: Session, access_token: str, *, now: datetime) -> Principal | None:
    """Whom the program acts for, while its token, its session and the account are valid."""
    found = session.execute(
        select(StaffSession, StaffMember)
        .join(StaffToken, StaffToken.session_id == StaffSession.id)
        .join(StaffMember, StaffMember.id == StaffSession.staff_id)
        .where(StaffToken.token_sha256 == token_digest(access_token), StaffToken.kind == "access")
        .where(StaffToken.used_at.is_(None), StaffToken.expires_at > now)
        .where(StaffSession.ended_at.is_(None), StaffSession.expires_at > now, StaffMember.disabled_at.is_(None))
    ).one_or_none()
    return None if found is None else principal(*found)


def _new_pair(session: Session, row: StaffSession, *, settings: StaffSettings, now: datetime) -> TokenPair:
    access, refresh = (prefix + secrets.token_urlsafe(32) for prefix in (ACCESS_PREFIX, REFRESH_PREFIX))
    access_ends = min(now + timedelta(seconds=settings.access_token_s), row.expires_at)
    for kind, token, ends in (("access", access, access_ends), ("refresh", refresh, row.expires_at)):
        session.add(
            StaffToken(id=uuid4(), session_id=row.id, kind=kind, token_sha256=token_digest(token), expires_at=ends)
        )
    return TokenPair(row.id, access, refresh, int((access_ends - now).total_seconds()))
