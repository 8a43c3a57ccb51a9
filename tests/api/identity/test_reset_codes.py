"""Codes for patients who forgot the password."""

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import func, select
from starlette.testclient import TestClient

from hub.api.deps import Services
from hub.db.engine import Database
from hub.db.identity_tables import OutgoingMessage
from hub.messages.outbox import read_message

PATIENT = UUID(int=77)
NAME = "a" * 64
CODE = "b" * 64
Headers = Callable[[str], dict[str, str]]


FakeKiosk = Any


def test_an_order_for_a_code_is_answered_alike_for_everybody(
    kiosk: FakeKiosk, database: Database, services: Services, reachable: Any, record: Any
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
    kiosk: FakeKiosk,
    other: FakeKiosk,
    database: Database,
    services: Services,
    orders: Any,
    problem: Any,
    reachable: Any,
    record: Any,
    sent_code: Any,
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
    app: FastAPI, kiosk: FakeKiosk, database: Database, services: Services, reachable: Any, record: Any, sent_code: Any
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


def test_staff_give_a_code_to_read_out(client: TestClient, as_role: Headers, kiosk: FakeKiosk, record: Any) -> None:
    address = f"/api/v1/patients/{PATIENT}/reset-codes"
    assert client.post(address, headers=as_role("clinician")).status_code == 404
    kiosk.put(record())
    for role in ("kiosk", "technician", "administrator"):
        assert client.post(address, headers=as_role(role)).status_code == 403
    given = client.post(address, headers=as_role("clinician"))
    assert (given.status_code, given.headers["Cache-Control"]) == (201, "no-store")
    assert kiosk.opened(kiosk.prove(given.json()["code"])).patient_id == PATIENT
