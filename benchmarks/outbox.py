"""Saving one event durably, against a bare SQLite commit of the same bytes with the same settings."""

import shutil
import sqlite3
from pathlib import Path
from uuid import uuid4

from benchmarks.report import Report, report_of
from benchmarks.timing import compare
from edge.bus import Bus
from edge.clock import SystemClock
from edge.store import Store
from edge.uplink import outbox as outbox_module
from edge.uplink.image_spool import ImageSpool
from edge.uplink.outbox import Outbox
from protocol.events import CommandAnswered

LIMIT = 3.0
_BATCH = 50


def measure(folder: Path, *, pairs: int) -> Report:
    """Fifty saves through the outbox against fifty bare commits."""
    shutil.rmtree(folder, ignore_errors=True)
    store = Store(folder / "ours.db", (outbox_module.MIGRATIONS,))
    outbox = Outbox(
        store=store, spool=ImageSpool(folder / "images"), clock=SystemClock(), bus=Bus(), site="s", kiosk="k"
    )
    outbox.save(CommandAnswered(command_id=uuid4(), outcome="done"))
    body = outbox.pending(limit=1)[0].body
    bare = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE messages (body BLOB)"):
        bare.execute(statement)

    def ours() -> None:
        for _ in range(_BATCH):
            outbox.save(CommandAnswered(command_id=uuid4(), outcome="done"))

    def base() -> None:
        for _ in range(_BATCH):
            bare.execute("INSERT INTO messages VALUES (?)", (body,))

    result = compare(ours, base, pairs=pairs)
    store.close()
    bare.close()
    return report_of("50 durable saves / 50 bare SQLite commits", result, limit=LIMIT)
