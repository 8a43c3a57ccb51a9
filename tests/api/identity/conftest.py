"""Kiosks with keys of their own before the hub's HTTP side; events come in through the recorder."""

import dataclasses
import itertools
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from fastapi import FastAPI
from sqlalchemy import select, update
from starlette.testclient import TestClient

from hub.api.deps import Services
from hub.config import MailSettings
from hub.db.engine import Database
from hub.db.identity_tables import KioskOrder, OutgoingMessage
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


def _record(version: int = 1, **changes: Any) -> CredentialRecord:
    fields = {
        "patient_id": PATIENT, "version": version, "username": "zebulon", "claim_digests": (NAME, CODE),
        "password_hash": "$argon2id$secret", "full_name": "Zebulon Q", "sex": Sex.MALE, "language": Language.ES,
        "patient_code": "K1P0001-AAAA-1", "consents": Consents(face=True, messages=True),
        "issued_at": datetime.now(UTC),
        "face": FaceCredential(algorithm="a/1", transform_version=1, transform_key="AAAA", templates=("AAAA",)),
    }  # fmt: skip
    return CredentialRecord.model_validate(fields | changes)


@pytest.fixture
def record() -> Callable[..., Any]:
    return _record


@pytest.fixture
def services(app: FastAPI, client: TestClient) -> Services:
    found: Services = app.state.services
    settings = found.settings.model_copy(update={"mail": MailSettings(host="mail.invalid")})
    app.state.services = dataclasses.replace(found, settings=settings)
    configured: Services = app.state.services
    return configured


@pytest.fixture
def fake_kiosk(client: TestClient) -> Callable[[str], FakeKiosk]:
    """A kiosk that has not sent its keys yet."""
    return lambda role: FakeKiosk(client, role)


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


def _reachable(database: Database) -> None:
    with database.writing.begin() as session:
        session.execute(update(Patient).values(email="z@example.org", language="es"))


@pytest.fixture
def reachable() -> Callable[..., Any]:
    return _reachable


def _sent_code(database: Database, services: Services) -> str:
    with database.reading() as session:
        (row,) = session.scalars(select(OutgoingMessage).order_by(OutgoingMessage.queued_at.desc()).limit(1))
        return next(
            word.strip(".") for word in read_message(row, services.identity_keys).text.split() if word[0].isdigit()
        )


@pytest.fixture
def sent_code() -> Callable[..., Any]:
    return _sent_code


def _orders(database: Database, kind: str) -> list[KioskOrder]:
    with database.reading() as session:
        return list(session.scalars(select(KioskOrder).where(KioskOrder.type == kind, KioskOrder.is_open)))


@pytest.fixture
def orders() -> Callable[..., Any]:
    return _orders


def _problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition(":")[2]


@pytest.fixture
def problem() -> Callable[..., Any]:
    return _problem


def _attempt(**changes: Any) -> SignInAttempted:
    fields = {
        "attempt_id": uuid4(), "claim_digest": NAME, "patient_id": PATIENT, "method": "password", "outcome": "failed",
        "counted": True, "failures": 1, "locked_for_s": 0, "attempted_at": datetime.now(UTC),
    }  # fmt: skip
    return SignInAttempted.model_validate(fields | changes)


@pytest.fixture
def attempt() -> Callable[..., Any]:
    return _attempt


@pytest.fixture
def wished(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database, services: Services, report: Callable[..., Recorded]
) -> Callable[..., dict[str, UUID]]:
    """A known patient's wish, carried out at the hub; returns each kiosk's order."""

    def wish(scope: Any = "account") -> dict[str, UUID]:
        kiosk.put(_record())
        report(DeletionRequested(request_id=uuid4(), patient_id=PATIENT, scope=scope, requested_at=datetime.now(UTC)))
        with database.writing.begin() as session:
            assert carry_out_deletions(session, services.identity_keys, now=datetime.now(UTC)) == 1
        return {f"k{order.kiosk_id}": order.id for order in _orders(database, "delete-identity")}

    return wish
