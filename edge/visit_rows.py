"""What the kiosk's database keeps of visits, so that a power cut leaves none open, and of patient codes."""

import sqlite3
from datetime import datetime
from uuid import UUID

from stdnum.iso7064 import mod_37_36

from edge.visit import Visit
from protocol.events import VisitEnded

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


def patient_code(connection: sqlite3.Connection, patient_id: UUID, *, kiosk: str) -> str:
    """The patient's provisional code: kiosk, correlative number, ISO 7064 MOD 37,36 check character."""
    known = (str(patient_id),)
    row = connection.execute("SELECT number FROM patient_codes WHERE patient_id = ?", known).fetchone()
    if row is None:
        # Not an insert that ignores conflicts: that would use up a number for each sign-in.
        query = "INSERT INTO patient_codes (patient_id) VALUES (?) RETURNING number"
        row = connection.execute(query, known).fetchone()
    number: int = row["number"]
    body = f"{kiosk.upper()}-{number:04d}"
    return f"{body}-{mod_37_36.calc_check_digit(body.replace('-', ''))}"
