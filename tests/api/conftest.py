"""The hub's application on a real database and image store, without a broker: records come in through the recorder."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import argon2
import pytest
from fastapi import FastAPI
from starlette.exceptions import StarletteDeprecationWarning

from hub.api.deps import Services, utc_now
from hub.app import create_app
from hub.bus import Bus
from hub.config import HubSettings
from hub.db.engine import Database, open_database
from hub.db.upgrade import upgrade
from hub.ingest.messages import Delivery
from hub.ingest.recorder import Recorder
from hub.metrics import HubMetrics
from hub.records.folder_image_store import FolderImageStore
from hub.security import AccessList, BrowserSessions
from hub.staff.passwords import StaffPasswords

with warnings.catch_warnings():
    # It asks for httpx2, which is not locked; httpx serves.
    warnings.simplefilter("ignore", StarletteDeprecationWarning)
    from starlette.testclient import TestClient

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "v1"
ROLES = ("clinician", "technician", "attendant", "administrator", "kiosk", "other-kiosk")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "hub.sqlite3"
    opened = open_database(f"sqlite:///{file}")
    upgrade(opened.engine)
    opened.close()
    return file


@dataclass
class Parts:
    """Services without a broker, and a switch for its check."""

    broker_fault: str | None = None
    clock: Callable[[], datetime] = utc_now

    @contextmanager
    def __call__(self, settings: HubSettings) -> Iterator[Services]:
        database = open_database(settings.database)
        yield Services(
            settings=settings,
            database=database,
            images=FolderImageStore(settings.data_dir / "images", settings.images),
            bus=Bus(),
            metrics=HubMetrics(),
            access=AccessList(settings.access),
            browsers=BrowserSessions(),
            checks={"broker": lambda: self.broker_fault},
            clock=self.clock,
            staff_passwords=StaffPasswords(argon2.profiles.CHEAPEST),
        )
        database.close()


@pytest.fixture
def parts() -> Parts:
    return Parts()


@pytest.fixture
def settings(tmp_path: Path, migrated: Path) -> HubSettings:
    shutil.copy(migrated, tmp_path / "hub.sqlite3")
    callers: list[dict[str, str]] = [
        {"name": role, "role": role, "token_sha256": _sha256(role.encode())} for role in ROLES[:4]
    ]
    callers += [
        {"name": name, "role": "kiosk", "site": "village", "kiosk": kiosk, "token_sha256": _sha256(name.encode())}
        for name, kiosk in (("kiosk", "k1"), ("other-kiosk", "k2"))
    ]
    return HubSettings.model_validate(
        {"data_dir": tmp_path, "access": callers, "images": {"reserve_bytes": 0, "max_bytes": 2_000_000}}
    )


@pytest.fixture
def app(settings: HubSettings, parts: Parts) -> FastAPI:
    return create_app(settings, parts=parts)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """Anonymous; `headers=as_role(...)` makes it somebody."""
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def as_role() -> Callable[[str], dict[str, str]]:
    return lambda role: {"Authorization": f"Bearer {role}"}


@pytest.fixture
def database(client: TestClient) -> Database:
    services: Services = client.app.state.services  # type: ignore[attr-defined]
    return services.database


@pytest.fixture
def receive(database: Database) -> Callable[..., dict[str, Any]]:
    """Take in an event as a kiosk would send it; returns the message."""

    def take(kind: str, *, payload: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((GOLDEN / f"{kind}.json").read_text())
        body |= {"message_id": str(uuid4())} | fields
        body["payload"] |= payload or {}
        topic = f"derma/v1/{body['site']}/{body['kiosk']}/event/{kind}"
        now = datetime.now(UTC)
        recorded = Recorder(database).record([Delivery(topic, json.dumps(body).encode(), now)], now=now)
        assert len(recorded.stored) + len(recorded.quarantined) == 1
        return body

    return take


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
