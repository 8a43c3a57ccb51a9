"""The kiosk's own brake on guessing over all names: beyond a budget of failures, each further attempt has to wait.

It refuses before any name is looked at, and what it refuses counts against no account; so whoever stands at one kiosk
can neither guess on nor lock a town out.
"""

import math
import sqlite3
from dataclasses import dataclass
from typing import Final

from edge.auth.steady_time import SteadyTime

MIGRATIONS: Final[tuple[str, ...]] = (
    """CREATE TABLE sign_in_throttle (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        level REAL NOT NULL,
        at_s REAL NOT NULL,
        until_s REAL NOT NULL
    ) STRICT""",
    "INSERT INTO sign_in_throttle VALUES (1, 0.0, 0.0, 0.0)",
)


@dataclass(frozen=True)
class ThrottleRules:
    """`budget` failures within `window_s` are free; then the first wait, doubled by each further failure, up to a cap.

    The budget comes back evenly over the window. Seconds of steady time.
    """

    budget: int = 10
    window_s: float = 600.0
    first_wait_s: float = 15.0
    longest_wait_s: float = 900.0

    def __post_init__(self) -> None:
        if self.budget < 1 or self.window_s <= 0 or not 0 < self.first_wait_s <= self.longest_wait_s:
            raise ValueError("a throttle needs a budget, a window and waits")


@dataclass(frozen=True)
class Throttled:
    """The kiosk takes no attempt for this long."""

    remaining_s: float


class Throttle:
    """Counts failures of the whole kiosk, in the caller's transactions; it survives restarts and power cuts."""

    def __init__(self, rules: ThrottleRules, steady: SteadyTime) -> None:
        self.rules = rules
        self._steady = steady

    def charge(self, connection: sqlite3.Connection) -> Throttled | None:
        """Count a failure in advance, or say how long to wait; a refused attempt changes nothing."""
        now_s = self._steady.now_s()
        level, until_s = self._read(connection, now_s)
        if until_s > now_s:
            # Without a write, so that guesses by the thousand do not wear the disk.
            return Throttled(until_s - now_s)
        self._steady.checkpoint(connection)
        level += 1
        self._write(connection, level, now_s, now_s + self._wait_s(level))
        return None

    def absolve(self, connection: sqlite3.Connection) -> None:
        """The charged attempt succeeded, or compared nothing: it does not count, and nobody waits for it."""
        now_s = self._steady.now_s()
        level, _ = self._read(connection, now_s)
        self._write(connection, max(0.0, level - 1), now_s, now_s)

    def remaining_s(self, connection: sqlite3.Connection) -> float:
        """How long the kiosk takes no attempt; 0 if it does."""
        now_s = self._steady.now_s()
        return max(0.0, self._read(connection, now_s)[1] - now_s)

    def _wait_s(self, level: float) -> float:
        over = math.ceil(level) - self.rules.budget
        if over < 0:
            return 0.0
        doublings = min(over, 60)
        return min(self.rules.first_wait_s * 2.0**doublings, self.rules.longest_wait_s)

    def _read(self, connection: sqlite3.Connection, now_s: float) -> tuple[float, float]:
        row = connection.execute("SELECT level, at_s, until_s FROM sign_in_throttle").fetchone()
        gone = max(0.0, now_s - row["at_s"]) * self.rules.budget / self.rules.window_s
        return max(0.0, float(row["level"]) - gone), float(row["until_s"])

    def _write(self, connection: sqlite3.Connection, level: float, now_s: float, until_s: float) -> None:
        connection.execute("UPDATE sign_in_throttle SET level = ?, at_s = ?, until_s = ?", (level, now_s, until_s))
