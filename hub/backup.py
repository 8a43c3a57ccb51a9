"""Backs the hub up while it runs, and tells the kiosks how far: they may then forget what is safe twice."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import exists, func, make_url, or_, select
from sqlalchemy.orm import Session

from hub.config import HubSettings
from hub.db.engine import open_database
from hub.db.tables import Analysis, Image, InboxMessage, Kiosk
from hub.errors import BackupFailed
from hub.ingest.gaps import find_gaps
from hub.ingest.link import MqttLink
from protocol import codec, topics
from protocol.commands import COMMAND_NAMES, AdvanceBackupWatermark
from protocol.envelope import CommandEnvelope

COMMAND_LIFE = timedelta(days=1)
_BROKER_S = 15.0


@dataclass(frozen=True)
class Watermark:
    """Everything of a kiosk up to this event, images included, is in the backup."""

    site: str
    kiosk: str
    through_sequence: int


@dataclass(frozen=True)
class Backup:
    """A finished backup."""

    database: Path
    images: int
    watermarks: list[Watermark]


def back_up(settings: HubSettings, folder: Path, *, now: datetime) -> Backup:
    """Copy the database, consistently, and all images that it names, durably.

    Raises:
        BackupFailed: not a SQLite database, a damaged copy, or a disk that is full.
    """
    url = make_url(settings.database)
    if url.get_backend_name() != "sqlite" or url.database is None:
        raise BackupFailed("only SQLite is backed up here; use the database server's own tools, such as pg_dump")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"hub-{now:%Y%m%dT%H%M%SZ}.sqlite3"
        unfinished = copy.with_suffix(".unfinished")
        _copy_database(Path(url.database), unfinished)
        database = open_database(f"sqlite:///{unfinished.absolute()}")
        try:
            with database.reading() as session:
                stored = list(session.scalars(select(Image.sha256)))
                lacking = set(_copy_images(settings.data_dir / "images", folder / "images", stored))
                watermarks = list(_watermarks(session, lacking))
        finally:
            database.close()
        # Only a whole backup, images included, gets its name.
        _sync(unfinished)
        unfinished.rename(copy)
        _sync(folder)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"the backup in {folder} was not finished: {error}") from None
    return Backup(copy, len(stored) - len(lacking), watermarks)


def tell_kiosks(settings: HubSettings, watermarks: list[Watermark], *, now: datetime) -> None:
    """Publish each kiosk's watermark.

    Raises:
        BackupFailed: the broker did not take them; the kiosks go on keeping everything.
    """
    link = MqttLink(settings, client_id=f"{settings.client_id[:24]}-backup", queue_length=1, listens=False)
    link.start()
    try:
        told = link.wait_connected(_BROKER_S) and all(_tell(link, watermark, now=now) for watermark in watermarks)
    finally:
        link.stop()
    if not told:
        raise BackupFailed("the files are complete, but the broker did not take the watermarks for the kiosks")


def _tell(link: MqttLink, watermark: Watermark, *, now: datetime) -> bool:
    name = COMMAND_NAMES[AdvanceBackupWatermark]
    command = CommandEnvelope[AdvanceBackupWatermark](
        message_id=uuid4(),
        type=name,
        site=watermark.site,
        kiosk=watermark.kiosk,
        issued_at=now,
        expires_at=now + COMMAND_LIFE,
        payload=AdvanceBackupWatermark(through_sequence=watermark.through_sequence),
    )
    topic = topics.build("command", site=watermark.site, kiosk=watermark.kiosk, type=name)
    return link.publish_and_wait(topic, codec.encode(command), timeout_s=_BROKER_S)


def _copy_database(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    if not source.is_file():
        raise BackupFailed(f"there is no database at {source}")
    with contextlib.closing(sqlite3.connect(source)) as live, contextlib.closing(sqlite3.connect(target)) as copy:
        live.backup(copy)
        if copy.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise BackupFailed("the copy of the database is damaged")


def _copy_images(source: Path, target: Path, stored: list[str]) -> Iterator[str]:
    """Copy what the target lacks; yields the images whose bytes are missing."""
    for sha256 in stored:
        original, copy = source / sha256[:2] / sha256, target / sha256[:2] / sha256
        if copy.is_file():
            continue
        if not original.is_file():
            yield sha256
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(original, copy)
        except OSError:  # another file system
            unfinished = copy.with_suffix(".unfinished")
            shutil.copyfile(original, unfinished)
            _sync(unfinished)
            unfinished.rename(copy)
        _sync(copy.parent)


def _watermarks(session: Session, lacking: set[str]) -> Iterator[Watermark]:
    for kiosk in session.scalars(select(Kiosk)):
        through = find_gaps(session, kiosk).complete_through
        first = session.scalar(
            select(func.min(InboxMessage.sequence))
            .join(Analysis, Analysis.message_id == InboxMessage.message_id)
            .where(
                InboxMessage.kiosk_id == kiosk.id,
                or_(
                    *(
                        column.is_not(None) & (column.in_(lacking) | ~exists().where(Image.sha256 == column))
                        for column in (Analysis.image_sha256, Analysis.heat_map_sha256)
                    )
                ),
            )
        )
        through = through if first is None else min(through, first - 1)
        if through > 0:
            yield Watermark(kiosk.site, kiosk.name, through)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
