"""What kiosks and staff ask about identity, over HTTP, with a real database; events come in through the recorder."""

import dataclasses
import itertools
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from fastapi import FastAPI
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from hub.api.deps import Services
from hub.config import MailSettings
from hub.db.engine import Database
from hub.db.identity_tables import CredentialHolder, KioskOrder, OutgoingMessage, StoredCredential
from hub.db.tables import Patient
from hub.identity.erasure import carry_out_deletions
from hub.ingest.messages import Delivery
from hub.ingest.recorder import Recorded, Recorder
from hub.messages.outbox import read_message
from protocol import codec
from protocol.credentials import PEPPER_TO_KIOSK, TO_HUB, TO_KIOSK, CredentialRecord, FaceCredential
from protocol.events import Event, Language, Sex
from protocol.identity import (
    Consents,
    CredentialsChanged,
    DeletionReceipted,
    DeletionRequested,
    SignInAttempted,
    deletion_statement,
)

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
PATIENT = UUID(int=77)
NAME = "a" * 64
CODE = "b" * 64
Headers = Callable[[str], dict[str, str]]


class FakeKiosk:
    """The keys of a kiosk, and its requests."""

    def __init__(self, client: TestClient, role: str) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {role}"}
        self.name = {"kiosk": "k1", "other-kiosk": "k2"}[role]
        self.private = X25519PrivateKey.generate()
        self.signing = Ed25519PrivateKey.generate()
        self.hub_key = b""

    def keys(self) -> dict[str, str]:
        return {
            "encryption_key": text(self.private.public_key().public_bytes_raw()),
            "signing_key": text(self.signing.public_key().public_bytes_raw()),
        }

    def enrol(self) -> bytes:
        assert self.client.put("/api/v1/kiosk/keys", json=self.keys(), headers=self.headers).status_code == 204
        fleet = self.client.get("/api/v1/kiosk/identity", headers=self.headers).json()
        self.hub_key = b64decode(fleet["encryption_key"])
        return SUITE.decrypt(b64decode(fleet["sealed_pepper"]), self.private, PEPPER_TO_KIOSK)

    def put(self, record: CredentialRecord, **outside: Any) -> Any:
        sealed = SUITE.encrypt(
            record.model_dump_json().encode(), X25519PublicKey.from_public_bytes(self.hub_key), TO_HUB
        )
        body = {
            "version": record.version,
            "claim_digests": list(record.claim_digests),
            "sealed": text(sealed),
        } | outside
        return self.client.put(f"/api/v1/credentials/{PATIENT}", json=body, headers=self.headers)

    def claim(self, digest: str = NAME) -> Any:
        return self.client.post("/api/v1/credentials/claims", json={"claim_digest": digest}, headers=self.headers)

    def opened(self, response: Any) -> CredentialRecord:
        assert response.status_code == 200
        return CredentialRecord.model_validate_json(
            SUITE.decrypt(b64decode(response.json()["sealed"]), self.private, TO_KIOSK)
        )

    def order(self, digest: str = NAME) -> Any:
        body = {"claim_digest": digest, "channel": "email"}
        return self.client.post("/api/v1/password-resets", json=body, headers=self.headers)

    def prove(self, code: str, digest: str = NAME) -> Any:
        body = {"claim_digest": digest, "code": code}
        return self.client.post("/api/v1/password-resets/verify", json=body, headers=self.headers)

    def receipt(self, order_id: UUID, *, scope: Any = "account", key: Ed25519PrivateKey | None = None) -> Event:
        at = datetime(2026, 11, 25, tzinfo=UTC)
        statement = deletion_statement(
            order_id=order_id, patient_id=PATIENT, scope=scope, site="village", kiosk=self.name, deleted_at=at
        )
        return DeletionReceipted(
            order_id=order_id, patient_id=PATIENT, scope=scope, removed=("account",), deleted_at=at,
            signature=text((key or self.signing).sign(statement)),
        )  # fmt: skip


def text(data: bytes) -> str:
    return b64encode(data).decode()


