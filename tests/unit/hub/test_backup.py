import hashlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from hub.backup import Watermark, back_up
from hub.config import HubSettings
from hub.db.engine import Database, open_database
from hub.db.tables import Analysis
from hub.errors import BackupFailed
from hub.ingest.messages import Delivery
from hub.ingest.recorder import Recorder
from hub.records.image_format import ImageFormat
from hub.records.images import StoredImage, record_image


class RunningHub:
    """A hub's data: what its database and image folder hold."""

    def __init__(
        self, folder: Path, *, message: Callable[..., dict[str, Any]], deliver: Callable[..., Delivery], now: datetime
    ) -> None:
        self.settings = HubSettings(data_dir=folder)
        self.database = open_database(self.settings.database)
        self._message = message
        self._deliver = deliver
        self._now = now
        self._sequence = 0

    def receive_analysis(self, image: bytes, heat_map: bytes | None) -> None:
        self._sequence += 1
        references = {
            name: {
                "sha256": _sha256(data),
                "size_bytes": 9,
                "media_type": "image/jpeg",
                "width_px": 3,
                "height_px": 3,
            }
            for name, data in (("image", image), ("heat_map", heat_map))
            if data is not None
        }
        absent = ("heat_map", "model", "malignant", "out_of_distribution")
        without = {} if heat_map is not None else dict.fromkeys(absent) | {"probabilities": {}}
        ids = {name: str(uuid4()) for name in ("analysis_id", "visit_id", "patient_id")}
        lesion = {"lesion_id": str(uuid4()), "body_site": "arm"}
        body = self._message(
            "analysis-completed", sequence=self._sequence, payload=references | ids | without | {"lesion": lesion}
        )
        recorded = Recorder(self.database).record([self._deliver(body)], now=self._now)
        assert len(recorded.stored) == 1

    def receive_image(self, data: bytes) -> Path:
        path = self.settings.data_dir / "images" / _sha256(data)[:2] / _sha256(data)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        stored = StoredImage(_sha256(data), len(data), ImageFormat("image/jpeg", 3, 3))
        with self.database.writing.begin() as session:
            record_image(session, stored, now=self._now)
        return path


@pytest.fixture
def hub(
    database: Database,
    tmp_path: Path,
    message: Callable[..., dict[str, Any]],
    deliver: Callable[..., Delivery],
    now: datetime,
) -> RunningHub:
    # The fixture's database file lies where these settings expect it.
    database.close()
    return RunningHub(tmp_path, message=message, deliver=deliver, now=now)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_backup_holds_all_records_and_images_and_says_how_far_kiosks_may_forget(
    hub: RunningHub, tmp_path: Path, now: datetime
) -> None:
    for number in range(3):
        image, heat_map = b"image%d" % number, b"heat map%d" % number
        hub.receive_analysis(image, heat_map)
        hub.receive_image(image)
        hub.receive_image(heat_map)
    backup = back_up(hub.settings, tmp_path / "safe", now=now)
    assert backup.images == 6
    assert backup.watermarks == [Watermark("village", "k1", 3)]
    assert (tmp_path / "safe/images" / _sha256(b"image0")[:2] / _sha256(b"image0")).read_bytes() == b"image0"
    copy = open_database(f"sqlite:///{backup.database}")
    with copy.reading() as session:
        assert session.scalar(select(func.count()).select_from(Analysis)) == 3
    copy.close()
    assert list((tmp_path / "safe").glob("*.unfinished*")) == []


def test_the_watermark_stays_before_an_analysis_whose_images_are_not_all_here(
    hub: RunningHub, tmp_path: Path, now: datetime
) -> None:
    for number in range(3):
        hub.receive_analysis(b"image%d" % number, b"heat map")
        if number != 1:
            hub.receive_image(b"image%d" % number)
    hub.receive_image(b"heat map")
    assert back_up(hub.settings, tmp_path / "safe", now=now).watermarks == [Watermark("village", "k1", 1)]


def test_an_analysis_without_a_heat_map_waits_for_its_picture_alone(
    hub: RunningHub, tmp_path: Path, now: datetime
) -> None:
    hub.receive_analysis(b"image", None)
    assert back_up(hub.settings, tmp_path / "safe", now=now).watermarks == []
    hub.receive_image(b"image")
    assert back_up(hub.settings, tmp_path / "safe", now=now).watermarks == [Watermark("village", "k1", 1)]


def test_the_watermark_stays_before_an_image_that_the_disk_has_lost(
    hub: RunningHub, tmp_path: Path, now: datetime
) -> None:
    for data in (b"one", b"two"):
        hub.receive_analysis(data, data)
        path = hub.receive_image(data)
    path.unlink()
    backup = back_up(hub.settings, tmp_path / "safe", now=now)
    assert (backup.images, backup.watermarks) == (1, [Watermark("village", "k1", 1)])


def test_a_kiosk_of_which_nothing_is_complete_is_told_nothing(hub: RunningHub, tmp_path: Path, now: datetime) -> None:
    hub.receive_analysis(b"one", b"two")
    assert back_up(hub.settings, tmp_path / "safe", now=now).watermarks == []


def test_a_second_backup_adds_to_the_first(hub: RunningHub, tmp_path: Path, now: datetime) -> None:
    hub.receive_image(b"one")
    first = back_up(hub.settings, tmp_path / "safe", now=now)
    hub.receive_image(b"two")
    second = back_up(hub.settings, tmp_path / "safe", now=now.replace(hour=13))
    assert (first.images, second.images) == (1, 2)
    assert first.database != second.database
    assert first.database.is_file()


def test_a_database_server_has_its_own_tools(tmp_path: Path, now: datetime) -> None:
    settings = HubSettings(data_dir=tmp_path, database_url="postgresql+psycopg://hub@db/hub")
    with pytest.raises(BackupFailed, match="pg_dump"):
        back_up(settings, tmp_path / "safe", now=now)


def test_a_backup_of_nothing_is_an_error(tmp_path: Path, now: datetime) -> None:
    with pytest.raises(BackupFailed, match="no database"):
        back_up(HubSettings(data_dir=tmp_path), tmp_path / "safe", now=now)


def test_a_folder_that_cannot_be_written_is_named(hub: RunningHub, tmp_path: Path, now: datetime) -> None:
    (tmp_path / "safe").write_text("a file")
    with pytest.raises(BackupFailed, match="safe"):
        back_up(hub.settings, tmp_path / "safe", now=now)
