import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hub.config import IngestSettings
from hub.db.engine import Database, open_database
from hub.db.upgrade import upgrade
from hub.ingest.messages import Delivery

GOLDEN = Path(__file__).parents[2] / "contract" / "golden" / "v1"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with this release's schema and nothing else."""
    file = tmp_path_factory.mktemp("migrated") / "hub.sqlite3"
    opened = open_database(f"sqlite:///{file}")
    upgrade(opened.engine)
    opened.close()
    return file


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> Iterator[Database]:
    opened = open_database(f"sqlite:///{shutil.copy(migrated, tmp_path)}")
    yield opened
    opened.close()


@pytest.fixture
def ingest_settings() -> IngestSettings:
    return IngestSettings(batch_wait_ms=0, replay_grace_s=10, replay_interval_s=60)


@pytest.fixture
def message() -> Callable[..., dict[str, Any]]:
    """A released message with a new id; keyword arguments replace fields, `payload` merges into the payload."""

    def build(kind: str, *, payload: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((GOLDEN / f"{kind}.json").read_text())
        if "message_id" in body:
            body["message_id"] = str(uuid4())
        body |= fields
        if payload:
            body["payload"] |= payload
        return body

    return build


@pytest.fixture
def deliver() -> Callable[..., Delivery]:
    """A message as the broker delivers it, on the topic that fits it unless told otherwise."""

    def build(body: dict[str, Any] | bytes, *, topic: str | None = None, **fields: Any) -> Delivery:
        if isinstance(body, bytes):
            return Delivery(topic or "derma/v1/village/k1/event/visit-ended", body, NOW, **fields)
        kind = f"event/{body['type']}" if "type" in body else ("heartbeat" if "beat" in body else "state")
        return Delivery(
            topic or f"derma/v1/{body['site']}/{body['kiosk']}/{kind}", json.dumps(body).encode(), NOW, **fields
        )

    return build
