"""What a deletion leaves of a record at the hub: nothing, on the disk either."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import func, select, update

from hub.db.engine import Database
from hub.db.identity_tables import CredentialDigest, Deletion, KioskKey, StoredCredential
from hub.db.tables import Patient
from hub.identity.credentials import hand_out
from hub.identity.erasure import carry_out_deletions
from hub.identity.errors import ClaimUnknown
from hub.identity.hub_keys import HubKeys, seal_with_own_key

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
PATIENT = UUID(int=1)


def store_record(database: Database, keys: HubKeys) -> tuple[bytes, bytes]:
    sealed_key, sealed = seal_with_own_key(keys, b"{}" * 200, context=str(PATIENT))
    with database.writing.begin() as session:
        session.add(Patient(id=PATIENT, stored_at=NOW, username="zebulon", email="z@example.org", face_enrolled=True))
        session.flush()
        session.add(
            StoredCredential(
                patient_id=PATIENT, version=1, sealed_key=sealed_key, sealed=sealed, digest=bytes(32), stored_at=NOW
            )
        )
        session.add(CredentialDigest(claim_digest="a" * 64, patient_id=PATIENT))
    return sealed_key, sealed


def wish(database: Database, keys: HubKeys, scope: str) -> None:
    with database.writing.begin() as session:
        session.add(
            Deletion(id=uuid4(), patient_id=PATIENT, scope=scope, requested_by="p", requested_at=NOW, received_at=NOW)
        )
    with database.writing.begin() as session:
        assert carry_out_deletions(session, keys, now=NOW) == 1
        assert carry_out_deletions(session, keys, now=NOW) == 0


def test_a_destroyed_key_is_nowhere_in_the_databases_files(database: Database, keys: HubKeys, tmp_path: Path) -> None:
    sealed_key, sealed = store_record(database, keys)
    wish(database, keys, "account")
    database.close()  # which empties the write-ahead log into the file
    files = b"".join(path.read_bytes() for path in tmp_path.glob("hub.sqlite3*"))
    assert files
    assert sealed_key not in files
    assert sealed not in files
    assert b"z@example.org" not in files


@pytest.mark.usefixtures("kiosks")
def test_a_record_that_cannot_be_read_goes_whole_when_its_face_must_go(database: Database, keys: HubKeys) -> None:
    store_record(database, keys)
    with database.writing.begin() as session:
        session.execute(update(StoredCredential).values(sealed=bytes(100)))
    wish(database, keys, "face")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(StoredCredential)) == 0
        patient = session.get_one(Patient, PATIENT)
        assert (patient.username, patient.face_enrolled) == ("zebulon", False)


def test_nobody_gets_a_record_whose_deletion_is_not_carried_out_yet(
    database: Database, keys: HubKeys, kiosks: list[int]
) -> None:
    store_record(database, keys)
    with database.writing.begin() as session:
        session.add(KioskKey(kiosk_id=kiosks[0], encryption_key=b"\x09" * 32, signing_key=bytes(32), pinned_at=NOW))
        session.add(
            Deletion(
                id=uuid4(), patient_id=PATIENT, scope="account", requested_by="p", requested_at=NOW, received_at=NOW
            )
        )
    with database.writing.begin() as session, pytest.raises(ClaimUnknown):
        hand_out(session, keys, "a" * 64, kiosk_id=kiosks[0], cache_s=1, now=NOW)
