"""The sender against a link of our own at the port; real brokers answer in tests/system and tests/broker."""

import queue
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from edge.bus import Bus, EventsPublished, ReceiptArrived
from edge.uplink.link import Arrived, Connected, Woken
from edge.uplink.outbox import Outbox
from edge.uplink.presence import Presence
from edge.uplink.sender import Sender, SendingRules
from protocol import codec
from protocol.commands import AdvanceBackupWatermark, ReplayEvents
from protocol.envelope import CommandEnvelope, Heartbeat, KioskState, Receipt, Rejection

Save = Callable[..., UUID]
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)


class RecordingLink:
    """Takes what is published and lets the test speak for the hub."""

    def __init__(self) -> None:
        self.inbox: queue.Queue[Any] = queue.Queue()
        self.connected = True
        self.published: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.farewell = b""

    def start(self) -> None:
        self.inbox.put(Connected())

    def stop(self, *, farewell: bytes) -> None:
        self.farewell = farewell

    def wake(self) -> None:
        self.inbox.put(Woken())

    def publish(self, name: str, payload: bytes, *, type: str | None = None) -> bool:  # noqa: A002 the port's own
        self.published.put((name, payload))
        return True

    def next(self, name: str) -> bytes:
        while True:
            published, payload = self.published.get(timeout=20)
            if published == name:
                return payload


@pytest.fixture
def link() -> RecordingLink:
    return RecordingLink()


@pytest.fixture
def sender(outbox: Outbox, link: RecordingLink, clock: Any, bus: Bus, tmp_path: Path) -> Iterator[Sender]:
    presence = Presence(
        outbox=outbox, clock=clock, data_dir=tmp_path, site="village", kiosk="k1", model_sha256=None, simulated=True
    )
    rules = SendingRules(receipt_timeout_s=10, heartbeat_s=15, keep=timedelta(days=30), quota_bytes=10**9)
    sender = Sender(outbox=outbox, link=link, presence=presence, clock=clock, bus=bus, rules=rules)  # type: ignore[arg-type]  # a link by its shape
    sender.start()
    yield sender
    sender.stop()


def receipt(*stored: UUID, rejected: tuple[Rejection, ...] = ()) -> Arrived:
    message = Receipt(site="village", kiosk="k1", issued_at=NOW, stored=stored, rejected=rejected)
    return Arrived("receipt", codec.encode(message))


def command(name: str, payload: Any, *, expires_at: datetime = NOW + timedelta(days=1)) -> Arrived:
    envelope = CommandEnvelope(
        message_id=uuid4(), type=name, site="village", kiosk="k1", issued_at=NOW, expires_at=expires_at, payload=payload
    )
    return Arrived("command", codec.encode(envelope))


def settled(link: RecordingLink, bus: Bus) -> None:
    """Wait until the sender has heard everything so far."""
    heard: queue.Queue[ReceiptArrived] = queue.Queue()
    bus.subscribe(ReceiptArrived, heard.put)
    link.inbox.put(receipt())
    heard.get(timeout=20)


@pytest.mark.usefixtures("sender")
def test_a_birth_comes_first_then_what_is_saved(link: RecordingLink, save: Save) -> None:
    birth = codec.decode(link.next("state"), KioskState)
    assert (birth.online, birth.reason) == (True, "birth")
    message_id = save()
    link.wake()
    assert codec.decode_event(link.next("event")).message_id == message_id


@pytest.mark.usefixtures("sender")
def test_what_the_broker_took_is_sent_again_until_the_receipt_comes(
    link: RecordingLink, save: Save, clock: Any, bus: Bus, outbox: Outbox
) -> None:
    message_id = save()
    link.wake()
    link.next("event")
    clock.advance(timedelta(seconds=25))
    link.wake()
    assert codec.decode_event(link.next("event")).message_id == message_id
    link.inbox.put(receipt(message_id))
    settled(link, bus)
    assert outbox.pending(limit=1) == []


@pytest.mark.usefixtures("sender")
def test_after_a_reconnect_everything_unreceipted_goes_again_at_once(link: RecordingLink, save: Save) -> None:
    save()
    link.wake()
    first = link.next("event")
    link.inbox.put(Connected())
    assert link.next("event") == first


@pytest.mark.usefixtures("sender")
def test_a_rejected_event_is_not_sent_again(link: RecordingLink, save: Save, bus: Bus, outbox: Outbox) -> None:
    message_id = save()
    link.wake()
    link.next("event")
    link.inbox.put(receipt(rejected=(Rejection(message_id=message_id, code="message-malformed"),)))
    settled(link, bus)
    assert outbox.pending(limit=1) == []
    assert outbox.backlog().rejected == 1


@pytest.mark.usefixtures("sender")
def test_a_replay_is_obeyed_and_answered(link: RecordingLink, save: Save, bus: Bus) -> None:
    message_id = save()
    link.wake()
    first = link.next("event")
    link.inbox.put(receipt(message_id))
    settled(link, bus)
    link.inbox.put(command("replay-events", ReplayEvents(from_sequence=1, to_sequence=2)))
    again, answer = link.next("event"), codec.decode_event(link.next("event"))
    assert again == first
    assert (answer.payload.outcome, answer.payload.detail) == ("done", "partly-pruned")


@pytest.mark.usefixtures("sender")
def test_an_expired_command_is_answered_and_not_obeyed(link: RecordingLink, save: Save, outbox: Outbox) -> None:
    save()
    link.inbox.put(
        command("advance-backup-watermark", AdvanceBackupWatermark(through_sequence=9), expires_at=NOW - timedelta(1))
    )
    link.next("event")
    assert codec.decode_event(link.next("event")).payload.outcome == "expired"
    with outbox._store.transaction() as connection:
        assert connection.execute("SELECT through_sequence FROM watermark").fetchone()[0] == 0


@pytest.mark.usefixtures("sender")
def test_nonsense_from_the_broker_is_ignored(link: RecordingLink, save: Save, bus: Bus) -> None:
    for name in ("receipt", "command"):
        link.inbox.put(Arrived(name, b"\x00nonsense"))
    settled(link, bus)
    message_id = save()
    link.wake()
    assert codec.decode_event(link.next("event")).message_id == message_id


@pytest.mark.usefixtures("sender")
def test_the_heart_beats_at_its_interval_with_the_backlog(link: RecordingLink, save: Save, clock: Any) -> None:
    first = codec.decode(link.next("heartbeat"), Heartbeat)
    save()
    clock.advance(timedelta(seconds=16))
    link.wake()
    second = codec.decode(link.next("heartbeat"), Heartbeat)
    assert (first.beat, second.beat) == (1, 2)
    assert second.pending_events == 1


def test_a_stopped_kiosk_says_goodbye(link: RecordingLink, sender: Sender) -> None:
    link.next("state")
    sender.stop()
    assert codec.decode(link.farewell, KioskState).reason == "shutdown"


@pytest.mark.usefixtures("sender")
def test_the_window_bounds_what_is_under_way(link: RecordingLink, save: Save, bus: Bus) -> None:
    published: list[int] = []
    bus.subscribe(EventsPublished, lambda event: published.append(event.count))
    for _ in range(130):
        save()
    link.wake()
    settled(link, bus)
    settled(link, bus)
    assert sum(published) == 100
