"""Locks of claimed names: three failures within a window lock a name for half an hour of steady time.

An attempt is charged as a failure before it is checked, and absolved when it succeeds: whoever cuts the power in
between has used it up. Names are digests, whether anybody has them or not, so that unknown ones count and lock alike.
All digests of one known account (user name, patient code) share the counter of the first.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge.auth.steady_time import SteadyTime

MIGRATIONS: Final[tuple[str, ...]] = (
    """CREATE TABLE sign_in_failures (
        charge_id INTEGER PRIMARY KEY AUTOINCREMENT,
        digest TEXT NOT NULL,
        at_s REAL NOT NULL
    ) STRICT""",
    "CREATE INDEX sign_in_failures_digest ON sign_in_failures (digest)",
    "CREATE INDEX sign_in_failures_at_s ON sign_in_failures (at_s)",
    # `ordered`: by the hub. `charge_id`: the failure that locked, for an attempt that is withdrawn.
    """CREATE TABLE sign_in_locks (
        digest TEXT NOT NULL,
        ordered INTEGER NOT NULL CHECK (ordered IN (0, 1)),
        until_s REAL NOT NULL,
        charge_id INTEGER,
        PRIMARY KEY (digest, ordered)
    ) STRICT, WITHOUT ROWID""",
    # The digests of a known account; position 0 is the one that counts for all.
    """CREATE TABLE account_claims (
        digest TEXT PRIMARY KEY NOT NULL,
        patient_id TEXT NOT NULL,
        counter TEXT NOT NULL,
        position INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX account_claims_patient ON account_claims (patient_id)",
)

_LONGEST_LOCK_S: Final = 86_400.0


@dataclass(frozen=True)
class LockRules:
    """How many failures within how long a window lock a name, and for how long; seconds of steady time."""

    failures: int = 3
    window_s: float = 900.0
    lock_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.failures < 1 or self.window_s <= 0 or not 0 < self.lock_s <= _LONGEST_LOCK_S:
            raise ValueError("a lock needs at least one failure, a window, and a time of up to a day")


@dataclass(frozen=True)
class Charged:
    """The attempt may be checked once. It counts as a failure already; `locked_for_s` is 0 unless it locks the name."""

    digest: str
    charge_id: int
    failures: int
    locked_for_s: float


@dataclass(frozen=True)
class Locked:
    """The attempt must not be checked."""

    remaining_s: float


