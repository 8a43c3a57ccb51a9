"""USB (UVC) dermoscopes and webcams through OpenCV and Video4Linux2, or a recorded video through the same code."""

import logging
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol, Self

import cv2
from numpy.typing import NDArray

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

log = logging.getLogger(__name__)

JPEG_QUALITY: Final = 95
_PREVIEW_QUALITY: Final = 80
_STALE_FRAMES: Final = 4
"""Pictures that the driver may hold from before the button was pressed; Video4Linux2 queues up to four."""
_FOCUS_STOP: Final = 255
"""Focus position at the near stop; UVC leaves the range to the maker, and most count in one byte."""
_EXPOSURE_MANUAL: Final = 1
"""V4L2_EXPOSURE_MANUAL."""


class FrameSource(Protocol):
    """The part of cv2.VideoCapture that is used."""

    def grab(self) -> bool:
        """Take a picture off the driver's queue and forget it."""
        ...

    def read(self) -> tuple[bool, NDArray[Any]]:
        """Take a picture off the driver's queue."""
        ...

    def get(self, control: int, /) -> float:
        """A control's value, negative where there is no such control."""
        ...

    def set(self, control: int, value: float, /) -> bool:
        """Ask for a control's value; the device may round, clip or refuse it."""
        ...

    def release(self) -> None:
        """Let the device go."""
        ...


class OpenCvCamera:
    """`v4l2:///dev/video0?width=2592&height=1944`, or `v4l2:///visit.avi` for a recording.

    A recording has no controls, has an end, and counts as simulated: it shows nobody who is present.
    """

    name = "v4l2"

    def __init__(self, stream: FrameSource, *, live: bool) -> None:
        self.simulated = not live
        self.buffers_pictures = live
        self._stream = stream
        self._live = live
        self._wanted = CameraSettings()
        self._neutral_exposure = self._control(cv2.CAP_PROP_EXPOSURE)
        self._held: NDArray[Any] | None = None
        self._unplugged = False
        self._closed = False

    @classmethod
    def from_uri(cls, uri: str) -> Self:
        """Open the device or the recording of an address.

        Raises:
            CameraUriInvalid
            CameraUnavailable: no such device, or it is in use or no camera.
        """
        address = CameraUri.parse(uri)
        address.require_known({"width", "height"})
        path = Path(address.target)
        if not path.is_absolute():
            raise CameraUriInvalid(f"{uri!r} needs the path of a device, such as v4l2:///dev/video0")
        if not path.exists():
            raise CameraUnavailable(f"there is no camera {path}")
        live = path.is_char_device()
        stream = cv2.VideoCapture(str(path), cv2.CAP_V4L2 if live else cv2.CAP_FFMPEG)
        if not stream.isOpened():
            raise CameraUnavailable(f"{path} does not open as a camera; another program may be using it")
        if live:
            width = address.integer("width", default=2592, low=160, high=8192)
            height = address.integer("height", default=1944, low=120, high=8192)
            stream.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
            stream.set(cv2.CAP_PROP_FRAME_WIDTH, width)
            stream.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
            stream.set(cv2.CAP_PROP_BUFFERSIZE, 1)
            actual = int(stream.get(cv2.CAP_PROP_FRAME_WIDTH)), int(stream.get(cv2.CAP_PROP_FRAME_HEIGHT))
            if actual != (width, height):
                log.warning("camera gives %dx%d instead of %dx%d", *actual, width, height)
        return cls(stream, live=live)

    def capture(self) -> Frame:
        """Assert the settings again, drop stale pictures, and take one.

        Raises:
            CameraClosed
            CameraUnplugged: the device gave no picture, or the recording is over.
        """
        self._require_open()
        settings = self._assert_settings()
        if self._live:
            for _ in range(_STALE_FRAMES):
                self._stream.grab()
        picture = self._read()
        self._held = None
        return Frame(
            data=_jpeg(picture, quality=JPEG_QUALITY),
            media_type="image/jpeg",
            width_px=picture.shape[1],
            height_px=picture.shape[0],
            captured_at=datetime.now(UTC),
            camera=self.name,
            simulated=self.simulated,
            settings=settings,
        )

    def preview(self) -> bytes:
        """What the camera sees now; of a recording, the picture that the next capture takes."""
        self._require_open()
        picture = self._read()
        if not self._live:
            self._held = picture
        height_px = max(1, round(picture.shape[0] * PREVIEW_WIDTH_PX / picture.shape[1]))
        small = cv2.resize(picture, (PREVIEW_WIDTH_PX, height_px), interpolation=cv2.INTER_AREA)
        return _jpeg(small, quality=_PREVIEW_QUALITY)

    def apply(self, settings: CameraSettings) -> CameraSettings:
        """Set focus and exposure where the device has them, now and before each capture."""
        self._require_open()
        self._wanted = self._wanted.changed_by(settings)
        return self._assert_settings()

    def close(self) -> None:
        """Release the device."""
        self._closed = True
        self._stream.release()

    def _require_open(self) -> None:
        if self._closed:
            raise CameraClosed("the camera is closed")
        if self._unplugged:
            raise CameraUnplugged("the camera was unplugged")

    def _read(self) -> NDArray[Any]:
        if self._held is not None:
            return self._held
        success, picture = self._stream.read()
        if not success or picture is None:
            self._unplugged = True
            self._stream.release()
            raise CameraUnplugged("the camera gives no more pictures")
        return picture

    def _control(self, control: int) -> float | None:
        """The device's value, None where it has no such control."""
        value = self._stream.get(control) if self._live else -1.0
        return value if value >= 0 else None

    def _assert_settings(self) -> CameraSettings:
        """Write what is wanted, since a UVC device forgets it on a hiccup of the bus, and read what holds."""
        if not self._live:
            return CameraSettings()
        if self._wanted.focus is not None:
            self._stream.set(cv2.CAP_PROP_AUTOFOCUS, 0)
            self._stream.set(cv2.CAP_PROP_FOCUS, round(self._wanted.focus * _FOCUS_STOP))
        if self._wanted.exposure_ev is not None and self._neutral_exposure:
            self._stream.set(cv2.CAP_PROP_AUTO_EXPOSURE, _EXPOSURE_MANUAL)
            self._stream.set(cv2.CAP_PROP_EXPOSURE, round(self._neutral_exposure * 2**self._wanted.exposure_ev))
        focus = self._control(cv2.CAP_PROP_FOCUS)
        exposure = self._control(cv2.CAP_PROP_EXPOSURE)
        stops = math.log2(exposure / self._neutral_exposure) if exposure and self._neutral_exposure else None
        return CameraSettings(
            focus=None if focus is None else min(1.0, focus / _FOCUS_STOP),
            exposure_ev=None if stops is None else max(-3.0, min(3.0, stops)),
        )


def _jpeg(bgr: NDArray[Any], *, quality: int) -> bytes:
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return encoded.tobytes()
