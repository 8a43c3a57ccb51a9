"""The image store: bytes named by their SHA-256, uploaded in parts, and kept once verified."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.orm import Session

from hub.db.tables import Image
from hub.db.upsert import insert_missing
from hub.records.image_format import ImageFormat


@dataclass(frozen=True)
class UploadKey:
    """One kiosk's upload of one image; kiosks never continue each other's."""

    site: str
    kiosk: str
    sha256: str


class Upload(Protocol):
    """An upload in progress, held by one request at a time."""

    @property
    def size_bytes(self) -> int:
        """Bytes received so far."""
        ...

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            StorageFull: nothing more fits; what was written before is kept.
        """
        ...

    def finish(self) -> "StoredImage":
        """Verify and keep the image, durably.

        Raises:
            ImageHashMismatch, NotAnImage, ImageTooLarge: the bytes were discarded.
        """
        ...

    def truncate(self, size_bytes: int) -> None:
        """Drop what came after the first `size_bytes`."""
        ...


@dataclass(frozen=True)
class StoredImage:
    """An image that is whole and verified."""

    sha256: str
    size_bytes: int
    format: ImageFormat


class ImageStore(Protocol):
    """Where image bytes live."""

    def find(self, sha256: str) -> StoredImage | None:
        """The stored image, read from its file; None if there is none."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether the image is stored."""
        ...

    def file(self, sha256: str) -> Path:
        """The file of a stored image, for reading.

        Raises:
            NotFound: no such image.
        """
        ...

    def received_bytes(self, key: UploadKey) -> int | None:
        """Bytes of an unfinished upload; None if it has not begun."""
        ...

    def begin(self, key: UploadKey) -> AbstractContextManager[Upload]:
        """Begin or continue an upload; leaving the context keeps the bytes.

        Raises:
            UploadOffsetMismatch: another request holds this upload.
        """
        ...

    def check_room(self, size_bytes: int) -> None:
        """Make sure that so many bytes fit beside the reserve.

        Raises:
            StorageFull: they do not.
        """
        ...


def record_image(session: Session, image: StoredImage, *, now: datetime) -> None:
    """Note in the database that the image is stored; doing it again changes nothing."""
    session.execute(
        insert_missing(session, Image),
        [
            {
                "sha256": image.sha256,
                "size_bytes": image.size_bytes,
                "media_type": image.format.media_type,
                "width_px": image.format.width_px,
                "height_px": image.format.height_px,
                "stored_at": now,
            }
        ],
    )