def record(version: int = 1, **changes: Any) -> CredentialRecord:
    fields = {
        "patient_id": PATIENT, "version": version, "username": "zebulon", "claim_digests": (NAME, CODE),
        "password_hash": "$argon2id$secret", "full_name": "Zebulon Q", "sex": Sex.MALE, "language": Language.ES,
        "patient_code": "K1P0001-AAAA-1", "consents": Consents(face=True, messages=True),
        "issued_at": datetime.now(UTC),
        "face": FaceCredential(algorithm="a/1", transform_version=1, transform_key="AAAA", templates=("AAAA",)),
    }  # fmt: skip
    return CredentialRecord.model_validate(fields | changes)


@pytest.fixture
def services(app: FastAPI, client: TestClient) -> Services:
    found: Services = app.state.services
    settings = found.settings.model_copy(update={"mail": MailSettings(host="mail.invalid")})
    app.state.services = dataclasses.replace(found, settings=settings)
    configured: Services = app.state.services
    return configured


@pytest.fixture
def kiosk(client: TestClient, services: Services) -> FakeKiosk:
    made = FakeKiosk(client, "kiosk")
    made.enrol()
    return made


@pytest.fixture
def other(client: TestClient, services: Services) -> FakeKiosk:
    made = FakeKiosk(client, "other-kiosk")
    made.enrol()
    return made


@pytest.fixture
def report(database: Database) -> Callable[..., Recorded]:
    sequences = itertools.count(1)

    def take(event: Event, *, kiosk: str = "k1", times: int = 1) -> Recorded:
        name = codec.event_type(event)
        now = datetime.now(UTC)
        envelope = codec.EVENT_ENVELOPES[name](
            message_id=uuid4(),
            type=name,
            site="village",
            kiosk=kiosk,
            boot_id=UUID(int=1),
            sequence=next(sequences),
            occurred_at=now,
            monotonic_ms=1,
            payload=event,
        )
        delivery = Delivery(f"derma/v1/village/{kiosk}/event/{name}", codec.encode(envelope), now)
        return [Recorder(database).record([delivery], now=now) for _ in range(times)][-1]

    return take


def reachable(database: Database) -> None:
    with database.writing.begin() as session:
        session.execute(update(Patient).values(email="z@example.org", language="es"))


def sent_code(database: Database, services: Services) -> str:
    with database.reading() as session:
        (row,) = session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.queued_at.desc()).limit(1))
        return next(
            word.strip(".") for word in read_message(row, services.identity_keys).text.split() if word[0].isdigit()
        )


def orders(database: Database, kind: str) -> list[KioskOrder]:
    with database.reading() as session:
        return list(session.scalars(select(KioskOrder).where(KioskOrder.type == kind, KioskOrder.is_open)))


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition(":")[2]


def test_the_pepper_is_one_for_all_kiosks_and_opens_with_their_keys_only(
    kiosk: FakeKiosk, other: FakeKiosk, services: Services
) -> None:
    assert kiosk.enrol() == other.enrol() == services.identity_keys.pepper


def test_other_keys_than_the_first_wait_for_an_administrator(
    kiosk: FakeKiosk, client: TestClient, as_role: Headers
) -> None:
    pinned = kiosk.keys()["signing_key"]
    kiosk.private, kiosk.signing = X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    again = client.put("/api/v1/kiosk/keys", json=kiosk.keys(), headers=kiosk.headers)
    assert problem(again) == (409, "kiosk-keys-changed")
    (shown,) = client.get("/api/v1/kiosk-keys", headers=as_role("technician")).json()
    assert (shown["signing_key"], shown["proposed_signing_key"]) == (pinned, kiosk.keys()["signing_key"])
    address = "/api/v1/kiosk-keys/village/k1/confirmation"
    for role, key, status in (
        ("technician", shown["proposed_signing_key"], 403),
        ("administrator", pinned, 409),
        ("administrator", shown["proposed_signing_key"], 204),
        ("administrator", shown["proposed_signing_key"], 404),
    ):
        assert client.post(address, json={"signing_key": key}, headers=as_role(role)).status_code == status
    assert kiosk.enrol()


@pytest.mark.parametrize("key", ["", "AAAA", text(bytes(32)), text(bytes(33)), "=" * 44])
def test_what_is_no_key_is_refused(client: TestClient, services: Services, as_role: Headers, key: str) -> None:
    good = FakeKiosk(client, "kiosk").keys()
    answer = client.put("/api/v1/kiosk/keys", json=good | {"encryption_key": key}, headers=as_role("kiosk"))
    assert answer.status_code == 422


