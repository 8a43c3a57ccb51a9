"""Image store in a folder: `ab/<sha256>` for stored images, `partial/<site>/<kiosk>/<sha256>` for unfinished ones."""

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from hub.config import ImageSettings
from hub.errors import ImageHashMismatch, ImageTooLarge, NotAnImage, NotFound, StorageFull, UploadOffsetMismatch
from hub.records.image_format import inspect
from hub.records.images import StoredImage, Upload, UploadKey

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class FolderImageStore:
    """Content-addressed files; a file under its final name is whole, verified and on disk."""

    def __init__(self, root: Path, settings: ImageSettings) -> None:
        self._root = root
        self._settings = settings
        (root / "partial").mkdir(parents=True, exist_ok=True)

    def find(self, sha256: str) -> StoredImage | None:
        """The stored image, read from its file."""
        try:
            with self.path(sha256).open("rb") as file:
                size_bytes = os.fstat(file.fileno()).st_size
                return StoredImage(sha256, size_bytes, inspect(file, max_pixels=self._settings.max_pixels))
        except FileNotFoundError:
            return None

    def has(self, sha256: str) -> bool:
        """Whether the image is stored."""
        return self.path(sha256).is_file()

    def file(self, sha256: str) -> Path:
        """The file of a stored image."""
        if not self.has(sha256):
            raise NotFound("no image is stored under this hash")
        return self.path(sha256)

    def received_bytes(self, key: UploadKey) -> int | None:
        """Bytes of an unfinished upload."""
        try:
            return self._partial(key).stat().st_size
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def begin(self, key: UploadKey) -> Iterator[Upload]:
        """Begin or continue an upload, locked against other requests and processes."""
        path = self._partial(key)
        with _as_storage_full():
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab+", buffering=0)
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                size = os.fstat(file.fileno()).st_size
                raise UploadOffsetMismatch(
                    "another request is uploading this image", headers={"Upload-Offset": str(size)}
                ) from None
            yield _FolderUpload(file, part=path, final=self.path(key.sha256), max_pixels=self._settings.max_pixels)

    def check_room(self, size_bytes: int) -> None:
        """Make sure that so many bytes fit beside the reserve."""
        if shutil.disk_usage(self._root).free < size_bytes + self._settings.reserve_bytes:
            raise StorageFull("the disk's free space is down to the reserve")

    def discard_unfinished(self, *, older_than_s: float) -> None:
        """Remove uploads that nobody has continued for so long."""
        oldest = time.time() - older_than_s
        for part in (self._root / "partial").glob("*/*/*"):
            if part.stat().st_mtime < oldest:
                part.unlink(missing_ok=True)

    def path(self, sha256: str) -> Path:
        """File of a stored image."""
        return self._root / sha256[:2] / sha256

    def _partial(self, key: UploadKey) -> Path:
        return self._root / "partial" / key.site / key.kiosk / key.sha256


class _FolderUpload:
    def __init__(self, file: io.FileIO, *, part: Path, final: Path, max_pixels: int) -> None:
        self._file = file
        self._part = part
        self._final = final
        self._max_pixels = max_pixels

    @property
    def size_bytes(self) -> int:
        return os.fstat(self._file.fileno()).st_size

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        with _as_storage_full():
            while view:
                view = view[self._file.write(view) :]

    def truncate(self, size_bytes: int) -> None:
        self._file.truncate(size_bytes)

    def finish(self) -> StoredImage:
        expected = self._final.name
        self._file.seek(0)
        if hashlib.file_digest(self._file, "sha256").hexdigest() != expected:
            self._part.unlink()
            raise ImageHashMismatch("the bytes received have another SHA-256 than the address")
        try:
            image = StoredImage(expected, self.size_bytes, inspect(self._file, max_pixels=self._max_pixels))
        except (NotAnImage, ImageTooLarge):
            self._part.unlink()
            raise
        with _as_storage_full():
            os.fsync(self._file.fileno())
            self._final.parent.mkdir(exist_ok=True)
            self._part.rename(self._final)
            fsync_folder(self._final.parent)
            fsync_folder(self._final.parent.parent)
        return image


def fsync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _as_storage_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFull("the disk is full") from error
        raise
