"""Attempts of all kiosks counted together: too many failures of one name lock it everywhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.db.identity_tables import CredentialDigest, SignInAttempt, SignInName
from hub.identity.orders import all_kiosk_ids, give_order, withdraw_orders
from protocol.commands import COMMAND_NAMES, ClearSignInLock, LockSignIn

LONGEST_LOCK: Final = timedelta(days=1)
_MOST_AT_ONCE: Final = 500
_LOCK, _CLEAR = COMMAND_NAMES[LockSignIn], COMMAND_NAMES[ClearSignInLock]


@dataclass(frozen=True)
class LockRules:
    """How many failures of one name, within which window, lock it for how long."""

    failures: int
    window: timedelta
    lock: timedelta


@dataclass(frozen=True)
class NewLock:
    """A name that is locked from now on."""

    claim_digest: str
    patient_id: UUID | None
    locked_until: datetime
    failures: int


def merge_attempts(session: Session, rules: LockRules, *, now: datetime) -> list[NewLock]:
    """Count what has been reported since the last time; returns the names that this locked."""
    attempts = session.scalars(
        select(SignInAttempt)
        .where(SignInAttempt.merged.is_(False))
        .order_by(SignInAttempt.received_at, SignInAttempt.attempt_id)
        .limit(_MOST_AT_ONCE)
    ).all()
    locks: dict[str, NewLock] = {}
    for attempt in attempts:
        attempt.merged = True
        name = _name(session, attempt.claim_digest)
        if attempt.outcome == "succeeded":
            name.forgiven_at = max(name.forgiven_at or attempt.effective_at, attempt.effective_at)
            if attempt.method == "reset-code":
                clear_lock(session, attempt.claim_digest, now=now)
                locks.pop(attempt.claim_digest, None)
        elif lock := _lock(session, name, attempt, rules, now=now):
            locks[lock.claim_digest] = lock
    return list(locks.values())


def clear_lock(session: Session, claim_digest: str, *, now: datetime) -> None:
    """Unlock a name everywhere and forget its failures."""
    name = _name(session, claim_digest)
    name.locked_until, name.forgiven_at = None, now
    withdraw_orders(session, (_LOCK,), subject=claim_digest, now=now)
    for kiosk_id in all_kiosk_ids(session):
        # Not lasting: a kiosk that hears of it only later has let the lock run out by itself.
        give_order(
            session,
            ClearSignInLock(claim_digest=claim_digest),
            kiosk_id=kiosk_id,
            subject=claim_digest,
            now=now,
            expires_at=now + LONGEST_LOCK,
        )


def clear_locks_of(session: Session, patient_id: UUID, *, now: datetime) -> int:
    """Unlock every name of a patient; returns how many names there are."""
    query = select(CredentialDigest.claim_digest).where(CredentialDigest.patient_id == patient_id)
    digests = session.scalars(query).all()
    for digest in digests:
        clear_lock(session, digest, now=now)
    return len(digests)


def order_known_lock(session: Session, claim_digest: str, *, kiosk_id: int, now: datetime) -> None:
    """Tell one kiosk of a lock that is on: it may be too new to have heard of it."""
    name = session.get(SignInName, claim_digest)
    if name is not None and name.locked_until is not None and name.locked_until > now:
        _order_lock(session, claim_digest, kiosk_id=kiosk_id, until=name.locked_until, now=now)


def _name(session: Session, claim_digest: str) -> SignInName:
    name = session.get(SignInName, claim_digest)
    if name is None:
        name = SignInName(claim_digest=claim_digest)
        session.add(name)
        session.flush()
    return name


def _lock(
    session: Session, name: SignInName, attempt: SignInAttempt, rules: LockRules, *, now: datetime
) -> NewLock | None:
    until, failures = _locked_by_kiosk(attempt), attempt.failures
    if attempt.counted and attempt.outcome == "failed":
        latest, count = _failures_together(session, name, rules)
        if latest is not None and count >= rules.failures:
            until, failures = max(until or latest, latest + rules.lock), count
    # A lock of the past, told by a kiosk that was away, locks nobody any more.
    if until is None or until <= now or (name.forgiven_at and attempt.effective_at <= name.forgiven_at):
        return None
    if name.locked_until is not None and name.locked_until >= until:
        return None
    was_locked = name.locked_until is not None and name.locked_until > now
    name.locked_until = until
    withdraw_orders(session, (_CLEAR,), subject=attempt.claim_digest, now=now)
    for kiosk_id in all_kiosk_ids(session):
        _order_lock(session, attempt.claim_digest, kiosk_id=kiosk_id, until=until, now=now)
    known = session.get(CredentialDigest, attempt.claim_digest)
    patient_id = known.patient_id if known else None
    return None if was_locked else NewLock(attempt.claim_digest, patient_id, until, failures)


def _order_lock(session: Session, claim_digest: str, *, kiosk_id: int, until: datetime, now: datetime) -> None:
    give_order(
        session,
        LockSignIn(claim_digest=claim_digest, remaining_s=(until - now).total_seconds()),
        kiosk_id=kiosk_id,
        subject=claim_digest,
        now=now,
        expires_at=until,
    )


def _locked_by_kiosk(attempt: SignInAttempt) -> datetime | None:
    if attempt.locked_for_s <= 0:
        return None
    return attempt.effective_at + min(timedelta(seconds=attempt.locked_for_s), LONGEST_LOCK)


def _failures_together(session: Session, name: SignInName, rules: LockRules) -> tuple[datetime | None, int]:
    """The last counted failure of a name and how many there are in the window that ends with it."""
    counted = (
        SignInAttempt.claim_digest == name.claim_digest,
        SignInAttempt.counted,
        SignInAttempt.outcome == "failed",
        SignInAttempt.merged,
    )
    session.flush()
    latest = session.scalar(select(func.max(SignInAttempt.effective_at)).where(*counted))
    if latest is None:
        return None, 0
    after = max(latest - rules.window, name.forgiven_at or latest - rules.window)
    count = session.scalar(
        select(func.count()).select_from(SignInAttempt).where(*counted, SignInAttempt.effective_at > after)
    )
    return latest, count or 0
