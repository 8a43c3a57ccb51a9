from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID, uuid4

import argon2
import pytest

from edge.auth import first_form
from edge.auth.account import Account, AccountUnknown, FaceConsentMissing, RecordUnusable, SignInRefused
from edge.auth.accounts import BIRTH_DATE, IDENTITY, MIGRATIONS, Accounts
from edge.auth.claim_digest import ClaimDigests
from edge.auth.face import FaceTemplate
from edge.auth.lockout import Locked, Lockout
from edge.auth.password import Argon2PasswordHasher
from edge.auth.template_transform import TRANSFORM_VERSION
from edge.auth.vault import Vault
from edge.store import Store
from protocol.credentials import CredentialRecord, FaceCredential
from protocol.events import Language, Sex
from protocol.identity import Consents

Register = Callable[..., Account]
FACE = FaceCredential(algorithm="number/1", transform_version=1, transform_key="a2V5", templates=("dGVtcGxhdGU=",))
PEPPER = b"the fleet's pepper, 32 bytes long"
RIGHT = "four plain words here"


class Clock(Protocol):
    def advance(self, seconds: float) -> None: ...


def record_of(accounts: Accounts, store: Store, patient_id: UUID) -> CredentialRecord:
    with store.transaction() as connection:
        record = accounts.record(connection, patient_id)
    assert record is not None
    return record


def known(accounts: Accounts, store: Store, text: str) -> bool:
    with store.transaction() as connection:
        return accounts.claim(connection, text).known


@pytest.fixture
def elsewhere(digests: ClaimDigests) -> Callable[..., CredentialRecord]:
    """A record as the hub hands it over."""

    def make(username: str = "ana.ruiz", **changes: Any) -> CredentialRecord:
        values: dict[str, Any] = {
            "patient_id": uuid4(),
            "version": 3,
            "username": username,
            "claim_digests": (digests.digest(username), digests.digest("H0007-7M2F-8")),
            "password_hash": Argon2PasswordHasher(argon2.profiles.CHEAPEST).hash_password(RIGHT),
            "full_name": "Ana Ruiz",
            "sex": Sex.FEMALE,
            "language": Language.ES,
            "patient_code": "H0007-7M2F-8",
            "consents": Consents(face=True),
            "face": FACE,
            "issued_at": datetime(2026, 11, 1, tzinfo=UTC),
        }
        return CredentialRecord(**values | changes)

    return make


def test_every_change_raises_the_version_and_is_dated(accounts: Accounts, store: Store, register: Register) -> None:
    patient = register(face=FACE).patient_id
    new_hash = accounts.hash_new_password(register(username="somebody.else"), "other plain words here")
    with store.transaction() as connection:
        versions = [
            accounts.set_password(connection, patient, new_hash).version,
            accounts.set_face(connection, patient, None).version,
            accounts.set_face(connection, patient, FACE).version,
            accounts.set_code(connection, patient, "H0042-7M2F-8").version,
            accounts.set_consents(connection, patient, Consents(face=True, research=True)).version,
        ]
        claim = accounts.claim(connection, "rosa.lopez")
    assert versions == [2, 3, 4, 5, 6]
    assert accounts.authenticate_password(claim, "other plain words here").version == 6
    with pytest.raises(SignInRefused):
        accounts.authenticate_password(claim, RIGHT)


def test_a_change_of_nobodys_record_says_so(accounts: Accounts, store: Store) -> None:
    with pytest.raises(AccountUnknown), store.transaction() as connection:
        accounts.set_code(connection, uuid4(), "H0042-7M2F-8")


def test_the_lasting_code_and_the_old_card_claim_the_same_account(
    accounts: Accounts, store: Store, register: Register
) -> None:
    account = register()
    with store.transaction() as connection:
        for number in range(1, 5):
            accounts.set_code(connection, account.patient_id, f"H{number:04d}")
        accounts.set_code(connection, account.patient_id, "H0004")
    record = record_of(accounts, store, account.patient_id)
    assert record.patient_code == "H0004"
    assert len(record.claim_digests) == 4
    assert known(accounts, store, "H0004")
    assert known(accounts, store, "rosa.lopez")


def test_withdrawn_consent_takes_the_face_along_and_none_comes_without(
    accounts: Accounts, store: Store, register: Register
) -> None:
    patient = register(face=FACE).patient_id
    with store.transaction() as connection:
        assert accounts.set_consents(connection, patient, Consents()).face is None
    with pytest.raises(FaceConsentMissing), store.transaction() as connection:
        accounts.set_face(connection, patient, FACE)


