import queue
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hub.bus import Bus
from hub.config import IngestSettings
from hub.db.engine import Database, open_database
from hub.db.tables import InboxMessage
from hub.ingest.messages import Delivery
from hub.ingest.recorder import Recorder
from hub.ingest.worker import IngestWorker
from hub.metrics import HubMetrics
from protocol import codec, topics
from protocol.envelope import Receipt

PATIENCE_S = 20
Build = Callable[..., dict[str, Any]]
Deliver = Callable[..., Delivery]


class MemoryLink:
    """A link whose broker is this test: remembers in which order things happened."""

    def __init__(self) -> None:
        self.arriving: queue.Queue[Delivery] = queue.Queue()
        self.happened: list[object] = []
        self.changed = threading.Condition()

    def receive(self, *, most: int, wait_s: float, fill_s: float) -> list[Delivery]:
        try:
            batch = [self.arriving.get(timeout=wait_s)]
        except queue.Empty:
            return []
        while len(batch) < most and not self.arriving.empty():
            batch.append(self.arriving.get())
        return batch

    def acknowledge(self, delivery: Delivery) -> None:
        self._note(("ack", delivery.mid))

    def publish(self, topic: str, body: bytes, *, qos: int) -> bool:
        address = topics.parse(topic)
        message = codec.decode(body, Receipt) if address.topic.name == "receipt" else codec.decode_command(body)
        self._note(message)
        return True

    def wait_for(self, condition: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE_S), self.happened

    def _note(self, what: object) -> None:
        with self.changed:
            self.happened.append(what)
            self.changed.notify_all()


def await_fault(worker: IngestWorker) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while (fault := worker.fault()) is None:
        assert time.monotonic() < deadline
        threading.Event().wait(0.01)
    return fault


@pytest.fixture
def link() -> MemoryLink:
    return MemoryLink()


@pytest.fixture
def metrics() -> HubMetrics:
    return HubMetrics()


@pytest.fixture
def worker(
    link: MemoryLink, database: Database, ingest_settings: IngestSettings, metrics: HubMetrics
) -> Iterator[IngestWorker]:
    running = IngestWorker(link=link, database=database, settings=ingest_settings, bus=Bus(), metrics=metrics)
    running.start()
    yield running
    running.stop()


def test_acknowledgement_comes_before_the_receipt_and_after_the_commit(
    worker: IngestWorker, link: MemoryLink, message: Build, deliver: Deliver, database: Database
) -> None:
    body = message("analysis-completed")
    link.arriving.put(deliver(body, mid=7))
    link.wait_for(lambda: len(link.happened) == 2)
    acknowledged, receipt = link.happened
    assert acknowledged == ("ack", 7)
    assert isinstance(receipt, Receipt)
    assert [str(message_id) for message_id in receipt.stored] == [body["message_id"]]
    with database.reading() as session:
        assert session.scalars(select(InboxMessage.sequence)).one() == body["sequence"]


def test_a_quarantined_message_is_acknowledged_and_rejected_by_receipt(
    worker: IngestWorker, link: MemoryLink, message: Build, deliver: Deliver, metrics: HubMetrics
) -> None:
    link.arriving.put(deliver(message("visit-ended", version="9.0"), mid=1))
    link.arriving.put(deliver(b"garbage", mid=2))
    link.wait_for(lambda: len(link.happened) == 3)
    receipt = next(item for item in link.happened if isinstance(item, Receipt))
    assert [rejection.code for rejection in receipt.rejected] == ["version-unsupported"]
    assert {("ack", 1), ("ack", 2)} < set(link.happened)