def test_nothing_is_sealed_to_a_kiosk_without_keys(client: TestClient, services: Services, as_role: Headers) -> None:
    assert problem(client.get("/api/v1/kiosk/identity", headers=as_role("kiosk"))) == (409, "kiosk-keys-missing")
    assert problem(FakeKiosk(client, "kiosk").claim()) == (409, "kiosk-keys-missing")


def test_a_record_is_handed_to_the_kiosk_that_claims_it_and_opens_nowhere_else(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database
) -> None:
    given = record()
    assert kiosk.put(given).status_code == 204
    answer = other.claim(CODE)
    assert other.opened(answer) == given
    assert (answer.json()["cache_s"], answer.headers["Cache-Control"]) == (30 * 86_400, "no-store")
    with pytest.raises(Exception, match=r".*"):
        kiosk.opened(answer)
    assert problem(other.claim("f" * 64)) == (404, "claim-unknown")
    with database.reading() as session:
        (stored,) = session.scalars(select(StoredCredential))
        assert b"argon2" not in stored.sealed


def test_a_repeated_record_changes_nothing_and_an_older_one_is_refused(kiosk: FakeKiosk, database: Database) -> None:
    first, second = record(1), record(2, password_hash="$argon2id$new")
    for given, status in ((first, 204), (first, 204), (second, 204), (second, 204), (first, 409), (record(2), 409)):
        assert kiosk.put(given).status_code == status
    assert kiosk.opened(kiosk.claim()) == second


def test_of_two_changes_made_apart_the_first_counts_and_the_other_kiosk_is_told_to_forget(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database
) -> None:
    kiosk.put(record(1))
    other.opened(other.claim())
    assert other.put(record(2, password_hash="$argon2id$theirs")).status_code == 204
    (revocation,) = orders(database, "revoke-credentials")
    assert revocation.subject == str(PATIENT)
    assert problem(kiosk.put(record(3, password_hash="$argon2id$mine"))) == (409, "record-outdated")
    # Whoever claims the present one may change it, and is no longer told to forget it.
    assert kiosk.opened(kiosk.claim()).version == 2
    assert orders(database, "revoke-credentials") == []
    assert kiosk.put(record(3)).status_code == 204


@pytest.mark.parametrize(
    "outside",
    [
        {"version": 2},
        {"claim_digests": [NAME]},
        {"claim_digests": [NAME, "c" * 64]},
        {"sealed": text(b"x" * 200)},
        {"sealed": ""},
        {"sealed": "AAA"},
    ],
)
def test_an_altered_envelope_is_refused(kiosk: FakeKiosk, database: Database, outside: dict[str, Any]) -> None:
    assert problem(kiosk.put(record(), **outside)) == (422, "envelope-altered")
    assert problem(kiosk.put(record(patient_id=uuid4()))) == (422, "envelope-altered")
    kiosk.hub_key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    assert problem(kiosk.put(record())) == (422, "envelope-altered")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(StoredCredential)) == 0


def test_a_record_altered_at_rest_is_handed_to_nobody(kiosk: FakeKiosk, database: Database) -> None:
    kiosk.put(record())
    with database.writing.begin() as session:
        session.execute(update(StoredCredential).values(sealed=bytes(100)))
    assert problem(kiosk.claim()) == (500, "credential-unreadable")


def test_a_kiosk_that_asks_for_a_whole_town_is_stopped(
    app: FastAPI, kiosk: FakeKiosk, other: FakeKiosk, services: Services
) -> None:
    few = services.settings.identity.model_copy(update={"claims_per_hour": 3})
    settings = services.settings.model_copy(update={"identity": few})
    now = datetime.now(UTC)
    app.state.services = dataclasses.replace(services, settings=settings, clock=lambda: now)
    answers = [kiosk.claim(f"{number:064x}").status_code for number in range(5)]
    assert answers == [404, 404, 404, 429, 429]
    assert other.claim().status_code == 404
    app.state.services = dataclasses.replace(services, settings=settings, clock=lambda: now + timedelta(hours=1))
    assert kiosk.claim().status_code == 404


