import hashlib
import io
import os
import resource
import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from hub.config import ImageSettings
from hub.errors import ImageHashMismatch, ImageTooLarge, NotAnImage, NotFound, StorageFull, UploadOffsetMismatch
from hub.records.folder_image_store import FolderImageStore
from hub.records.images import StoredImage, UploadKey


@pytest.fixture
def store(tmp_path: Path) -> FolderImageStore:
    return FolderImageStore(tmp_path / "images", ImageSettings(reserve_bytes=0))


def encoded(kind: str, *, width_px: int = 40, height_px: int = 30) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width_px, height_px), "salmon").save(buffer, kind)
    return buffer.getvalue()


def png_header(width_px: int, height_px: int) -> bytes:
    """A PNG that announces its size and holds nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in (header, data, b"IEND")
    )


def upload(store: FolderImageStore, data: bytes, *, name: bytes | None = None) -> StoredImage:
    key = UploadKey("village", "k1", hashlib.sha256(data if name is None else name).hexdigest())
    with store.begin(key) as part:
        part.write(data)
        return part.finish()


@pytest.mark.parametrize(("kind", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_an_image_is_kept_under_its_hash(store: FolderImageStore, kind: str, media_type: str) -> None:
    data = encoded(kind)
    stored = upload(store, data)
    assert (stored.size_bytes, stored.format.media_type) == (len(data), media_type)
    assert (stored.format.width_px, stored.format.height_px) == (40, 30)
    assert store.has(stored.sha256)
    assert store.find(stored.sha256) == stored
    assert store.file(stored.sha256).read_bytes() == data


def test_an_upload_goes_on_where_it_stopped(store: FolderImageStore, tmp_path: Path) -> None:
    data = encoded("PNG")
    key = UploadKey("village", "k1", hashlib.sha256(data).hexdigest())
    assert store.received_bytes(key) is None
    with store.begin(key) as part:
        part.write(data[:50])
    restarted = FolderImageStore(tmp_path / "images", ImageSettings(reserve_bytes=0))
    assert restarted.received_bytes(key) == 50
    with restarted.begin(key) as part:
        part.write(data[50:])
        part.finish()
    assert restarted.has(key.sha256)
    assert restarted.received_bytes(key) is None


def test_kiosks_do_not_continue_each_others_uploads(store: FolderImageStore) -> None:
    data = encoded("PNG")
    sha256 = hashlib.sha256(data).hexdigest()
    with store.begin(UploadKey("village", "k1", sha256)) as part:
        part.write(b"not the image")
    with store.begin(UploadKey("village", "k2", sha256)) as part:
        part.write(data)
        assert part.finish().sha256 == sha256


def test_one_upload_is_held_by_one_request(store: FolderImageStore) -> None:
    key = UploadKey("village", "k1", "0" * 64)
    with store.begin(key) as part:
        part.write(b"1234")
        with pytest.raises(UploadOffsetMismatch) as caught, store.begin(key):
            pass
    assert caught.value.headers == {"Upload-Offset": "4"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (encoded("GIF"), NotAnImage),
        (b"", NotAnImage),
        (b"\xff\xd8\xff", NotAnImage),
        (b"\x89PNG\r\n\x1a\n", NotAnImage),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 100, NotAnImage),
        (b"<svg onload='alert(1)'/>", NotAnImage),
        (png_header(10_000, 10_000), ImageTooLarge),
        (png_header(2**31 - 1, 2**31 - 1), ImageTooLarge),
    ],
)
def test_what_is_no_acceptable_image_is_discarded(store: FolderImageStore, data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        upload(store, data)
    sha256 = hashlib.sha256(data).hexdigest()
    assert not store.has(sha256)
    assert store.received_bytes(UploadKey("village", "k1", sha256)) is None


def test_a_one_pixel_image_and_one_at_the_limit_are_accepted(store: FolderImageStore) -> None:
    assert upload(store, encoded("JPEG", width_px=1, height_px=1)).format.width_px == 1
    assert upload(store, png_header(10_000, 6_000)).format.height_px == 6_000


def test_bytes_that_are_not_what_was_announced_are_discarded(store: FolderImageStore) -> None:
    with pytest.raises(ImageHashMismatch):
        upload(store, encoded("PNG"), name=b"something else")
    assert store.received_bytes(UploadKey("village", "k1", hashlib.sha256(b"something else").hexdigest())) is None


def test_a_full_disk_keeps_what_arrived(tmp_path: Path) -> None:
    store = FolderImageStore(tmp_path / "images", ImageSettings(reserve_bytes=0))
    key = UploadKey("village", "k1", "0" * 64)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        with store.begin(key) as part, pytest.raises(StorageFull):
            part.write(b"x" * 2_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert store.received_bytes(key) == 1_000_000


def test_uploads_stop_before_the_database_has_no_room(tmp_path: Path) -> None:
    store = FolderImageStore(tmp_path / "images", ImageSettings(reserve_bytes=2**60))
    with pytest.raises(StorageFull):
        store.check_room(1)


def test_uploads_that_nobody_continues_are_removed(store: FolderImageStore, tmp_path: Path) -> None:
    old, new = (UploadKey("village", "k1", digit * 64) for digit in "01")
    for key in (old, new):
        with store.begin(key) as part:
            part.write(b"1234")
    stale = tmp_path / "images" / "partial" / "village" / "k1" / old.sha256
    os.utime(stale, (time.time() - 100, time.time() - 100))
    store.discard_unfinished(older_than_s=50)
    assert store.received_bytes(old) is None
    assert store.received_bytes(new) == 4


def test_an_absent_image_is_not_found(store: FolderImageStore) -> None:
    assert store.find("0" * 64) is None
    with pytest.raises(NotFound):
        store.file("0" * 64)
