"""A disk that is really full: a small tmpfs in a mount namespace of the test's own, as any user."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]


def on_a_disk_of(megabytes: int, program: str, tmp_path: Path) -> str:
    """Run a Python program whose folder `disk` is a file system of this size; its output when it succeeds."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(program))
    disk = tmp_path / "disk"
    disk.mkdir()
    command = (
        f'mount -t tmpfs -o size={megabytes}m tmpfs "{disk}" && exec "{sys.executable}" -W error "{script}" "{disk}"'
    )
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


KIOSK = """
    import os, sys
    from pathlib import Path
    from uuid import uuid4
    from edge.bus import Bus
    from edge.clock import SystemClock
    from edge.store import StorageFull, Store
    from edge.uplink import outbox as outbox_module
    from edge.uplink.image_spool import ImageSpool
    from edge.uplink.outbox import Outbox
    from protocol.events import CommandAnswered, ImageReference

    disk = Path(sys.argv[1])

    def open_kiosk():
        store = Store(disk / "kiosk.db", (outbox_module.MIGRATIONS,))
        spool = ImageSpool(disk / "images")
        return store, spool, Outbox(store=store, spool=spool, clock=SystemClock(), bus=Bus(), site="s", kiosk="k")

    def save(store, spool, outbox):
        data = os.urandom(40_000)
        reference = ImageReference(
            sha256=spool.put(data), size_bytes=len(data), media_type="image/jpeg", width_px=9, height_px=9
        )
        with store.transaction() as connection:
            return outbox.put(
                CommandAnswered(command_id=uuid4(), outcome="done"), connection=connection, images=[reference]
            )
"""

FILL_THEN_FREE = (
    KIOSK
    + """
    store, spool, outbox = open_kiosk()
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(1_000_000))
    saved = []
    try:
        while True:
            saved.append(save(store, spool, outbox))
    except StorageFull as error:
        assert error.remedy
    assert len(saved) > 5
    assert [message.message_id for message in outbox.pending(limit=1000)] == saved
    outbox.mark_delivered(saved[:1])  # a receipt that comes while the disk is full must not break anything for good

    ballast.unlink()
    saved.append(save(store, spool, outbox))
    store.close()
    store, spool, outbox = open_kiosk()
    with store.transaction() as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert [message.message_id for message in outbox.pending(limit=1000)] == saved[1:]
    for image in outbox.pending_images(limit=1000):
        assert image.path.stat().st_size == image.size_bytes
    store.close()
    print("saved", len(saved))
"""
)


def test_a_full_kiosk_disk_loses_nothing_and_says_what_to_do(tmp_path: Path) -> None:
    assert "saved" in on_a_disk_of(3, FILL_THEN_FREE, tmp_path)


DATABASE_ONLY = (
    KIOSK
    + """
    store, spool, outbox = open_kiosk()
    saved, full = [], 0
    while full < 3:
        try:
            saved.append(outbox.save(CommandAnswered(command_id=uuid4(), outcome="done")))
        except StorageFull:
            full += 1
    assert [message.message_id for message in outbox.pending(limit=100_000)] == saved
    store.close()
    print("saved", len(saved))
"""
)


def test_a_database_that_cannot_grow_refuses_and_keeps_what_it_has(tmp_path: Path) -> None:
    assert "saved" in on_a_disk_of(1, DATABASE_ONLY, tmp_path)


HUB = """
    import hashlib, os, sys, uuid
    from datetime import UTC, datetime
    from io import BytesIO
    from pathlib import Path
    from PIL import Image
    from sqlalchemy import func, select
    from sqlalchemy.exc import DBAPIError
    from hub.config import ImageSettings
    from hub.db.engine import open_database
    from hub.db.tables import InboxMessage
    from hub.db.upgrade import upgrade
    from hub.errors import StorageFull
    from hub.ingest.messages import Delivery
    from hub.ingest.recorder import Recorder
    from hub.records.folder_image_store import FolderImageStore
    from hub.records.images import UploadKey
    from protocol import codec, topics
    from protocol.events import CommandAnswered

    disk = Path(sys.argv[1])
    database = open_database(f"sqlite:///{disk / 'hub.sqlite3'}")
    upgrade(database.engine)
    recorder = Recorder(database)
    now = datetime.now(UTC)

    def batch(first):
        deliveries = []
        for sequence in range(first, first + 200):
            event = codec.EVENT_ENVELOPES["command-answered"](
                message_id=uuid.uuid4(), type="command-answered", site="s", kiosk="k", boot_id=uuid.uuid4(),
                sequence=sequence, occurred_at=now, monotonic_ms=1,
                payload=CommandAnswered(command_id=uuid.uuid4(), outcome="done"),
            )
            topic = topics.build("event", site="s", kiosk="k", type="command-answered")
            deliveries.append(Delivery(topic=topic, body=codec.encode(event), received_at=now))
        return deliveries

    def rows():
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(InboxMessage))

    ballast = disk / "ballast"
    ballast.write_bytes(bytes(1_500_000))
    stored, refused = 0, None
    while refused is None:
        waiting = batch(stored + 1)
        try:
            recorder.record(waiting, now=now)
            stored += len(waiting)
        except DBAPIError:
            refused = waiting
    assert stored
    assert rows() == stored

    picture = BytesIO()
    Image.effect_noise((900, 900), 80).save(picture, "PNG")
    data = picture.getvalue()
    name = hashlib.sha256(data).hexdigest()
    store = FolderImageStore(disk / "images", ImageSettings(reserve_bytes=0))
    key = UploadKey("s", "k", name)
    try:
        with store.begin(key) as upload:
            upload.write(data)
        raise SystemExit("the upload found room on a full disk")
    except StorageFull as error:
        assert error.remedy
    assert not store.has(name)

    ballast.unlink()
    recorder.record(refused, now=now)
    assert rows() == stored + len(refused)
    with store.begin(key) as upload:
        upload.write(data[upload.size_bytes :])
        upload.finish()
    assert store.has(name)
    database.close()
    print("stored", stored)
"""


def test_a_full_hub_disk_takes_nothing_half_and_everything_later(tmp_path: Path) -> None:
    assert "stored" in on_a_disk_of(4, HUB, tmp_path)


def test_this_machine_can_make_the_small_disk(tmp_path: Path) -> None:
    assert on_a_disk_of(1, "import shutil, sys; print(shutil.disk_usage(sys.argv[1]).total)", tmp_path).strip() == str(
        2**20
    )