def test_an_order_for_a_code_is_answered_alike_for_everybody(
    kiosk: FakeKiosk, database: Database, services: Services
) -> None:
    kiosk.put(record())
    reachable(database)
    known, unknown = kiosk.order(), kiosk.order("f" * 64)
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (202, b"")
    with database.reading() as session:
        (message,) = session.scalars(select(OutgoingMessage))
        assert "z@example.org" not in repr(message.sealed)
        assert read_message(message, services.identity_keys).recipient == "z@example.org"


def test_a_code_works_once_and_unlocks_the_name_everywhere(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database, services: Services
) -> None:
    kiosk.put(record())
    reachable(database)
    kiosk.order()
    code = sent_code(database, services)
    assert problem(other.prove(f"{int(code) ^ 1:08d}")) == (403, "reset-code-wrong")
    # People write codes in groups.
    assert other.opened(other.prove(f"{code[:4]} {code[4:]}")).patient_id == PATIENT
    assert {order.kiosk_id for order in orders(database, "clear-sign-in-lock")} == {1, 2}
    assert problem(other.prove(code)) == (403, "reset-code-wrong")


def test_a_code_dies_of_five_wrong_tries_of_age_and_of_a_newer_one(
    app: FastAPI, kiosk: FakeKiosk, database: Database, services: Services
) -> None:
    kiosk.put(record())
    reachable(database)
    kiosk.order()
    guessed = sent_code(database, services)
    for _ in range(5):
        assert kiosk.prove("x").status_code == 403
    assert kiosk.prove(guessed).status_code == 403
    kiosk.order()
    replaced = sent_code(database, services)
    kiosk.order()
    assert kiosk.prove(replaced).status_code == 403
    code = sent_code(database, services)
    late = datetime.now(UTC) + timedelta(minutes=16)
    app.state.services = dataclasses.replace(services, clock=lambda: late)
    assert kiosk.prove(code).status_code == 403
    # A fourth order within the hour sends nothing, and says nothing of that.
    assert kiosk.order().status_code == 202
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(OutgoingMessage)) == 3


def test_staff_give_a_code_to_read_out(client: TestClient, as_role: Headers, kiosk: FakeKiosk) -> None:
    address = f"/api/v1/patients/{PATIENT}/reset-codes"
    assert client.post(address, headers=as_role("clinician")).status_code == 404
    kiosk.put(record())
    for role in ("kiosk", "technician", "administrator"):
        assert client.post(address, headers=as_role(role)).status_code == 403
    given = client.post(address, headers=as_role("clinician"))
    assert (given.status_code, given.headers["Cache-Control"]) == (201, "no-store")
    assert kiosk.opened(kiosk.prove(given.json()["code"])).patient_id == PATIENT


def attempt(**changes: Any) -> SignInAttempted:
    fields = {
        "attempt_id": uuid4(), "claim_digest": NAME, "patient_id": PATIENT, "method": "password", "outcome": "failed",
        "counted": True, "failures": 1, "locked_for_s": 0, "attempted_at": datetime.now(UTC),
    }  # fmt: skip
    return SignInAttempted.model_validate(fields | changes)


def test_a_replayed_report_of_an_attempt_counts_once(
    client: TestClient, as_role: Headers, report: Callable[..., Recorded], kiosk: FakeKiosk
) -> None:
    event = attempt()
    assert len(report(event, times=2).duplicates) == 1
    (refused,) = report(event).quarantined  # the same attempt in another message
    assert refused.code == "record-conflict"
    listed = client.get(f"/api/v1/patients/{PATIENT}/sign-in-attempts", headers=as_role("clinician")).json()["items"]
    assert [item["outcome"] for item in listed] == ["failed"]


def test_consents_follow_the_newest_change_however_reports_arrive(
    report: Callable[..., Recorded], database: Database
) -> None:
    for version, face in ((3, False), (2, True)):
        report(
            CredentialsChanged(
                patient_id=PATIENT,
                change="consents-changed",
                version=version,
                consents=Consents(face=face),
                changed_at=datetime.now(UTC),
            )
        )
    with database.reading() as session:
        assert session.get_one(Patient, PATIENT).consent_face is False


