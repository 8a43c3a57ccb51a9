"""Carries accounts of the first form, whose names lay open, over into sealed credential records."""

import logging
import sqlite3
from datetime import date, datetime
from typing import Final
from uuid import UUID

from edge.auth import account_rows
from edge.auth.account_rows import AccountRows
from edge.auth.accounts import Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.face import FaceError, FaceTemplate
from edge.auth.patient_code import enrolment_salt
from edge.auth.template_transform import seal_templates
from edge.auth.vault import Vault, VaultError
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.events import Language, Sex
from protocol.identity import Consents

log = logging.getLogger(__name__)

_FACE: Final = "face-template"


def carry_over(
    connection: sqlite3.Connection, *, accounts: Accounts, digests: ClaimDigests, vault: Vault
) -> list[UUID]:
    """Turn every old row into a record; returns their patients, whose records the hub has not yet.

    Sex was not kept then and is `unknown`; codes are new ones. A face that cannot be read is left out, so that its
    owner signs in with the password and enrols again.
    """
    rows = connection.execute("SELECT * FROM accounts ORDER BY created_at, patient_id").fetchall()
    carried = [_carry_over(connection, row, accounts, digests, vault) for row in rows]
    connection.execute("DELETE FROM accounts")
    return carried


def _carry_over(
    connection: sqlite3.Connection, row: sqlite3.Row, accounts: Accounts, digests: ClaimDigests, vault: Vault
) -> UUID:
    patient_id = UUID(row["patient_id"])
    code = accounts.provisional_code(connection, patient_id, enrolment=enrolment_salt())
    name = digests.digest(row["username"])
    record = CredentialRecord(
        patient_id=patient_id,
        version=1,
        username=row["username"],
        claim_digests=(name, digests.digest(code)),
        password_hash=row["password_hash"],
        full_name=row["full_name"],
        birth_date=date.fromisoformat(row["birth_date"]) if row["birth_date"] else None,
        sex=Sex.UNKNOWN,
        language=Language(row["language"]),
        patient_code=code,
        consents=Consents(face=bool(row["consent_face"])),
        face=_face(row, vault),
        issued_at=datetime.fromisoformat(row["created_at"]),
    )
    if account_rows.owner(connection, name) is None:
        AccountRows(vault).put(connection, record, cached_until_s=None)
    return patient_id


def _face(row: sqlite3.Row, vault: Vault) -> FaceCredential | None:
    if row["face_blob"] is None:
        return None
    try:
        serialised = vault.unseal(row["face_blob"], patient_id=row["patient_id"], purpose=_FACE)
        return seal_templates((FaceTemplate.from_bytes(serialised),))
    except (VaultError, FaceError) as error:
        log.warning("the face of patient %s was not carried over: %s", row["patient_id"], error.code)
        return None
