import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from fastapi.sse import ServerSentEvent

from hub.api.deps import Services
from hub.bus import AnalysisStored, Bus, HubEvent, ImageStored
from hub.config import HubSettings
from hub.db.engine import open_database
from hub.db.upgrade import upgrade
from hub.metrics import HubMetrics
from hub.records.folder_image_store import FolderImageStore
from hub.security import AccessList, BrowserSessions
from hub.web.live import live_events


@pytest.fixture
def running(tmp_path: Path) -> Any:
    settings = HubSettings(data_dir=tmp_path)
    database = open_database(settings.database)
    upgrade(database.engine)
    yield Services(
        settings=settings,
        database=database,
        images=FolderImageStore(tmp_path / "images", settings.images),
        bus=Bus(),
        metrics=HubMetrics(),
        access=AccessList(()),
        browsers=BrowserSessions(),
        checks={},
    )
    database.close()


def _told(running: Services, publish: Callable[[], None]) -> list[ServerSentEvent]:
    """All that a page hears when `publish` is called once it listens, and the hub stops afterwards."""

    async def listen() -> list[ServerSentEvent]:
        stream: AsyncIterator[ServerSentEvent] = live_events(running)
        heard = [await anext(stream)]
        publish()
        running.bus.close()
        return heard + [event async for event in stream]

    return asyncio.run(listen())


def test_a_page_first_hears_which_result_is_the_newest_and_then_the_news(running: Services) -> None:
    analysis_id = uuid4()
    news: list[HubEvent] = [
        AnalysisStored(analysis_id=analysis_id, patient_id=uuid4(), site="village", kiosk="k1", tier="high"),
        ImageStored(sha256="0" * 64),
    ]

    told = _told(running, lambda: [running.bus.publish(event) for event in news] and None)

    assert [(event.event, event.data) for event in told] == [
        ("hello", {"newest": None}),
        ("analysis", {"analysis_id": analysis_id, "tier": "high"}),
        ("image", {"sha256": "0" * 64}),
    ]


def test_a_page_too_slow_for_the_news_hears_that_it_missed_some(running: Services) -> None:
    def publish() -> None:
        for _ in range(300):
            running.bus.publish(ImageStored(sha256="0" * 64))

    kinds = [event.event for event in _told(running, publish)]

    assert kinds[:2] == ["hello", "missed"]


def test_nothing_of_a_patient_is_told(running: Services) -> None:
    patient_id = uuid4()
    stored = AnalysisStored(analysis_id=uuid4(), patient_id=patient_id, site="village", kiosk="k1", tier="high")

    told = _told(running, lambda: running.bus.publish(stored))

    assert str(patient_id) not in str(told)
