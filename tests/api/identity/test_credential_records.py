"""Records go to the hub and to the kiosk of a claim, and nowhere else."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from hub.api.deps import Services
from hub.db.engine import Database
from hub.db.identity_tables import CredentialHolder, StoredCredential
from hub.db.tables import Patient
from protocol.identity import (
    Consents,
    CredentialsChanged,
)

PATIENT = UUID(int=77)
NAME = "a" * 64
CODE = "b" * 64
Headers = Callable[[str], dict[str, str]]


FakeKiosk = Any


def test_a_record_is_handed_to_the_kiosk_that_claims_it_and_opens_nowhere_else(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database, problem: Any, record: Any
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


def test_a_repeated_record_changes_nothing_and_an_older_one_is_refused(
    kiosk: FakeKiosk, database: Database, record: Any
) -> None:
    first, second = record(1), record(2, password_hash="$argon2id$new")
    for given, status in ((first, 204), (first, 204), (second, 204), (second, 204), (first, 409), (record(2), 409)):
        assert kiosk.put(given).status_code == status
    assert kiosk.opened(kiosk.claim()) == second


def test_of_two_changes_made_apart_the_first_counts_and_the_other_kiosk_is_told_to_forget(
    kiosk: FakeKiosk, other: FakeKiosk, database: Database, orders: Any, problem: Any, record: Any
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
        {"sealed": "eHh4" * 60},
        {"sealed": ""},
        {"sealed": "AAA"},
    ],
)
def test_an_altered_envelope_is_refused(
    kiosk: FakeKiosk, database: Database, outside: dict[str, Any], problem: Any, record: Any
) -> None:
    assert problem(kiosk.put(record(), **outside)) == (422, "envelope-altered")
    assert problem(kiosk.put(record(patient_id=uuid4()))) == (422, "envelope-altered")
    kiosk.hub_key = X25519PrivateKey.generate().public_key().public_bytes_raw()
    assert problem(kiosk.put(record())) == (422, "envelope-altered")
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(StoredCredential)) == 0


def test_a_record_altered_at_rest_is_handed_to_nobody(
    kiosk: FakeKiosk, database: Database, problem: Any, record: Any
) -> None:
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


def test_a_replayed_report_of_an_attempt_counts_once(
    client: TestClient, as_role: Headers, report: Callable[..., Any], kiosk: FakeKiosk, attempt: Any
) -> None:
    event = attempt()
    assert len(report(event, times=2).duplicates) == 1
    (refused,) = report(event).quarantined  # the same attempt in another message
    assert refused.code == "record-conflict"
    listed = client.get(f"/api/v1/patients/{PATIENT}/sign-in-attempts", headers=as_role("clinician")).json()["items"]
    assert [item["outcome"] for item in listed] == ["failed"]


def test_consents_follow_the_newest_change_however_reports_arrive(
    report: Callable[..., Any], database: Database
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


def test_revoking_takes_the_right_to_change_the_record(
    client: TestClient, as_role: Headers, kiosk: FakeKiosk, database: Database, record: Any
) -> None:
    kiosk.put(record())
    answer = client.post(f"/api/v1/patients/{PATIENT}/credential-revocations", headers=as_role("administrator"))
    assert answer.json() == {"count": 1}
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CredentialHolder)) == 0
    assert kiosk.put(record(2)).status_code == 409