def test_an_adopted_record_signs_in_until_its_time_is_over(
    accounts: Accounts, store: Store, clock: Clock, elsewhere: Callable[..., CredentialRecord]
) -> None:
    record = elsewhere()
    with store.transaction() as connection:
        accounts.adopt(connection, record, 3600)
        assert not accounts.registered_here(connection, record.patient_id)
        claim = accounts.claim(connection, "ana.ruiz")
    assert accounts.authenticate_password(claim, RIGHT).patient_id == record.patient_id
    assert accounts.face_of(claim) == FACE
    clock.advance(3599)
    assert known(accounts, store, "ana.ruiz")
    clock.advance(1)
    assert not known(accounts, store, "ana.ruiz")
    with store.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM credentials").fetchone()[0] == 0


def test_an_older_record_changes_nothing_and_a_newer_one_replaces(
    accounts: Accounts, store: Store, register: Register, elsewhere: Callable[..., CredentialRecord]
) -> None:
    account = register(face=FACE)
    record = record_of(accounts, store, account.patient_id)
    newer = record.model_copy(update={"version": 9, "full_name": "Rosa L. Vega"})
    with store.transaction() as connection:
        accounts.adopt(connection, newer, 60)
        accounts.adopt(connection, record.model_copy(update={"full_name": "replayed"}), 60)
        assert accounts.registered_here(connection, account.patient_id)
    assert record_of(accounts, store, account.patient_id).full_name == "Rosa L. Vega"


def test_records_that_cannot_be_used_are_refused(
    accounts: Accounts, store: Store, register: Register, elsewhere: Callable[..., CredentialRecord]
) -> None:
    own = record_of(accounts, store, register().patient_id)
    costly = "$argon2id$v=19$m=4194304,t=3,p=4$MTIzNDU2Nzg$MTIzNDU2Nzg"
    for bad in (elsewhere(password_hash=costly), elsewhere(claim_digests=own.claim_digests)):
        with pytest.raises(RecordUnusable), store.transaction() as connection:
            accounts.adopt(connection, bad, 60)
    with store.transaction() as connection:
        assert accounts.record(connection, own.patient_id) == own


def test_tries_before_the_record_came_count_against_the_account(
    accounts: Accounts, store: Store, lockout: Lockout, elsewhere: Callable[..., CredentialRecord]
) -> None:
    record = elsewhere()
    with store.transaction() as connection:
        lockout.charge(connection, record.claim_digests[0])
        lockout.charge(connection, record.claim_digests[1])
        lockout.charge(connection, record.claim_digests[1])
        accounts.adopt(connection, record, 3600)
        assert lockout.charge(connection, record.claim_digests[1]) == Locked(1800)


def test_a_revoked_record_is_gone_at_once_and_its_lock_is_not(
    accounts: Accounts, store: Store, lockout: Lockout, register: Register
) -> None:
    account = register(face=FACE)
    with store.transaction() as connection:
        digest = accounts.claim(connection, "rosa.lopez").digest
        for _ in range(3):
            lockout.charge(connection, digest)
        accounts.revoke(connection, account.patient_id)
        claim = accounts.claim(connection, "rosa.lopez")
        assert lockout.remaining_s(connection, claim.digest) == 1800
        accounts.revoke(connection, account.patient_id)
    assert (claim.known, claim.patient_id) == (False, None)
    assert not known(accounts, store, account.patient_code)


