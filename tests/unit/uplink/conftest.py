from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from edge.bus import Bus
from edge.store import Store
from edge.uplink import outbox as outbox_module
from edge.uplink.image_spool import ImageSpool
from edge.uplink.outbox import Outbox
from protocol.events import CommandAnswered, ImageReference


class SetClock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 11, 22, 9, tzinfo=UTC)
        self.steady_s = 1000.0

    def now(self) -> datetime:
        return self.wall

    def monotonic_s(self) -> float:
        return self.steady_s

    def advance(self, duration: timedelta) -> None:
        self.wall += duration
        self.steady_s += duration.total_seconds()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def spool(tmp_path: Path) -> ImageSpool:
    return ImageSpool(tmp_path / "images")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(tmp_path / "kiosk.db", (outbox_module.MIGRATIONS,))
    yield store
    store.close()


@pytest.fixture
def outbox(store: Store, spool: ImageSpool, clock: SetClock, bus: Bus) -> Outbox:
    return Outbox(store=store, spool=spool, clock=clock, bus=bus, site="village", kiosk="k1")


@pytest.fixture
def save(outbox: Outbox, store: Store, spool: ImageSpool) -> Callable[..., UUID]:
    """Save one event, with images of these bytes."""

    def save_event(*images: bytes) -> UUID:
        references = [
            ImageReference(
                sha256=spool.put(data), size_bytes=len(data), media_type="image/jpeg", width_px=10, height_px=10
            )
            for data in images
        ]
        with store.transaction() as connection:
            return outbox.put(
                CommandAnswered(command_id=uuid4(), outcome="done"), connection=connection, images=references
            )

    return save_event
