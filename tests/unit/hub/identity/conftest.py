from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from hub.config import IdentitySettings
from hub.db.engine import Database
from hub.db.identity_tables import KioskOrder, SignInAttempt
from hub.db.tables import InboxMessage, Kiosk
from hub.identity.hub_keys import HubKeys
from hub.identity.worker import IdentityWorker

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
NAME = "a" * 64


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


class RecordingPublisher:
    """The broker's connection: keeps what is published, or is away."""

    def __init__(self) -> None:
        self.connected = True
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, body: bytes, *, qos: int) -> bool:
        if self.connected:
            self.published.append((topic, body))
        return self.connected


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publisher() -> RecordingPublisher:
    return RecordingPublisher()


@pytest.fixture
def keys() -> HubKeys:
    return HubKeys.generate()


@pytest.fixture
def kiosks(database: Database) -> list[int]:
    """Three kiosks, all online."""
    with database.writing.begin() as session:
        rows = [
            Kiosk(site="village", name=f"k{n}", first_seen_at=NOW, online=True, boot_id=UUID(int=n), session=1)
            for n in (1, 2, 3)
        ]
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


@pytest.fixture
def worker(database: Database, keys: HubKeys, publisher: RecordingPublisher, clock: Clock) -> IdentityWorker:
    return IdentityWorker(database, keys=keys, settings=IdentitySettings(), publisher=publisher, clock=clock)


@pytest.fixture
def attempted(database: Database, kiosks: list[int], clock: Clock) -> Callable[..., None]:
    """A kiosk's report of an attempt, arriving now; `ago_s` says how long ago it was by the kiosk's clock."""

    def add(kiosk: int = 0, *, ago_s: float = 0, **changes: Any) -> None:
        received = clock()
        attempted_at = received - timedelta(seconds=ago_s)
        message_id = uuid4()
        fields: dict[str, Any] = {
            "attempt_id": uuid4(), "message_id": message_id, "kiosk_id": kiosks[kiosk], "claim_digest": NAME,
            "patient_id": None, "method": "password", "outcome": "failed", "reason": None, "counted": True,
            "failures": 1, "locked_for_s": 0.0, "attempted_at": attempted_at, "received_at": received,
            "effective_at": min(attempted_at, received), "merged": False,
        }  # fmt: skip
        with database.writing.begin() as session:
            session.add(
                InboxMessage(
                    message_id=message_id,
                    kiosk_id=kiosks[kiosk],
                    sequence=1,
                    type="sign-in-attempted",
                    body_sha256=bytes(32),
                    received_at=received,
                )
            )
            session.flush()
            session.add(SignInAttempt(**(fields | changes)))

    return add


@pytest.fixture
def open_orders(database: Database) -> Callable[..., list[KioskOrder]]:
    def find(kind: str) -> list[KioskOrder]:
        with database.reading() as session:
            query = select(KioskOrder).where(KioskOrder.type == kind, KioskOrder.is_open)
            return list(session.scalars(query.order_by(KioskOrder.kiosk_id)))

    return find
