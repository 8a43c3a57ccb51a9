"""Steady time: the seconds that this kiosk was powered on, counted on over reboots; no wall clock comes into it."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Final
from uuid import uuid4

from edge.clock import Clock
from edge.store import Store

MIGRATIONS: Final[tuple[str, ...]] = (
    """CREATE TABLE steady_time (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        boot_id TEXT NOT NULL,
        boot_clock_s REAL NOT NULL,
        steady_s REAL NOT NULL
    ) STRICT""",
)

CHECKPOINT_S: Final = 10.0
"""How often `checkpoint` is called at least; a power cut loses so much at most, so that a lock never ends early."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


def machine_boot_id() -> str:
    """An id that Linux draws at each boot; one of this process alone where there is none."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"process-{uuid4()}"


class SteadyTime:
    """Powered-on seconds since the first start. They never go back, and stand still while the power is off.

    A restart of the program within one boot loses nothing; a reboot loses what came after the last checkpoint. Safe to
    call from several threads.

    Args:
        store: the kiosk's database, migrated with `MIGRATIONS`.
        clock: its steady count is used.
        boot_id: names the present boot.
    """

    def __init__(self, store: Store, clock: Clock, *, boot_id: Callable[[], str] = machine_boot_id) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._boot_id = boot_id()
        self._last_clock_s = clock.monotonic_s()
        with store.transaction() as connection:
            row = connection.execute("SELECT boot_id, boot_clock_s, steady_s FROM steady_time").fetchone()
            self._steady_s = 0.0 if row is None else float(row["steady_s"])
            if row is not None and row["boot_id"] == self._boot_id:
                self._steady_s += max(0.0, self._last_clock_s - row["boot_clock_s"])
            self.checkpoint(connection)

    def now_s(self) -> float:
        """Seconds of steady time."""
        with self._lock:
            return self._advance()[1]

    def checkpoint(self, connection: sqlite3.Connection | None = None) -> None:
        """Persist the time, in the caller's transaction if one is given.

        Raises:
            StorageFull, StorageFailed: not persisted.
        """
        with self._store.transaction() if connection is None else nullcontext(connection) as writer:
            with self._lock:
                clock_s, steady_s = self._advance()
            writer.execute(
                "INSERT INTO steady_time VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " boot_id = excluded.boot_id, boot_clock_s = excluded.boot_clock_s, steady_s = excluded.steady_s",
                (self._boot_id, clock_s, steady_s),
            )

    def _advance(self) -> tuple[float, float]:
        clock_s = self._clock.monotonic_s()
        self._steady_s += max(0.0, clock_s - self._last_clock_s)
        self._last_clock_s = clock_s
        return clock_s, self._steady_s
