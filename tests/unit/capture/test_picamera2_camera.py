"""picamera2 installs on Raspberry Pi OS only: here it is always missing, and that must be said well."""

import importlib.util

import pytest

from edge.capture.camera import CameraUnavailable, CameraUriInvalid
from edge.capture.registry import open_camera


def test_without_the_library_the_message_says_how_to_get_it() -> None:
    assert importlib.util.find_spec("picamera2") is None
    with pytest.raises(CameraUnavailable, match="apt install python3-picamera2") as caught:
        open_camera("picamera2://0")
    assert caught.value.remedy


@pytest.mark.parametrize("uri", ["picamera2://", "picamera2://main", "picamera2://0?size=1"])
def test_a_wrong_address_is_refused_before_the_library_is_asked_for(uri: str) -> None:
    with pytest.raises(CameraUriInvalid):
        open_camera(uri)
