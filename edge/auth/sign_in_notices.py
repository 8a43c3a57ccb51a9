"""What a patient is told after signing in: how often somebody failed on their name, and when they were here last.

Kept by counter digest, for known and unknown names alike; what nobody touched for long is dropped.
"""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Final

MIGRATIONS: Final[tuple[str, ...]] = (
    """CREATE TABLE sign_in_notices (
        digest TEXT PRIMARY KEY NOT NULL,
        failed INTEGER NOT NULL,
        told INTEGER NOT NULL,
        succeeded_at TEXT,
        told_at TEXT,
        touched_s REAL NOT NULL
    ) STRICT""",
    "CREATE INDEX sign_in_notices_touched_s ON sign_in_notices (touched_s)",
)

_KEEP_S: Final = 400 * 86_400.0


@dataclass(frozen=True)
class SignInNotice:
    """`failed_attempts` since the sign-in before the present one, which was at `last_sign_in_at`; wall time."""

    failed_attempts: int
    last_sign_in_at: datetime | None


def note_failure(connection: sqlite3.Connection, digest: str, *, now_s: float) -> None:
    """An attempt was charged."""
    connection.execute("DELETE FROM sign_in_notices WHERE touched_s <= ?", (now_s - _KEEP_S,))
    connection.execute(
        "INSERT INTO sign_in_notices (digest, failed, told, touched_s) VALUES (?, 1, 0, ?)"
        " ON CONFLICT (digest) DO UPDATE SET failed = failed + 1, touched_s = excluded.touched_s",
        (digest, now_s),
    )


def note_withdrawal(connection: sqlite3.Connection, digest: str) -> None:
    """A charged attempt did not count."""
    connection.execute("UPDATE sign_in_notices SET failed = max(0, failed - 1) WHERE digest = ?", (digest,))


def note_success(connection: sqlite3.Connection, digest: str, *, now_s: float, at: datetime) -> None:
    """The name's owner is here: what failed so far is to be told now. The success's own charge is withdrawn before."""
    connection.execute(
        "INSERT INTO sign_in_notices (digest, failed, told, succeeded_at, touched_s) VALUES (?, 0, 0, ?, ?)"
        " ON CONFLICT (digest) DO UPDATE SET told = failed, told_at = succeeded_at, failed = 0,"
        " succeeded_at = excluded.succeeded_at, touched_s = excluded.touched_s",
        (digest, at.isoformat(), now_s),
    )


def notice(connection: sqlite3.Connection, digest: str) -> SignInNotice:
    """What to tell whoever signed in under this digest last."""
    row = connection.execute("SELECT failed, told, told_at FROM sign_in_notices WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        return SignInNotice(0, None)
    told_at = row["told_at"]
    return SignInNotice(row["failed"] + row["told"], datetime.fromisoformat(told_at) if told_at else None)


def carry(connection: sqlite3.Connection, counter: str, digest: str) -> None:
    """Carry what was noted under another digest of the same name over to its counter."""
    if digest == counter:
        return
    connection.execute(
        "INSERT INTO sign_in_notices SELECT ?, failed, told, succeeded_at, told_at, touched_s FROM sign_in_notices"
        " WHERE digest = ? ON CONFLICT (digest) DO UPDATE SET failed = failed + excluded.failed",
        (counter, digest),
    )
    forget(connection, digest)


def forget(connection: sqlite3.Connection, digest: str) -> None:
    """Drop what was noted of a name."""
    connection.execute("DELETE FROM sign_in_notices WHERE digest = ?", (digest,))
