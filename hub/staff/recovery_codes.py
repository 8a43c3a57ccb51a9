"""Recovery codes: ten, each stands in for a lost passkey once. 80 random bits each, so a fast hash does."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from hub.db.staff_tables import StaffRecoveryCode
from hub.staff.events import StaffEventKind, record_event

COUNT: Final = 10
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_GROUPS: Final = 4
_CONFUSED = str.maketrans("ILO", "110")


def make_recovery_codes(session: Session, staff_id: UUID, *, now: datetime) -> Sequence[str]:
    """A new set; the codes of the earlier one end. They cannot be read again."""
    session.execute(delete(StaffRecoveryCode).where(StaffRecoveryCode.staff_id == staff_id))
    codes = [_new_code() for _ in range(COUNT)]
    for code in codes:
        session.add(StaffRecoveryCode(id=uuid4(), staff_id=staff_id, code_sha256=_digest(code)))
    record_event(session, StaffEventKind.RECOVERY_CODES_MADE, at=now, staff_id=staff_id, by=staff_id)
    return codes


def use_recovery_code(session: Session, staff_id: UUID, code: str, *, now: datetime) -> bool:
    """Whether it was one of the person's unused codes; it is used now."""
    used = session.scalar(
        update(StaffRecoveryCode)
        .where(StaffRecoveryCode.staff_id == staff_id, StaffRecoveryCode.code_sha256 == _digest(code))
        .where(StaffRecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(StaffRecoveryCode.id)
    )
    return used is not None


def count_unused(session: Session, staff_id: UUID) -> int:
    """How many are left."""
    return (
        session.scalar(
            select(func.count())
            .select_from(StaffRecoveryCode)
            .where(StaffRecoveryCode.staff_id == staff_id, StaffRecoveryCode.used_at.is_(None))
        )
        or 0
    )


def _new_code() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(_GROUPS))


def _digest(code: str) -> str:
    typed = "".join(character for character in code[:100].upper() if character.isalnum()).translate(_CONFUSED)
    return hashlib.sha256(typed.encode("utf-8", "surrogatepass")).hexdigest()
