"""The record of what staff did and of what was done to their accounts; rows are only ever added."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from hub.db.staff_tables import StaffEvent


class StaffEventKind(StrEnum):
    """What happened."""

    INVITED = "invited"
    INVITATION_ACCEPTED = "invitation-accepted"
    PASSWORD_ACCEPTED = "password-accepted"  # noqa: S105 the name of an event
    SIGNED_IN = "signed-in"
    SIGN_IN_REFUSED = "sign-in-refused"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    SIGNED_OUT = "signed-out"
    STEPPED_UP = "stepped-up"
    PASSKEY_REFUSED = "passkey-refused"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_REMOVED = "passkey-removed"
    RECOVERY_CODES_MADE = "recovery-codes-made"
    RECOVERY_CODE_USED = "recovery-code-used"
    SESSION_REVOKED = "session-revoked"
    TOKENS_ISSUED = "tokens-issued"
    TOKENS_ROTATED = "tokens-rotated"
    TOKEN_REUSED = "token-reused"  # noqa: S105 the name of an event
    CREDENTIALS_RESET = "credentials-reset"
    ROLE_CHANGED = "role-changed"
    DISABLED = "disabled"
    ENABLED = "enabled"


def record_event(
    session: Session,
    kind: StaffEventKind,
    *,
    at: datetime,
    staff_id: UUID | None,
    session_id: UUID | None = None,
    by: UUID | None = None,
    **detail: Any,
) -> None:
    """Add a row to the caller's transaction.

    Args:
        session: writes; the event counts when the act does.
        kind: what happened.
        at: when.
        staff_id: whose account; none if the name is nobody's.
        session_id: in which session.
        by: who did it, if somebody else or the person in person; none before somebody is known.
        detail: ids and slugs only; never what was typed.
    """
    session.add(
        StaffEvent(at=at, kind=kind, staff_id=staff_id, session_id=session_id, by_staff_id=by, detail=dict(detail))
    )
