"""Attempts to sign in: each is counted before it is judged, judged once, and reported with its outcome."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from edge.auth.account import SignInRefused
from edge.auth.accounts import Accounts
from edge.auth.lockout import Lockout
from edge.auth.sign_in_gate import Admitted, SignInGate
from edge.auth.throttle import Throttled
from edge.clock import Clock
from edge.errors import EdgeError
from edge.storage import Storage
from protocol.identity import SignInAttempted, SignInMethod

MIGRATIONS: tuple[str, ...] = (
    """CREATE TABLE sign_in_attempts (
        attempt_id TEXT PRIMARY KEY NOT NULL,
        claim_digest TEXT NOT NULL,
        method TEXT NOT NULL,
        failures INTEGER NOT NULL,
        attempted_at TEXT NOT NULL
    ) STRICT""",
)
"""Attempts that were counted and are not yet judged: a power cut in between must not hide one."""


class SignInLocked(EdgeError):
    """Too many failures of this name; it says nothing about whether the name is known or the proof was right."""

    code = "sign-in-locked"
    remedy = "Wait until the lock is over, or set a new password with a code."

    def __init__(self, remaining_s: float) -> None:
        super().__init__("this name is locked after too many failures")
        self.remaining_s = remaining_s


class SignInThrottled(EdgeError):
    """Too many failures of all names at this kiosk; no name was looked at."""

    code = "sign-in-throttled"
    remedy = "Wait, then try again; if nobody here has tried, tell the staff."

    def __init__(self, remaining_s: float) -> None:
        super().__init__("this kiosk has seen too many failed sign-ins")
        self.remaining_s = remaining_s


@dataclass(frozen=True)
class Attempt:
    """An attempt under way. `admitted` is its counted failure; None for one of a locked name, which cannot succeed."""

    digest: str = field(repr=False)
    method: SignInMethod
    admitted: Admitted | None
    begun_at: datetime
    attempt_id: UUID = field(default_factory=uuid4)

    @property
    def locked(self) -> bool:
        """Whether the name was locked when it began."""
        return self.admitted is None


Outcome = Literal["succeeded", "failed", "locked", "throttled"]


class Attempts:
    """Counts, judges and reports attempts of claimed names, known or not."""

    def __init__(
        self, *, storage: Storage, accounts: Accounts, gate: SignInGate, lockout: Lockout, clock: Clock
    ) -> None:
        self._storage = storage
        self._accounts = accounts
        self._gate = gate
        self._lockout = lockout
        self._clock = clock
        self._report_interrupted()

    def begin(self, claim_text: str, method: SignInMethod) -> Attempt:
        """Count a failure of this name, on the disk, before anything is judged; success takes it back.

        A locked name is not refused here: whoever judges must take the same time for it.

        Raises:
            SignInThrottled: this kiosk has seen too many failures; counted against no name.
        """
        now = self._clock.now()
        with self._storage.store.transaction() as connection:
            digest = self._accounts.claim(connection, claim_text).digest
            gate = self._gate.admit(connection, digest)
            attempt = Attempt(digest, method, gate if isinstance(gate, Admitted) else None, now)
            if attempt.admitted is not None:
                connection.execute(
                    "INSERT INTO sign_in_attempts VALUES (?, ?, ?, ?, ?)",
                    (str(attempt.attempt_id), digest, method, attempt.admitted.charged.failures, now.isoformat()),
                )
        if isinstance(gate, Throttled):
            self._storage.outbox.save(self._event(attempt, "throttled", None, failures=0, locked_for_s=0.0))
            raise SignInThrottled(gate.remaining_s)
        return attempt

    def succeed(self, connection: sqlite3.Connection, attempt: Attempt, patient_id: UUID) -> Callable[[], None]:
        """The claim was proved: forget the name's failures, in the caller's transaction.

        Returns what is to be called once that has committed.

        Raises:
            SignInLocked: the name was locked when the attempt began.
        """
        if attempt.admitted is None:
            raise SignInLocked(self._lockout.remaining_s(connection, attempt.digest))
        self._gate.succeed(connection, attempt.admitted)
        event = self._event(attempt, "succeeded", patient_id, failures=0, locked_for_s=0.0)
        return self._conclude(connection, attempt, event)

    def fail(self, attempt: Attempt, patient_id: UUID | None, *, reason: str | None = None) -> EdgeError:
        """The claim was not proved: save that, and only then return what the screen is told.

        `patient_id` is of whom the name names, as far as this kiosk knows; `reason` is a slug for those who audit.
        """
        with self._storage.store.transaction() as connection:
            locked_for_s = self._lockout.remaining_s(connection, attempt.digest)
            failures = attempt.admitted.charged.failures if attempt.admitted else 0
            outcome: Outcome = "locked" if attempt.locked else "failed"
            event = self._event(
                attempt, outcome, patient_id, failures=failures, locked_for_s=locked_for_s, reason=reason
            )
            announce = self._conclude(connection, attempt, event)
        announce()
        return SignInLocked(locked_for_s) if locked_for_s > 0 else SignInRefused()

    def withdraw(self, attempt: Attempt, patient_id: UUID | None, *, reason: str) -> None:
        """Nothing was compared, for a reason that is no failure, such as an unreadable face: take the count back."""
        with self._storage.store.transaction() as connection:
            if attempt.admitted is not None:
                self._gate.withdraw(connection, attempt.admitted)
            event = self._event(attempt, "failed", patient_id, failures=0, locked_for_s=0.0, reason=reason)
            announce = self._conclude(connection, attempt, event)
        announce()

    def _conclude(self, connection: sqlite3.Connection, attempt: Attempt, event: SignInAttempted) -> Callable[[], None]:
        connection.execute("DELETE FROM sign_in_attempts WHERE attempt_id = ?", (str(attempt.attempt_id),))
        message_id = self._storage.outbox.put(event, connection=connection)
        return lambda: self._storage.outbox.announce(message_id, event)

    def _event(
        self,
        attempt: Attempt,
        outcome: Outcome,
        patient_id: UUID | None,
        *,
        failures: int,
        locked_for_s: float,
        reason: str | None = None,
    ) -> SignInAttempted:
        return SignInAttempted(
            attempt_id=attempt.attempt_id,
            claim_digest=attempt.digest,
            patient_id=patient_id,
            method=attempt.method,
            outcome=outcome,
            reason=reason,
            counted=failures > 0,
            failures=failures,
            locked_for_s=min(locked_for_s, 86_400.0),
            attempted_at=attempt.begun_at,
        )

    def _report_interrupted(self) -> None:
        """A power cut or kill came between count and judgement: the count stays, and the hub hears of it."""
        with self._storage.store.transaction() as connection:
            rows = connection.execute("SELECT * FROM sign_in_attempts ORDER BY attempted_at").fetchall()
        for row in rows:
            event = SignInAttempted(
                attempt_id=UUID(row["attempt_id"]),
                claim_digest=row["claim_digest"],
                patient_id=None,
                method=row["method"],
                outcome="failed",
                reason="interrupted",
                counted=True,
                failures=row["failures"],
                locked_for_s=0.0,
                attempted_at=datetime.fromisoformat(row["attempted_at"]),
            )
            with self._storage.store.transaction() as connection:
                connection.execute("DELETE FROM sign_in_attempts WHERE attempt_id = ?", (row["attempt_id"],))
                locked_for_s = self._lockout.remaining_s(connection, row["claim_digest"])
                event = event.model_copy(update={"locked_for_s": locked_for_s})
                message_id = self._storage.outbox.put(event, connection=connection)
            self._storage.outbox.announce(message_id, event)
