"""A folder of pictures in place of a camera: each capture serves the next file, untouched."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

from PIL import Image

from edge.capture.camera import (
    PREVIEW_WIDTH_PX,
    CameraClosed,
    CameraEmpty,
    CameraFrameInvalid,
    CameraSettings,
    CameraUnavailable,
    CameraUriInvalid,
    Frame,
)
from edge.capture.camera_uri import CameraUri
from edge.capture.encoded_image import MAX_BYTES, ImageHeader, inspect

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})
_PREVIEW_QUALITY: Final = 80


class FolderCamera:
    """`folder:///pictures?simulated=1`: the JPEG and PNG files below a folder, in order of their paths, then again.

    Files that a link leads to outside the folder are left out.
    """

    name = "folder"

    def __init__(self, folder: Path, *, simulated: bool = False) -> None:
        self.simulated = simulated
        self._closed = False
        self._next = 0
        try:
            self._folder = folder.resolve(strict=True)
            next(self._folder.iterdir(), None)
            candidates = sorted(self._folder.rglob("*"))
        except OSError as error:
            raise CameraUnavailable(f"the picture folder {folder} cannot be read: {error.strerror}") from error
        self._paths = [path for path in candidates if path.suffix.lower() in _SUFFIXES and self._is_inside(path)]
        if not self._paths:
            raise CameraEmpty(f"the picture folder {folder} holds no .jpg, .jpeg or .png file")

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Open the folder of an address.

        Raises:
            CameraUriInvalid, CameraUnavailable, CameraEmpty
        """
        address = CameraUri.parse(uri)
        address.require_known({"simulated"})
        folder = Path(address.target)
        if not folder.is_absolute():
            raise CameraUriInvalid(f"{uri!r} needs an absolute path, such as folder:///pictures")
        return cls(folder, simulated=address.flag("simulated"))

    def capture(self) -> Frame:
        """Serve the next file; a bad one is passed over, so that the capture after it goes on.

        Raises:
            CameraClosed
            CameraFrameInvalid: the file is gone, too large, or no complete picture.
        """
        path = self._next_path()
        self._next = (self._next + 1) % len(self._paths)
        data, header = self._read(path)
        return Frame(
            data=data,
            media_type=header.media_type,
            width_px=header.width_px,
            height_px=header.height_px,
            captured_at=datetime.now(UTC),
            camera=self.name,
            simulated=self.simulated,
            settings=CameraSettings(),
        )

    def preview(self) -> bytes:
        """The picture that the next capture serves, small."""
        data, _ = self._read(self._next_path())
        with Image.open(io.BytesIO(data)) as image:
            image.thumbnail((PREVIEW_WIDTH_PX, PREVIEW_WIDTH_PX))
            encoded = io.BytesIO()
            image.convert("RGB").save(encoded, "JPEG", quality=_PREVIEW_QUALITY)
        return encoded.getvalue()

    def apply(self, settings: CameraSettings) -> CameraSettings:  # noqa: ARG002 a file has nothing to set
        """Change nothing: a file has no controls."""
        self._next_path()
        return CameraSettings()

    def close(self) -> None:
        """Serve nothing more."""
        self._closed = True

    def _next_path(self) -> Path:
        if self._closed:
            raise CameraClosed("the picture folder is closed")
        return self._paths[self._next]

    def _is_inside(self, path: Path) -> bool:
        return path.is_file() and path.resolve().is_relative_to(self._folder)

    def _read(self, path: Path) -> tuple[bytes, ImageHeader]:
        name = path.relative_to(self._folder)
        if not self._is_inside(path):
            raise CameraFrameInvalid(f"the picture file {name} is gone")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
            return data, inspect(data)
        except OSError as error:
            raise CameraFrameInvalid(f"the picture file {name} cannot be read: {error.strerror}") from error
        except ValueError as error:
            raise CameraFrameInvalid(f"the picture file {name} cannot be used: {error}") from error
