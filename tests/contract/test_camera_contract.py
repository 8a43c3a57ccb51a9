"""What every camera must do.

`picamera2://` needs a Raspberry Pi, and before `sim://face` somebody moves as time goes on: both are unit tests.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.camera import Camera, CameraClosed, CameraSettings, CameraUriInvalid
from edge.capture.phantom import render, scene_for
from edge.capture.registry import ADAPTERS, open_camera

WIDTH_PX, HEIGHT_PX = 320, 240
PICTURES = 6


def picture(index: int) -> NDArray[np.uint8]:
    rgb = render(scene_for(seed=1, index=index), width_px=WIDTH_PX, height_px=HEIGHT_PX)
    return np.ascontiguousarray(rgb[..., ::-1])


def sim(_folder: Path) -> str:
    return f"sim://phantom?seed=5&width={WIDTH_PX}&height={HEIGHT_PX}"


def scalp(_folder: Path) -> str:
    return f"sim://scalp?seed=5&width={WIDTH_PX}&height={HEIGHT_PX}"


def folder(folder: Path) -> str:
    for index in range(PICTURES):
        assert cv2.imwrite(str(folder / f"{index}.{'png' if index % 2 else 'jpg'}"), picture(index))
    return f"folder://{folder}"


def recording(folder: Path) -> str:
    path = folder / "visit.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (WIDTH_PX, HEIGHT_PX))
    for index in range(PICTURES):
        writer.write(picture(index))
    writer.release()
    return f"v4l2://{path}"


ADDRESSES: dict[str, Callable[[Path], str]] = {"sim": sim, "sim-scalp": scalp, "folder": folder, "v4l2": recording}


@pytest.fixture(scope="module", params=list(ADDRESSES))
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return ADDRESSES[request.param](tmp_path_factory.mktemp("pictures"))


@pytest.fixture
def camera(address: str) -> Iterator[Camera]:
    camera = open_camera(address)
    yield camera
    camera.close()


def decoded(data: bytes) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def test_every_adapter_is_under_this_contract() -> None:
    assert set(ADAPTERS) == {name.partition("-")[0] for name in ADDRESSES} | {"picamera2", "sim://face"}


def test_a_capture_is_a_picture_that_says_what_and_when_it_is(camera: Camera, address: str) -> None:
    before = datetime.now(UTC)
    frame = camera.capture()
    assert decoded(frame.data).shape == (frame.height_px, frame.width_px, 3) == (HEIGHT_PX, WIDTH_PX, 3)
    assert frame.media_type == {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}[frame.data[:2]]
    assert frame.captured_at.utcoffset() == timedelta(0)
    assert before <= frame.captured_at <= datetime.now(UTC)
    assert frame.camera == camera.name == address.split(":", 1)[0]
    assert frame.simulated is camera.simulated


def test_captures_differ_and_show_something(camera: Camera) -> None:
    frames = [camera.capture() for _ in range(PICTURES)]
    assert len({frame.sha256 for frame in frames}) == PICTURES
    assert all(decoded(frame.data).std() > 5 for frame in frames)


def test_a_preview_is_a_small_jpeg_and_takes_no_picture_away(camera: Camera, address: str) -> None:
    previews = [camera.preview(), camera.preview()]
    assert all(decoded(preview).shape[1] <= 432 for preview in previews)
    assert all(preview.startswith(b"\xff\xd8") for preview in previews)
    other = open_camera(address)
    assert camera.capture().sha256 == other.capture().sha256
    other.close()


def test_settings_are_read_back_and_stand_on_the_picture(camera: Camera) -> None:
    in_effect = camera.apply(CameraSettings(focus=0.4, exposure_ev=1.0))
    assert in_effect.focus in (None, 0.4)
    assert in_effect.exposure_ev in (None, 1.0)
    assert camera.capture().settings == in_effect
    assert camera.apply(CameraSettings()) == in_effect


def test_close_may_be_repeated_and_nothing_comes_after_it(camera: Camera) -> None:
    camera.capture()
    camera.close()
    camera.close()
    for use in (camera.capture, camera.preview, lambda: camera.apply(CameraSettings())):
        with pytest.raises(CameraClosed):
            use()


def test_a_camera_opens_again_after_closing(camera: Camera, address: str) -> None:
    first = camera.capture()
    camera.close()
    again = open_camera(address)
    assert again.capture().sha256 == first.sha256
    again.close()


def test_an_unknown_option_is_an_error(address: str) -> None:
    with pytest.raises(CameraUriInvalid, match="sharpnes"):
        open_camera(address + ("&" if "?" in address else "?") + "sharpnes=1")
