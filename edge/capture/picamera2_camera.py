"""The Raspberry Pi's own cameras through libcamera.

picamera2 comes with Raspberry Pi OS (apt's python3-picamera2) and installs nowhere else, so this adapter is checked
for its behaviour without the library only; a Pi must show the rest.
"""

import importlib
import io
from datetime import UTC, datetime
from typing import Any, Final, Self

from PIL import Image

from edge.capture.camera import (
    PREVIEW_WIDTH_PX,
    CameraClosed,
    CameraSettings,
    CameraUnavailable,
    CameraUnplugged,
    CameraUriInvalid,
    Frame,
)
from edge.capture.camera_uri import CameraUri

JPEG_QUALITY: Final = 95
_PREVIEW_QUALITY: Final = 80
_AF_MANUAL: Final = 0
"""libcamera's AfModeEnum.Manual."""


class Picamera2Camera:
    """`picamera2://0?width=2592&height=1944`: camera number 0 of the board."""

    name = "picamera2"
    simulated = False
    buffers_pictures = True

    def __init__(self, device: Any) -> None:
        self._device = device
        self._wanted = CameraSettings()
        self._closed = False

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Open a camera of the board.

        Raises:
            CameraUriInvalid
            CameraUnavailable: no picamera2, or no such camera.
        """
        address = CameraUri.parse(uri)
        address.require_known({"width", "height"})
        if not (address.target.isascii() and address.target.isdigit() and len(address.target) == 1):
            raise CameraUriInvalid(f"{uri!r} needs the number of a camera, such as picamera2://0")
        size = (
            address.integer("width", default=2592, low=160, high=9152),
            address.integer("height", default=1944, low=120, high=6944),
        )
        try:
            library = importlib.import_module("picamera2")
        except ImportError as error:
            raise CameraUnavailable(
                f"picamera2 does not load ({error}); on Raspberry Pi OS: apt install python3-picamera2, and let the "
                "virtual environment see system packages"
            ) from error
        try:
            device = library.Picamera2(int(address.target))
            # "BGR888" names the order in a word; in memory, and so in numpy, it is red, green, blue.
            device.configure(device.create_still_configuration(main={"size": size, "format": "BGR888"}))
            device.start()
        except (IndexError, RuntimeError, OSError) as error:
            raise CameraUnavailable(f"camera {address.target} of the board does not start: {error}") from error
        return cls(device)

    def capture(self) -> Frame:
        """Assert the settings again and take a picture that was exposed under them.

        Raises:
            CameraClosed, CameraUnplugged
        """
        self._require_open()
        self._assert_settings()
        image, metadata = self._take()
        return Frame(
            data=_jpeg(image, quality=JPEG_QUALITY),
            media_type="image/jpeg",
            width_px=image.width,
            height_px=image.height,
            captured_at=datetime.now(UTC),
            camera=self.name,
            simulated=self.simulated,
            settings=self._read_back(metadata),
        )

    def preview(self) -> bytes:
        """What the camera sees now."""
        self._require_open()
        image, _ = self._take()
        image.thumbnail((PREVIEW_WIDTH_PX, PREVIEW_WIDTH_PX))
        return _jpeg(image, quality=_PREVIEW_QUALITY)

    def apply(self, settings: CameraSettings) -> CameraSettings:
        """Set focus and exposure compensation where the camera has them."""
        self._require_open()
        self._wanted = self._wanted.changed_by(settings)
        self._assert_settings()
        _, metadata = self._take()
        return self._read_back(metadata)

    def close(self) -> None:
        """Stop the camera and let it go."""
        if not self._closed:
            self._closed = True
            self._device.close()

    def _require_open(self) -> None:
        if self._closed:
            raise CameraClosed("the camera is closed")

    def _take(self) -> tuple[Image.Image, dict[str, Any]]:
        try:
            # flush=True waits for a picture whose exposure began after this call.
            request = self._device.capture_request(flush=True)
        except (RuntimeError, OSError) as error:
            raise CameraUnplugged(f"the camera gives no picture: {error}") from error
        try:
            return Image.fromarray(request.make_array("main")), request.get_metadata()
        finally:
            request.release()

    def _near_stop(self) -> float | None:
        """Greatest lens position in dioptres, None for a fixed lens."""
        limits = self._device.camera_controls.get("LensPosition")
        return float(limits[1]) if limits and limits[1] else None

    def _assert_settings(self) -> None:
        controls: dict[str, float] = {}
        near_stop = self._near_stop()
        if self._wanted.focus is not None and near_stop is not None:
            controls |= {"AfMode": _AF_MANUAL, "LensPosition": self._wanted.focus * near_stop}
        if self._wanted.exposure_ev is not None:
            controls["ExposureValue"] = self._wanted.exposure_ev
        if controls:
            self._device.set_controls(controls)

    def _read_back(self, metadata: dict[str, Any]) -> CameraSettings:
        """The lens as the picture's metadata report it; libcamera does not report the compensation, so it stays out."""
        near_stop = self._near_stop()
        position = metadata.get("LensPosition")
        if position is None or near_stop is None:
            return CameraSettings()
        return CameraSettings(focus=max(0.0, min(1.0, float(position) / near_stop)))


def _jpeg(image: Image.Image, *, quality: int) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, "JPEG", quality=quality)
    return encoded.getvalue()
