import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge.bus import Bus
from edge.clock import SystemClock
from edge.store import StorageFailed, StorageTooNew, Store
from edge.uplink import outbox as outbox_module
from edge.uplink.image_spool import ImageSpool
from edge.uplink.outbox import Outbox
from protocol import codec
from protocol.events import CommandAnswered

MONTH = timedelta(days=30)
NO_QUOTA = 10**12
Save = Callable[..., UUID]


def test_saved_events_wait_in_order_until_the_receipt(outbox: Outbox, save: Save) -> None:
    ids = [save() for _ in range(3)]
    assert [message.message_id for message in outbox.pending(limit=10)] == ids
    outbox.mark_delivered([ids[1]])
    assert [message.message_id for message in outbox.pending(limit=10)] == [ids[0], ids[2]]


def test_what_waits_decodes_as_what_was_saved(outbox: Outbox, save: Save) -> None:
    message_id = save()
    event = codec.decode_event(outbox.pending(limit=1)[0].body)
    assert (event.message_id, event.sequence, event.boot_id) == (message_id, 1, outbox.boot_id)


def test_a_transaction_that_fails_saves_nothing(outbox: Outbox, store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as connection:
        outbox.put(CommandAnswered(command_id=uuid4(), outcome="done"), connection=connection)
        _ = 1 / 0
    assert outbox.pending(limit=1) == []
    assert outbox.backlog().last_sequence == 0


def test_saved_means_on_the_disk_for_another_process_too(outbox: Outbox, save: Save, tmp_path: Path) -> None:
    message_id = save()
    with sqlite3.connect(tmp_path / "kiosk.db") as other:
        assert other.execute("SELECT message_id FROM messages").fetchall() == [(str(message_id),)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()
    with outbox._store.transaction() as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2


def test_delivered_events_stay_until_the_backup_watermark_passes_them(
    outbox: Outbox, save: Save, spool: ImageSpool
) -> None:
    ids = [save(b"one"), save(b"two")]
    sha256 = outbox.pending_images(limit=1)[0].sha256
    outbox.mark_delivered(ids)
    for image in outbox.pending_images(limit=10):
        outbox.mark_image_delivered(image.sha256)
    assert outbox.prune(keep=MONTH, quota_bytes=NO_QUOTA) == 0
    outbox.advance_watermark(1)
    outbox.advance_watermark(0)
    assert outbox.prune(keep=MONTH, quota_bytes=NO_QUOTA) == 1
    assert not spool.path(sha256).exists()
    assert outbox.backlog().oldest_sequence == 2


def test_an_event_whose_picture_is_not_delivered_is_never_pruned(
    outbox: Outbox, save: Save, clock: Any, spool: ImageSpool
) -> None:
    outbox.mark_delivered([save(b"picture")])
    outbox.advance_watermark(1)
    clock.advance(10 * MONTH)
    assert outbox.prune(keep=MONTH, quota_bytes=0) == 0
    assert spool.path(outbox.pending_images(limit=1)[0].sha256).read_bytes() == b"picture"


def test_without_a_watermark_delivered_events_go_after_the_longest_keeping(
    outbox: Outbox, save: Save, clock: Any
) -> None:
    outbox.mark_delivered([save()])
    waiting = save()
    clock.advance(MONTH + timedelta(seconds=1))
    assert outbox.prune(keep=MONTH, quota_bytes=NO_QUOTA) == 1
    assert [message.message_id for message in outbox.pending(limit=10)] == [waiting]


def test_beyond_the_quota_the_oldest_delivered_pictures_go_first(outbox: Outbox, save: Save) -> None:
    ids = [save(bytes([n]) * 100) for n in range(4)]
    outbox.mark_delivered(ids[:3])
    for image in outbox.pending_images(limit=3):
        outbox.mark_image_delivered(image.sha256)
    assert outbox.prune(keep=MONTH, quota_bytes=250) == 2
    assert outbox.backlog().oldest_sequence == 3


def test_a_replay_brings_back_events_and_their_pictures(outbox: Outbox, save: Save) -> None:
    ids = [save(b"a"), save(b"b")]
    outbox.mark_delivered(ids)
    for image in outbox.pending_images(limit=10):
        outbox.mark_image_delivered(image.sha256)
    assert outbox.replay(from_sequence=2, to_sequence=2)
    assert [message.message_id for message in outbox.pending(limit=10)] == [ids[1]]
    assert len(outbox.pending_images(limit=10)) == 1
    assert not outbox.replay(from_sequence=2, to_sequence=3)


def test_a_rejected_event_is_kept_and_sent_again_only_by_a_replay(outbox: Outbox, save: Save) -> None:
    message_id = save()
    outbox.mark_rejected(message_id, "version-unsupported")
    assert outbox.pending(limit=1) == []
    assert outbox.backlog().rejected == 1
    outbox.advance_watermark(1)
    assert outbox.prune(keep=timedelta(0), quota_bytes=0) == 0
    outbox.replay(from_sequence=1, to_sequence=1)
    assert [message.message_id for message in outbox.pending(limit=1)] == [message_id]


def test_sequences_are_never_reused_even_when_all_is_pruned(outbox: Outbox, save: Save) -> None:
    outbox.mark_delivered([save(), save()])
    outbox.advance_watermark(2)
    outbox.prune(keep=MONTH, quota_bytes=NO_QUOTA)
    save()
    assert outbox.pending(limit=1)[0].sequence == 3


def test_bytes_that_a_crash_left_without_an_event_are_swept_at_start(
    outbox: Outbox, save: Save, store: Store, spool: ImageSpool, tmp_path: Path, clock: Any
) -> None:
    save(b"kept")
    orphan = spool.path(spool.put(b"orphan"))
    half = orphan.with_name("0" * 64 + ".part")
    half.write_bytes(b"half")
    foreign = tmp_path / "images" / "notes.txt"
    foreign.write_text("not ours")
    Outbox(store=store, spool=spool, clock=clock, bus=Bus(), site="village", kiosk="k1")
    assert not orphan.exists()
    assert not half.exists()
    assert foreign.exists()
    assert outbox.pending_images(limit=1)[0].path.read_bytes() == b"kept"


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path / "kiosk.db", (outbox_module.MIGRATIONS, ("CREATE TABLE later (x)",))).close()
    with pytest.raises(StorageTooNew):
        Store(tmp_path / "kiosk.db", (outbox_module.MIGRATIONS,))


def test_a_file_that_is_no_database_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(StorageFailed):
        Store(path, (outbox_module.MIGRATIONS,))
    assert path.read_bytes().startswith(b"not a database")


class OutboxAgainstModel(RuleBasedStateMachine):
    """Whatever happens in whatever order, an event without a receipt is still pending, in order."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile  # noqa: PLC0415 each machine makes its own folder

        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.store = Store(root / "kiosk.db", (outbox_module.MIGRATIONS,))
        self.outbox = Outbox(
            store=self.store, spool=ImageSpool(root / "i"), clock=SystemClock(), bus=Bus(), site="s", kiosk="k"
        )
        self.unreceipted: dict[UUID, int] = {}
        self.last = 0

    @rule()
    def save(self) -> None:
        self.last += 1
        self.unreceipted[self.outbox.save(CommandAnswered(command_id=uuid4(), outcome="done"))] = self.last

    @precondition(lambda self: self.unreceipted)
    @rule()
    def receipt_for_the_newest(self) -> None:
        message_id = list(self.unreceipted)[-1]
        self.outbox.mark_delivered([message_id, uuid4()])
        del self.unreceipted[message_id]

    @rule()
    def watermark_and_prune(self) -> None:
        self.outbox.advance_watermark(self.last)
        self.outbox.prune(keep=timedelta(0), quota_bytes=0)

    @invariant()
    def nothing_unreceipted_is_lost(self) -> None:
        pending = self.outbox.pending(limit=1000)
        assert {m.message_id: m.sequence for m in pending} == self.unreceipted
        assert [m.sequence for m in pending] == sorted(m.sequence for m in pending)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()


TestOutboxAgainstModel = OutboxAgainstModel.TestCase
TestOutboxAgainstModel.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
