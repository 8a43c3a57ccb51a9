"""Credential records in the kiosk's database: each sealed under its patient's own key, found by claim digest."""

import sqlite3
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from edge.auth.vault import Vault, VaultBlobAltered
from protocol.credentials import CredentialRecord

MIGRATIONS: Final[tuple[str, ...]] = (
    # `cached_until_s` is steady time, null for a patient who registered here.
    """CREATE TABLE credentials (
        patient_id TEXT PRIMARY KEY NOT NULL,
        version INTEGER NOT NULL CHECK (version >= 1),
        sealed_key BLOB NOT NULL,
        sealed_record BLOB NOT NULL,
        cached_until_s REAL
    ) STRICT""",
)

MAX_DIGESTS: Final = 4
_PURPOSE: Final = "credential-record"


@dataclass(frozen=True)
class Row:
    """One record as it is kept."""

    patient_id: UUID
    version: int
    sealed_key: bytes = field(repr=False)
    sealed_record: bytes = field(repr=False)
    cached_until_s: float | None


class AccountRows:
    """Reads and writes them, in the caller's transactions."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def find(self, connection: sqlite3.Connection, patient_id: UUID) -> Row | None:
        """The row of a patient, still sealed."""
        query = "SELECT * FROM credentials WHERE patient_id = ?"
        row = connection.execute(query, (str(patient_id),)).fetchone()
        if row is None:
            return None
        return Row(
            patient_id=patient_id,
            version=row["version"],
            sealed_key=row["sealed_key"],
            sealed_record=row["sealed_record"],
            cached_until_s=row["cached_until_s"],
        )

    def open(self, row: Row) -> CredentialRecord:
        """Unseal a row.

        Raises:
            VaultKeyMissing: sealed with another key.
            VaultBlobAltered: altered, moved from another patient or version, or no record.
        """
        own = self._vault.for_patient(row.patient_id, row.sealed_key)
        serialised = own.unseal(row.sealed_record, patient_id=str(row.patient_id), purpose=_purpose(row.version))
        try:
            record = CredentialRecord.model_validate_json(serialised)
        except ValidationError:
            raise VaultBlobAltered("the row holds no credential record") from None
        if (record.patient_id, record.version) != (row.patient_id, row.version):
            raise VaultBlobAltered("the row holds another record than it says")
        return record

    def put(self, connection: sqlite3.Connection, record: CredentialRecord, *, cached_until_s: float | None) -> None:
        """Store a record in place of the patient's earlier one, under a new key, with its claim digests.

        A digest that another patient has already stays theirs.
        """
        sealed_key = self._vault.new_patient_key(record.patient_id)
        own = self._vault.for_patient(record.patient_id, sealed_key)
        sealed = own.seal(
            record.model_dump_json().encode(), patient_id=str(record.patient_id), purpose=_purpose(record.version)
        )
        connection.execute(
            "INSERT INTO credentials VALUES (?, ?, ?, ?, ?) ON CONFLICT (patient_id) DO UPDATE SET"
            " version = excluded.version, sealed_key = excluded.sealed_key, sealed_record = excluded.sealed_record,"
            " cached_until_s = excluded.cached_until_s",
            (str(record.patient_id), record.version, sealed_key, sealed, cached_until_s),
        )
        connection.execute("DELETE FROM account_claims WHERE patient_id = ?", (str(record.patient_id),))
        free = [digest for digest in record.claim_digests if owner(connection, digest) is None]
        connection.executemany(
            "INSERT INTO account_claims (digest, patient_id, counter, position) VALUES (?, ?, ?, ?)",
            [(digest, str(record.patient_id), free[0], position) for position, digest in enumerate(free)],
        )

    def remove(self, connection: sqlite3.Connection, patient_id: UUID) -> bool:
        """Destroy the patient's key, and remove the record and its digests; returns whether there was one."""
        connection.execute("DELETE FROM account_claims WHERE patient_id = ?", (str(patient_id),))
        removed = connection.execute("DELETE FROM credentials WHERE patient_id = ?", (str(patient_id),))
        return removed.rowcount > 0

    def keep_until(self, connection: sqlite3.Connection, patient_id: UUID, cached_until_s: float) -> None:
        """Keep a cached record for another time; one that is not cached stays as it is."""
        connection.execute(
            "UPDATE credentials SET cached_until_s = ? WHERE patient_id = ? AND cached_until_s IS NOT NULL",
            (cached_until_s, str(patient_id)),
        )

    def remove_expired(self, connection: sqlite3.Connection, now_s: float) -> list[UUID]:
        """Remove cached records whose time is over; returns their patients."""
        query = "SELECT patient_id FROM credentials WHERE cached_until_s <= ?"
        patients = [UUID(row["patient_id"]) for row in connection.execute(query, (now_s,)).fetchall()]
        for patient_id in patients:
            self.remove(connection, patient_id)
        return patients

    def patients(self, connection: sqlite3.Connection) -> list[UUID]:
        """All patients whose record is here."""
        rows = connection.execute("SELECT patient_id FROM credentials ORDER BY patient_id").fetchall()
        return [UUID(row["patient_id"]) for row in rows]


def owner(connection: sqlite3.Connection, digest: str) -> UUID | None:
    """The patient whose claim this digest is."""
    row = connection.execute("SELECT patient_id FROM account_claims WHERE digest = ?", (digest,)).fetchone()
    return None if row is None else UUID(row["patient_id"])


def counter(connection: sqlite3.Connection, patient_id: UUID) -> str | None:
    """The digest under which a patient's failures are counted."""
    query = "SELECT counter FROM account_claims WHERE patient_id = ? ORDER BY position LIMIT 1"
    row = connection.execute(query, (str(patient_id),)).fetchone()
    return None if row is None else str(row["counter"])


def _purpose(version: int) -> str:
    # The version is bound in, so that no older record can be put back beside the present version's number.
    return f"{_PURPOSE}/{version}"
