import subprocess
import sys

import pytest

from edge.capture.camera import CameraError, CameraUriInvalid
from edge.capture.registry import open_camera


def test_an_unknown_scheme_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CameraUriInvalid, match="folder, picamera2, sim, sim://face, v4l2"):
        open_camera("webcam://0")


@pytest.mark.parametrize("uri", ["", "sim", "sim:phantom", "/dev/video0"])
def test_an_address_without_a_scheme_is_refused_with_an_example(uri: str) -> None:
    with pytest.raises(CameraUriInvalid, match="sim://phantom"):
        open_camera(uri)


def test_a_missing_library_breaks_only_the_camera_that_needs_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    script = f"""
import sys
sys.modules["cv2"] = None
from PIL import Image
from edge.capture.camera import CameraUnavailable
from edge.capture.registry import open_camera
Image.new("RGB", (200, 200)).save(r"{folder}/a.png")
open_camera("folder://{folder}").capture()
for uri in ("sim://phantom", "v4l2:///dev/video0"):
    try:
        open_camera(uri)
    except CameraUnavailable as error:
        print(error)
"""
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert output.count("cv2") == 2


def test_every_camera_error_has_its_own_code_and_a_remedy() -> None:
    errors = [CameraError, *CameraError.__subclasses__()]
    assert len({error.code for error in errors}) == len(errors)
    assert all(error.remedy for error in errors)