def test_deleting_an_account_leaves_nothing_of_it_but_the_lock(
    accounts: Accounts, store: Store, register: Register
) -> None:
    account = register(face=FACE)
    with store.transaction() as connection:
        accounts.delete(connection, account.patient_id)
        accounts.delete(connection, account.patient_id)
        tables = [row["name"] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        left = [
            table
            for table in tables
            for row in connection.execute(f"SELECT * FROM {table}")
            if str(account.patient_id) in map(str, row)
        ]
        assert accounts.record(connection, account.patient_id) is None
    assert left == []
    assert register().patient_code != account.patient_code


def test_without_its_key_a_records_copy_cannot_be_read(
    accounts: Accounts, store: Store, register: Register, vault: Vault
) -> None:
    account = register(face=FACE)
    with store.transaction() as connection:
        copy = bytes(connection.execute("SELECT sealed_record FROM credentials").fetchone()[0])
        accounts.delete(connection, account.patient_id)
    for other in (vault, vault.for_patient(account.patient_id, vault.new_patient_key(account.patient_id))):
        with pytest.raises(Exception, match="another key"):
            other.unseal(copy, patient_id=str(account.patient_id), purpose="credential-record/1")


def test_the_fleets_pepper_moves_names_failures_and_locks_along(
    accounts: Accounts, digests: ClaimDigests, store: Store, lockout: Lockout, register: Register, vault: Vault
) -> None:
    account = register()
    before = {text: digests.digest(text) for text in ("rosa.lopez", "nobody.here")}
    with store.transaction() as connection:
        for text in before:
            for _ in range(3):
                lockout.charge(connection, accounts.claim(connection, text).digest)
    queued: list[tuple[UUID, int]] = []
    assert accounts.set_fleet_pepper(PEPPER, changed=lambda _, patient, version: queued.append((patient, version)))
    assert queued == [(account.patient_id, 2)]
    assert not accounts.set_fleet_pepper(PEPPER)
    with store.transaction() as connection:
        for text, old in before.items():
            claim = accounts.claim(connection, text)
            assert claim.digest != old
            assert lockout.charge(connection, claim.digest) == Locked(1800)
    assert known(accounts, store, "rosa.lopez")
    assert known(accounts, store, account.patient_code)
    assert ClaimDigests(store, vault).digest("rosa.lopez") == digests.digest("rosa.lopez")


def test_a_pepper_that_was_not_saved_is_not_used(
    accounts: Accounts, digests: ClaimDigests, store: Store, register: Register
) -> None:
    register()

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    before = digests.digest("rosa.lopez")
    with pytest.raises(ZeroDivisionError):
        accounts.set_fleet_pepper(PEPPER, changed=fail)
    assert digests.digest("rosa.lopez") == before
    assert known(accounts, store, "rosa.lopez")
    with pytest.raises(ValueError, match="16 bytes"):
        accounts.set_fleet_pepper(b"short")


def test_two_kiosks_with_one_pepper_digest_alike_and_without_it_unlike(
    digests: ClaimDigests, vault: Vault, tmp_path: Path
) -> None:
    other_store = Store(tmp_path / "other.db", (MIGRATIONS, BIRTH_DATE, IDENTITY))
    other = ClaimDigests(other_store, vault)
    assert other.digest("rosa.lopez") != digests.digest("rosa.lopez")
    for kiosk in (digests, other):
        kiosk.set_fleet_pepper(PEPPER, follow=lambda _: None)
    for text in ("rosa.lopez", "K1P0001-7M2F-8", "x" * 3_000_000, "a\x00b", "\ud800"):
        assert other.digest(text) == digests.digest(text)
    assert len({digests.digest(t) for t in ("rosa.lopez", "r\u043esa.lopez", "rosa.lopez\x00", "", "\ud800")}) == 5
    assert digests.digest("Rosa.LOPEZ ") == digests.digest("rosa.lopez")
    other_store.close()


def test_accounts_of_the_first_form_are_carried_over_with_their_faces(
    accounts: Accounts, digests: ClaimDigests, vault: Vault, store: Store, tmp_path: Path
) -> None:
    patient, other = uuid4(), uuid4()
    template = FaceTemplate(algorithm="number/1", data=b"\x00\x00\x80?\x00\x00\x00@")
    password_hash = Argon2PasswordHasher(argon2.profiles.CHEAPEST).hash_password(RIGHT)
    face = vault.seal(template.to_bytes(), patient_id=str(patient), purpose="face-template")
    with store.transaction() as connection:
        connection.executemany(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, 'Rosa', 'es', 1, ?, '2026-11-22T09:00:00+00:00', ?)",
            [
                (str(patient), "rosa.lopez", "rosa.lopez", password_hash, face, "1961-04-12"),
                (str(other), "ana.ruiz", "ana.ruiz", password_hash, b"damaged", None),
            ],
        )
        carried = first_form.carry_over(connection, accounts=accounts, digests=digests, vault=vault)
        assert first_form.carry_over(connection, accounts=accounts, digests=digests, vault=vault) == []
        rosa, ana = accounts.claim(connection, "rosa.lopez"), accounts.claim(connection, "ana.ruiz")
    assert set(carried) == {patient, other}
    assert accounts.authenticate_password(rosa, RIGHT).patient_id == patient
    enrolled = accounts.face_of(rosa)
    assert enrolled is not None
    assert enrolled.transform_version == TRANSFORM_VERSION
    assert accounts.face_of(ana) is None
    assert accounts.authenticate_password(ana, RIGHT).birth_date is None
