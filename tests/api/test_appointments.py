"""Booking over the API: who may, what is refused and how, and a crowd at one slot."""

import asyncio
import hashlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from hub.api import appointments, problem
from hub.api.deps import Services
from hub.bus import Bus
from hub.config import AccessEntry, HubSettings
from hub.db.engine import Database, open_database
from hub.db.tables import Patient
from hub.db.upgrade import upgrade
from hub.metrics import HubMetrics
from hub.records.folder_image_store import FolderImageStore
from hub.scheduler.codes import is_appointment_code
from hub.scheduler.specialists import ensure_demo_specialist
from hub.security import AccessList, BrowserSessions

PATIENCE_S = 20
ROLES = ("clinician", "administrator", "technician", "kiosk")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def _entry(role: str) -> AccessEntry:
    where = {"site": "village", "kiosk": "k1"} if role == "kiosk" else {}
    return AccessEntry.model_validate(
        {"name": f"the {role}", "role": role, "token_sha256": hashlib.sha256(role.encode()).hexdigest(), **where}
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{tmp_path / 'hub.sqlite3'}")
    upgrade(opened.engine)
    with opened.writing() as session:
        ensure_demo_specialist(session, now=datetime.now(UTC))
        session.commit()
    yield opened
    opened.close()


@pytest.fixture
def client(database: Database, tmp_path: Path) -> Iterator[httpx.Client]:
    settings = HubSettings(data_dir=tmp_path)
    app = FastAPI()
    problem.install(app)
    app.include_router(appointments.router)
    app.state.services = Services(
        settings=settings,
        database=database,
        images=FolderImageStore(tmp_path / "images", settings.images),
        bus=Bus(),
        metrics=HubMetrics(),
        access=AccessList(_entry(role) for role in ROLES),
        browsers=BrowserSessions(),
        checks={},
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        assert server.ready.wait(PATIENCE_S)
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=PATIENCE_S) as caller:
            yield caller
        server.should_exit = True
        thread.join(PATIENCE_S)


@pytest.fixture
def patient(database: Database) -> Callable[[], str]:
    def add() -> str:
        with database.writing() as session:
            row = Patient(id=uuid4(), stored_at=datetime.now(UTC))
            session.add(row)
            session.commit()
            return str(row.id)

    return add


def _as(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}"}


def _specialist(client: httpx.Client) -> str:
    (specialist,) = client.get("/api/v1/specialists", headers=_as("kiosk")).json()
    identifier: str = specialist["id"]
    return identifier


@pytest.fixture
def slots(client: httpx.Client) -> list[dict[str, str]]:
    """Free slots, from tomorrow on."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    answer = client.get(
        "/api/v1/slots",
        params={"specialist_id": _specialist(client), "from": tomorrow.isoformat()},
        headers=_as("kiosk"),
    )
    free: list[dict[str, str]] = answer.json()
    return free


@pytest.fixture
def book(client: httpx.Client) -> Callable[..., Any]:
    specialist = _specialist(client)

    def post(patient_id: str, starts_at: str, *, role: str = "clinician", **others: Any) -> Any:
        wish = {"specialist_id": specialist, "starts_at": starts_at, "patient_id": patient_id} | others
        return client.post("/api/v1/appointments", json=wish, headers=_as(role))

    return post


def test_a_kiosk_books_a_free_slot_and_gets_a_code_to_hand_out(
    client: httpx.Client, book: Callable[..., Any], patient: Callable[[], str], slots: list[dict[str, str]]
) -> None:
    answer = book(patient(), slots[0]["starts_at"], role="kiosk")

    booked = answer.json()
    assert answer.status_code == 201
    assert (booked["starts_at"], booked["ends_at"]) == (slots[0]["starts_at"], slots[0]["ends_at"])
    assert (booked["status"], booked["booked_by"]) == ("booked", "the kiosk")
    assert is_appointment_code(booked["code"])
    assert client.get(answer.headers["location"], headers=_as("clinician")).json() == booked
    listed = client.get("/api/v1/appointments", params={"patient_id": booked["patient_id"]}, headers=_as("clinician"))
    assert listed.json() == {"items": [booked], "next": None}


def test_the_second_booker_is_refused_with_alternatives_that_can_be_booked(
    book: Callable[..., Any], patient: Callable[[], str], slots: list[dict[str, str]]
) -> None:
    book(patient(), slots[3]["starts_at"])

    refused = book(patient(), slots[3]["starts_at"])

    assert refused.status_code == 409
    assert refused.headers["content-type"] == "application/problem+json"
    problem_ = refused.json()
    assert problem_["type"] == "urn:dermakiosk:problem:slot-taken"
    assert len(problem_["alternatives"]) == 3
    for alternative in problem_["alternatives"]:
        assert book(patient(), alternative["starts_at"]).status_code == 201


def test_asking_again_is_answered_with_what_was_booked(
    book: Callable[..., Any], patient: Callable[[], str], slots: list[dict[str, str]]
) -> None:
    identifier = patient()

    first, again = (book(identifier, slots[0]["starts_at"]) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


def test_a_cancelled_appointment_frees_its_slot(
    client: httpx.Client, book: Callable[..., Any], patient: Callable[[], str], slots: list[dict[str, str]]
) -> None:
    address = book(patient(), slots[0]["starts_at"]).headers["location"]

    cancelled = client.post(f"{address}/cancel", headers=_as("administrator"))

    assert cancelled.json()["status"] == "cancelled"
    assert cancelled.json()["cancelled_by"] == "the administrator"
    assert client.post(f"{address}/cancel", headers=_as("clinician")).json() == cancelled.json()
    assert book(patient(), slots[0]["starts_at"]).status_code == 201


@pytest.mark.parametrize(
    ("wish", "status", "code"),
    [
        ({"starts_at": "2026-11-23T09:00:00"}, 422, "unprocessable"),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, 422, "unprocessable"),
        ({"starts_at": "9999-12-31T23:59:59Z"}, 422, "unprocessable"),
        ({"starts_at": "2020-01-01T09:00:00Z"}, 422, "slot-not-offered"),
        ({"starts_at": "2199-01-01T09:00:00Z"}, 422, "slot-not-offered"),
        ({"patient_id": str(UUID(int=1))}, 422, "patient-unknown"),
        ({"analysis_id": str(UUID(int=1))}, 422, "analysis-unknown"),
        ({"specialist_id": str(UUID(int=1))}, 404, "not-found"),
        ({"urgent": True}, 422, "unprocessable"),
    ],
)
def test_a_wish_that_cannot_be_granted_says_why(
    book: Callable[..., Any],
    patient: Callable[[], str],
    slots: list[dict[str, str]],
    wish: dict[str, Any],
    status: int,
    code: str,
) -> None:
    answer = book(**{"patient_id": patient(), "starts_at": slots[0]["starts_at"]} | wish)

    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:dermakiosk:problem:{code}")


@pytest.mark.parametrize(
    "window",
    [
        {"from": "2026-11-24T00:00:00Z", "to": "2026-11-23T00:00:00Z"},
        {"from": "2026-11-24T00:00:00Z", "to": "2027-11-23T00:00:00Z"},
        {"from": "2026-11-24"},
        {"from": "9999-12-31T00:00:00Z"},
    ],
)
def test_slots_are_listed_for_a_sensible_window_only(client: httpx.Client, window: dict[str, str]) -> None:
    answer = client.get(
        "/api/v1/slots", params={"specialist_id": _specialist(client), **window}, headers=_as("clinician")
    )

    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "admitted"),
    [
        ("GET", "/api/v1/specialists", {"clinician", "administrator", "kiosk"}),
        ("GET", f"/api/v1/slots?specialist_id={UUID(int=1)}", {"clinician", "administrator", "kiosk"}),
        ("POST", "/api/v1/appointments", {"clinician", "administrator", "kiosk"}),
        ("GET", "/api/v1/appointments", {"clinician", "administrator"}),
        ("GET", f"/api/v1/appointments/{UUID(int=1)}", {"clinician", "administrator"}),
        ("POST", f"/api/v1/appointments/{UUID(int=1)}/cancel", {"clinician", "administrator"}),
    ],
)
def test_each_address_admits_its_roles_only(client: httpx.Client, method: str, path: str, admitted: set[str]) -> None:
    assert client.request(method, path).status_code == 401
    for role in ROLES:
        status = client.request(method, path, headers=_as(role)).status_code
        assert (status != 403) == (role in admitted), f"{role}: {status}"


def test_of_many_callers_at_once_one_gets_the_slot(
    book: Callable[..., Any], patient: Callable[[], str], slots: list[dict[str, str]]
) -> None:
    patients = [patient() for _ in range(20)]

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda identifier: book(identifier, slots[0]["starts_at"]), patients))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    assert all(len(answer.json()["alternatives"]) == 3 for answer in answers if answer.status_code == 409)
