"""What the kiosk's database keeps of visits, so that a power cut leaves none open."""

import sqlite3
from datetime import datetime
from uuid import UUID

from edge.visit import Visit
from protocol.events import VisitEnded

# The table of patient codes is of the first form; `Accounts` numbers patients now.
MIGRATIONS: tuple[str, ...] = (
    """CREATE TABLE visits (
        visit_id TEXT PRIMARY KEY,
        patient_id TEXT NOT NULL,
        signed_in_by TEXT NOT NULL,
        started_at TEXT NOT NULL,
        ended_at TEXT,
        analyses INTEGER NOT NULL DEFAULT 0,
        refusals INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    "CREATE TABLE patient_codes (number INTEGER PRIMARY KEY AUTOINCREMENT, patient_id TEXT NOT NULL UNIQUE) STRICT",
)


def add_visit(connection: sqlite3.Connection, visit: Visit) -> None:
    """A visit begins."""
    connection.execute(
        "INSERT INTO visits (visit_id, patient_id, signed_in_by, started_at) VALUES (?, ?, ?, ?)",
        (str(visit.visit_id), str(visit.patient_id), visit.signed_in_by, visit.started_at.isoformat()),
    )


def count_analysis(connection: sqlite3.Connection, visit_id: UUID) -> None:
    """An image was assessed in this visit."""
    connection.execute("UPDATE visits SET analyses = analyses + 1 WHERE visit_id = ?", (str(visit_id),))


def count_refusal(connection: sqlite3.Connection, visit_id: UUID) -> None:
    """An image was refused in this visit."""
    connection.execute("UPDATE visits SET refusals = refusals + 1 WHERE visit_id = ?", (str(visit_id),))


def close_visit(connection: sqlite3.Connection, visit_id: UUID, *, ended_at: datetime) -> None:
    """A visit is over."""
    connection.execute("UPDATE visits SET ended_at = ? WHERE visit_id = ?", (ended_at.isoformat(), str(visit_id)))


def open_visits(connection: sqlite3.Connection, *, ended_at: datetime) -> list[VisitEnded]:
    """The last word on visits that a power cut or a kill left open, as of now."""
    rows = connection.execute("SELECT * FROM visits WHERE ended_at IS NULL ORDER BY started_at").fetchall()
    return [
        VisitEnded(
            visit_id=UUID(row["visit_id"]),
            patient_id=UUID(row["patient_id"]),
            started_at=datetime.fromisoformat(row["started_at"]),
            # A clock without a battery may come back earlier than it went.
            ended_at=max(ended_at, datetime.fromisoformat(row["started_at"])),
            signed_in_by=row["signed_in_by"],
            ended_by="interrupted",
            analyses=row["analyses"],
            refusals=row["refusals"],
        )
        for row in rows
    ]
