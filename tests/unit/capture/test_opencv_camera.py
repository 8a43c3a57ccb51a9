"""The live path of the adapter, on a stand-in device at its seam; the contract suite runs OpenCV itself."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.camera import CameraSettings, CameraUnavailable, CameraUnplugged, CameraUriInvalid
from edge.capture.opencv_camera import OpenCvCamera

Picture = NDArray[np.uint8]
NEUTRAL_EXPOSURE = 156.0


class UvcDevice:
    """A device whose driver queues pictures, which rounds its controls and may forget them."""

    def __init__(self, controls: dict[int, float] | None = None) -> None:
        self.controls = {cv2.CAP_PROP_EXPOSURE: NEUTRAL_EXPOSURE} if controls is None else controls
        self.plugged = True
        self.released = False
        self._tick = 100
        self._queue = deque(range(4))

    def grab(self) -> bool:
        return self._take() is not None

    def read(self) -> tuple[bool, Picture]:
        level = self._take()
        return level is not None, np.full((120, 160, 3), level or 0, np.uint8)

    def get(self, control: int, /) -> float:
        return self.controls.get(control, -1.0)

    def set(self, control: int, value: float, /) -> bool:
        if control in self.controls:
            self.controls[control] = float(round(value / 5) * 5)
        return control in self.controls

    def release(self) -> None:
        self.released = True

    def _take(self) -> int | None:
        if not self.plugged:
            return None
        if self._queue:
            return self._queue.popleft()
        self._tick += 10
        return self._tick


def test_pictures_from_before_the_button_was_pressed_are_dropped(decode: Callable[[bytes], Picture]) -> None:
    frame = OpenCvCamera(UvcDevice(), live=True).capture()
    assert decode(frame.data).mean() == pytest.approx(110, abs=1)
    assert not frame.simulated


def test_settings_are_reported_as_the_device_rounded_them() -> None:
    device = UvcDevice({cv2.CAP_PROP_EXPOSURE: NEUTRAL_EXPOSURE, cv2.CAP_PROP_FOCUS: 0.0})
    camera = OpenCvCamera(device, live=True)
    in_effect = camera.apply(CameraSettings(focus=0.5, exposure_ev=1.0))
    assert in_effect.focus == pytest.approx(130 / 255)
    assert in_effect.exposure_ev == pytest.approx(np.log2(310 / 156))


def test_a_control_that_the_device_lacks_reads_back_as_none() -> None:
    camera = OpenCvCamera(UvcDevice({}), live=True)
    assert camera.apply(CameraSettings(focus=0.5, exposure_ev=1.0)) == CameraSettings()


def test_settings_that_the_device_forgot_are_asserted_before_the_capture() -> None:
    device = UvcDevice({cv2.CAP_PROP_EXPOSURE: NEUTRAL_EXPOSURE, cv2.CAP_PROP_FOCUS: 0.0})
    camera = OpenCvCamera(device, live=True)
    in_effect = camera.apply(CameraSettings(focus=0.8))
    device.controls[cv2.CAP_PROP_FOCUS] = 0.0
    assert camera.capture().settings == in_effect


def test_an_unplugged_device_is_released_and_says_so_from_then_on() -> None:
    device = UvcDevice()
    camera = OpenCvCamera(device, live=True)
    camera.capture()
    device.plugged = False
    for _ in range(2):
        with pytest.raises(CameraUnplugged):
            camera.capture()
    assert device.released


def test_a_recording_counts_as_simulated_and_ends(tmp_path: Path, picture: Picture) -> None:
    path = tmp_path / "short.avi"
    height_px, width_px = picture.shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width_px, height_px))
    writer.write(picture)
    writer.release()
    camera = OpenCvCamera.from_uri(f"v4l2://{path}")
    assert camera.capture().simulated
    with pytest.raises(CameraUnplugged, match="no more pictures"):
        camera.capture()


def test_a_missing_device_is_named() -> None:
    with pytest.raises(CameraUnavailable, match="/dev/video-absent") as caught:
        OpenCvCamera.from_uri("v4l2:///dev/video-absent")
    assert caught.value.remedy


@pytest.mark.parametrize("path", ["/dev/null", "text.avi"])
def test_something_that_is_no_camera_does_not_open(tmp_path: Path, path: str) -> None:
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(CameraUnavailable, match="does not open"):
        OpenCvCamera.from_uri(f"v4l2://{tmp_path / path}")


def test_a_device_without_its_path_is_refused() -> None:
    with pytest.raises(CameraUriInvalid, match="/dev/video0"):
        OpenCvCamera.from_uri("v4l2://0")