@pytest.fixture
def wished(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database, services: Services, report: Callable[..., Recorded]
) -> Callable[..., dict[str, UUID]]:
    """A known patient's wish, carried out at the hub; returns each kiosk's order."""

    def wish(scope: Any = "account") -> dict[str, UUID]:
        kiosk.put(record())
        report(DeletionRequested(request_id=uuid4(), patient_id=PATIENT, scope=scope, requested_at=datetime.now(UTC)))
        with database.writing.begin() as session:
            assert carry_out_deletions(session, services.identity_keys, now=datetime.now(UTC)) == 1
        return {f"k{order.kiosk_id}": order.id for order in orders(database, "delete-identity")}

    return wish


def test_only_the_kiosks_own_signature_settles_its_deletion(
    client: TestClient, as_role: Headers, kiosk: FakeKiosk, other: FakeKiosk, wished: Any,
    report: Callable[..., Recorded], database: Database,
) -> None:  # fmt: skip
    order = wished()
    for forged in (
        kiosk.receipt(order["k1"], key=other.signing),
        kiosk.receipt(order["k1"], scope="face"),
        kiosk.receipt(order["k2"]),
        kiosk.receipt(uuid4()),
    ):
        (refused,) = report(forged).quarantined
        assert refused.code == "receipt-unverified"
    assert len(orders(database, "delete-identity")) == 2
    for made, name in ((kiosk, "k1"), (kiosk, "k1"), (other, "k2")):
        assert len(report(made.receipt(order[name]), kiosk=name).stored) == 1
    (shown,) = client.get("/api/v1/deletions", headers=as_role("technician")).json()["items"]
    assert shown["complete"]
    assert [row["state"] for row in shown["kiosks"]] == ["receipted", "receipted"]
    assert client.get("/api/v1/deletions", headers=as_role("clinician")).status_code == 403


def test_a_deleted_account_does_not_come_back(kiosk: FakeKiosk, wished: Any, database: Database) -> None:
    wished()
    assert problem(kiosk.put(record(9))) == (410, "identity-deleted")
    assert problem(kiosk.claim()) == (404, "claim-unknown")
    assert len(orders(database, "delete-identity")) == 2


def test_a_kiosk_that_brings_a_deleted_account_after_its_receipt_is_ordered_again(
    kiosk: FakeKiosk, wished: Any, report: Callable[..., Recorded], database: Database
) -> None:
    order = wished()
    report(kiosk.receipt(order["k1"]))
    assert kiosk.put(record(9)).status_code == 410
    assert {f"k{row.kiosk_id}" for row in orders(database, "delete-identity")} == {"k1", "k2"}


def test_a_deleted_face_leaves_the_account_and_does_not_return_from_a_kiosk_that_has_not_heard(
    kiosk: FakeKiosk, wished: Any, report: Callable[..., Recorded]
) -> None:
    order = wished("face")
    assert kiosk.opened(kiosk.claim()).face is None
    assert kiosk.put(record(2)).status_code == 204
    assert kiosk.opened(kiosk.claim()).face is None
    report(kiosk.receipt(order["k1"], scope="face"))
    # Enrolling anew after the deletion is the patient's right.
    assert kiosk.put(record(3)).status_code == 204
    assert kiosk.opened(kiosk.claim()).face is not None


def test_revoking_takes_the_right_to_change_the_record(
    client: TestClient, as_role: Headers, kiosk: FakeKiosk, database: Database
) -> None:
    kiosk.put(record())
    answer = client.post(f"/api/v1/patients/{PATIENT}/credential-revocations", headers=as_role("administrator"))
    assert answer.json() == {"count": 1}
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CredentialHolder)) == 0
    assert kiosk.put(record(2)).status_code == 409


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/kiosk/keys"),
        ("GET", "/kiosk/identity"),
        ("PUT", f"/credentials/{PATIENT}"),
        ("POST", "/credentials/claims"),
        ("POST", "/password-resets"),
        ("POST", "/password-resets/verify"),
    ],
)
def test_identity_is_for_kiosks_only(client: TestClient, as_role: Headers, method: str, path: str) -> None:
    for role in ("clinician", "technician", "administrator"):
        assert client.request(method, f"/api/v1{path}", headers=as_role(role)).status_code == 403
    assert client.request(method, f"/api/v1{path}").status_code == 401
