"""Failed sign-ins, counted by name before the password is looked at; unknown names count and lock like known ones."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from hub.config import StaffSettings
from hub.db.staff_tables import StaffAttempts


def charge(session: Session, username: str, *, settings: StaffSettings, now: datetime) -> bool:
    """Count an attempt as failed before it is made; `absolve` takes it back.

    The caller commits before it verifies anything, so that attempts at the same time share one count.

    Returns:
        Whether the attempt may be made; False while the name is locked, which is not counted.
    """
    _forget_what_is_over(session, settings=settings, now=now)
    digest = name_digest(username)
    row = session.get(StaffAttempts, digest)
    if row is None:
        row = StaffAttempts(name_sha256=digest, failures=0, first_at=now)
        session.add(row)
    if row.locked_until is not None:
        return False
    row.failures += 1
    if row.failures >= settings.lock_failures:
        row.locked_until = now + timedelta(seconds=settings.lock_s)
    session.flush()
    return True


def absolve(session: Session, username: str) -> None:
    """Forget the failures of a name: it has just proved itself, or an administrator unlocks it."""
    session.execute(delete(StaffAttempts).where(StaffAttempts.name_sha256 == name_digest(username)))


def locked_until(session: Session, username: str, *, now: datetime) -> datetime | None:
    """Until when the name is locked, if it is."""
    row = session.get(StaffAttempts, name_digest(username))
    return row.locked_until if row is not None and row.locked_until is not None and row.locked_until > now else None


def name_digest(username: str) -> str:
    """What stands for a name in the count: what was typed there may be a password."""
    return hashlib.sha256(username.encode("utf-8", "surrogatepass")).hexdigest()


def _forget_what_is_over(session: Session, *, settings: StaffSettings, now: datetime) -> None:
    begun = now - timedelta(seconds=settings.lock_window_s)
    session.execute(
        delete(StaffAttempts).where(
            or_(
                StaffAttempts.locked_until <= now,
                StaffAttempts.locked_until.is_(None) & (StaffAttempts.first_at <= begun),
            )
        )
    )
