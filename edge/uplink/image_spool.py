"""Image bytes on the kiosk's disk, in a folder keyed by SHA-256, durable before anything refers to them."""

import errno
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from edge.store import StorageFailed, StorageFull


class ImageSpool:
    """Write-once files `ab/abcd…`; the outbox knows which of them are still needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def put(self, data: bytes) -> str:
        """Store bytes, fsynced file and folder, and return their SHA-256 in hex.

        Raises:
            StorageFull, StorageFailed: nothing is stored.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if path.exists():
            return sha256
        part = path.with_suffix(".part")
        try:
            path.parent.mkdir(exist_ok=True, mode=0o700)
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
            for folder in (path.parent, self._folder):
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull("the kiosk's disk has no room for the picture") from error
            raise StorageFailed(f"the picture cannot be written: {error.strerror}") from error
        return sha256

    def path(self, sha256: str) -> Path:
        """Where these bytes are, or would be."""
        return self._folder / sha256[:2] / sha256

    def remove(self, sha256s: Iterable[str]) -> None:
        """Delete bytes that nothing refers to any more."""
        for sha256 in sha256s:
            self.path(sha256).unlink(missing_ok=True)

    def sweep(self, *, known: set[str]) -> int:
        """Delete what a crash left between file and transaction: only names this spool itself makes."""
        removed = 0
        for path in self._folder.glob("[0-9a-f][0-9a-f]/*"):
            name = path.name.removesuffix(".part")
            if len(name) == hashlib.sha256().digest_size * 2 and path.name not in known:
                path.unlink()
                removed += 1
        return removed