def test_while_the_database_is_locked_nothing_is_acknowledged_and_then_everything(
    link: MemoryLink,
    migrated: Path,
    tmp_path: Path,
    ingest_settings: IngestSettings,
    metrics: HubMetrics,
    message: Build,
    deliver: Deliver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hub.db.engine.BUSY_TIMEOUT_MS", 10)
    file = shutil.copy(migrated, tmp_path / "locked.sqlite3")
    database = open_database(f"sqlite:///{file}")
    worker = IngestWorker(link=link, database=database, settings=ingest_settings, bus=Bus(), metrics=metrics)
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        worker.start()
        link.arriving.put(deliver(message("visit-ended"), mid=1))
        fault = await_fault(worker)
        assert "locked" in fault
        assert link.happened == []
        other.execute("ROLLBACK")
        link.wait_for(lambda: len(link.happened) == 2)
    assert worker.fault() is None
    worker.stop()
    database.close()


def test_a_worker_stopped_while_the_database_is_away_leaves_its_batch_unacknowledged(
    link: MemoryLink, tmp_path: Path, ingest_settings: IngestSettings, metrics: HubMetrics, deliver: Deliver
) -> None:
    unmigrated = open_database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    worker = IngestWorker(link=link, database=unmigrated, settings=ingest_settings, bus=Bus(), metrics=metrics)
    link.arriving.put(deliver(b"garbage", mid=1))
    worker.start()
    await_fault(worker)
    worker.stop()
    unmigrated.close()
    assert link.happened == []
    assert worker.fault() == "the ingest thread is not running"


def test_a_fault_of_ours_costs_the_batch_its_receipts_but_holds_up_nobody(
    link: MemoryLink, database: Database, ingest_settings: IngestSettings, metrics: HubMetrics, deliver: Deliver
) -> None:
    def broken_clock() -> datetime:
        return datetime(2026, 11, 22)  # noqa: DTZ001 no time zone: the database layer refuses it

    worker = IngestWorker(
        link=link, database=database, settings=ingest_settings, bus=Bus(), metrics=metrics, clock=broken_clock
    )
    worker.start()
    link.arriving.put(deliver(b"garbage", mid=1))
    link.arriving.put(deliver(b"more garbage", mid=2))
    link.wait_for(lambda: len(link.happened) == 2)
    assert worker.fault() is None
    worker.stop()
    assert link.happened == [("ack", 1), ("ack", 2)]
    assert metrics.registry.get_sample_value("derma_hub_events_total", {"type": "unknown", "outcome": "failed"}) == 2


def test_what_happened_is_counted(
    worker: IngestWorker, link: MemoryLink, message: Build, deliver: Deliver, metrics: HubMetrics
) -> None:
    delivery = deliver(message("visit-ended"))
    link.arriving.put(delivery)
    link.wait_for(lambda: len(link.happened) == 2)
    link.arriving.put(delivery)
    link.arriving.put(deliver(b"garbage"))
    link.wait_for(lambda: len([item for item in link.happened if item == ("ack", 0)]) == 3)
    worker.stop()
    value = metrics.registry.get_sample_value
    assert value("derma_hub_events_total", {"type": "visit-ended", "outcome": "stored"}) == 1
    assert value("derma_hub_events_total", {"type": "visit-ended", "outcome": "duplicate"}) == 1
    assert value("derma_hub_quarantined_total", {"code": "message-malformed"}) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_messages_are_repeated_and_batched_each_is_stored_once(
    data: st.DataObject, migrated: Path, tmp_path: Path, message: Build, deliver: Deliver
) -> None:
    events = [
        deliver(
            message("visit-ended", sequence=number + 1, payload={"visit_id": str(uuid4()), "patient_id": str(uuid4())})
        )
        for number in range(8)
    ]
    order = data.draw(st.lists(st.sampled_from(range(8)), max_size=40))
    cuts = data.draw(st.lists(st.integers(0, 40), max_size=6))
    database = open_database(f"sqlite:///{shutil.copy(migrated, tmp_path / f'{uuid4()}.sqlite3')}")
    recorder = Recorder(database)
    stored, known = [], set()
    edges = [0, *sorted(cuts), len(order)]
    for start, end in pairwise(edges):
        batch = [events[index] for index in order[start:end]]
        recorded = recorder.record(batch, now=batch[0].received_at if batch else events[0].received_at)
        assert recorded.quarantined == []
        assert len(recorded.stored) + len(recorded.duplicates) == len(batch)
        stored += [fact.envelope.sequence for fact in recorded.stored]
        known |= {fact.envelope.sequence for fact in recorded.duplicates}
    with database.reading() as session:
        rows = sorted(session.scalars(select(InboxMessage.sequence)))
    database.close()
    assert rows == sorted(stored) == sorted({index + 1 for index in order})
    assert known <= set(stored)