class Lockout:
    """Counts failures and keeps locks in the caller's transactions; nothing counts until those have committed."""

    def __init__(self, rules: LockRules, steady: SteadyTime) -> None:
        self.rules = rules
        self._steady = steady

    def charge(self, connection: sqlite3.Connection, digest: str) -> Charged | Locked:
        """Count a failure in advance, or say that the name is locked; a refused attempt changes nothing."""
        now_s = self._begin(connection)
        counter = _counter(connection, digest)
        until_s = self._until_s(connection, counter)
        if until_s > now_s:
            return Locked(until_s - now_s)
        charge_id = connection.execute(
            "INSERT INTO sign_in_failures (digest, at_s) VALUES (?, ?) RETURNING charge_id", (counter, now_s)
        ).fetchone()[0]
        failures = self._failures(connection, counter)
        locked_for_s = 0.0
        if failures >= self.rules.failures:
            locked_for_s = self.rules.lock_s
            self._lock(connection, counter, now_s + locked_for_s, ordered=False, charge_id=charge_id)
        return Charged(counter, charge_id, failures, locked_for_s)

    def absolve(self, connection: sqlite3.Connection, digest: str) -> None:
        """The charged attempt succeeded: forget the name's failures, and the lock that they made.

        A lock that the hub ordered meanwhile stays until the hub clears it.
        """
        self._begin(connection)
        counter = _counter(connection, digest)
        connection.execute("DELETE FROM sign_in_failures WHERE digest = ?", (counter,))
        connection.execute("DELETE FROM sign_in_locks WHERE digest = ? AND ordered = 0", (counter,))

    def withdraw(self, connection: sqlite3.Connection, charged: Charged) -> None:
        """Take one charge back: the attempt ended before anything was compared. Earlier failures stay."""
        self._begin(connection)
        connection.execute("DELETE FROM sign_in_failures WHERE charge_id = ?", (charged.charge_id,))
        connection.execute("DELETE FROM sign_in_locks WHERE ordered = 0 AND charge_id = ?", (charged.charge_id,))

    def lock(self, connection: sqlite3.Connection, digest: str, remaining_s: float) -> None:
        """Lock a name by the hub's order for this long, a day at most; a longer lock that is on already stays."""
        now_s = self._begin(connection)
        counter = _counter(connection, digest)
        self._lock(connection, counter, now_s + min(max(0.0, remaining_s), _LONGEST_LOCK_S), ordered=True)

    def clear(self, connection: sqlite3.Connection, digest: str) -> None:
        """Unlock a name and forget its failures."""
        self._begin(connection)
        _forget(connection, _counter(connection, digest))

    def remaining_s(self, connection: sqlite3.Connection, digest: str) -> float:
        """How long the name is still locked; 0 if it is not."""
        return max(0.0, self._until_s(connection, _counter(connection, digest)) - self._steady.now_s())

    def failures(self, connection: sqlite3.Connection, digest: str) -> int:
        """How many failures of the name count now."""
        self._begin(connection)
        return self._failures(connection, _counter(connection, digest))

    def merge(self, connection: sqlite3.Connection, counter: str, digests: Iterable[str]) -> None:
        """Carry what was counted under other digests of one account over to its counter; too many together lock it."""
        now_s = self._begin(connection)
        for digest in digests:
            if digest == counter:
                continue
            connection.execute("UPDATE sign_in_failures SET digest = ? WHERE digest = ?", (counter, digest))
            for row in connection.execute("SELECT * FROM sign_in_locks WHERE digest = ?", (digest,)).fetchall():
                ordered = bool(row["ordered"])
                self._lock(connection, counter, row["until_s"], ordered=ordered, charge_id=row["charge_id"])
            connection.execute("DELETE FROM sign_in_locks WHERE digest = ?", (digest,))
        if self._failures(connection, counter) >= self.rules.failures and self._until_s(connection, counter) <= now_s:
            self._lock(connection, counter, now_s + self.rules.lock_s, ordered=False)

    def _begin(self, connection: sqlite3.Connection) -> float:
        """Persist the time, so that it never stands before what is written now; drop what no longer counts."""
        self._steady.checkpoint(connection)
        now_s = self._steady.now_s()
        ended = "SELECT digest FROM sign_in_locks GROUP BY digest HAVING max(until_s) <= ?"
        # After a lock the count starts anew, whatever the window.
        connection.execute(f"DELETE FROM sign_in_failures WHERE digest IN ({ended})", (now_s,))  # noqa: S608 a constant
        connection.execute("DELETE FROM sign_in_locks WHERE until_s <= ?", (now_s,))
        connection.execute("DELETE FROM sign_in_failures WHERE at_s <= ?", (now_s - self.rules.window_s,))
        return now_s

    def _failures(self, connection: sqlite3.Connection, counter: str) -> int:
        query = "SELECT count(*) FROM sign_in_failures WHERE digest = ?"
        return int(connection.execute(query, (counter,)).fetchone()[0])

    def _until_s(self, connection: sqlite3.Connection, counter: str) -> float:
        query = "SELECT coalesce(max(until_s), 0.0) FROM sign_in_locks WHERE digest = ?"
        return float(connection.execute(query, (counter,)).fetchone()[0])

    def _lock(
        self,
        connection: sqlite3.Connection,
        counter: str,
        until_s: float,
        *,
        ordered: bool,
        charge_id: int | None = None,
    ) -> None:
        connection.execute(
            "INSERT INTO sign_in_locks (digest, ordered, until_s, charge_id) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (digest, ordered) DO UPDATE SET until_s = excluded.until_s, charge_id = excluded.charge_id"
            " WHERE excluded.until_s > until_s",
            (counter, int(ordered), until_s, charge_id),
        )


def _counter(connection: sqlite3.Connection, digest: str) -> str:
    row = connection.execute("SELECT counter FROM account_claims WHERE digest = ?", (digest,)).fetchone()
    return digest if row is None else str(row["counter"])


def _forget(connection: sqlite3.Connection, counter: str) -> None:
    connection.execute("DELETE FROM sign_in_failures WHERE digest = ?", (counter,))
    connection.execute("DELETE FROM sign_in_locks WHERE digest = ?", (counter,))
