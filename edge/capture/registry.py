"""Which adapter serves which scheme; adapters load only when used, so a missing library breaks only its user."""

import importlib
from typing import Final, cast

from edge.capture.camera import Camera, CameraUnavailable, CameraUriInvalid
from edge.capture.camera_uri import CameraUri

ADAPTERS: Final = {
    "sim://face": "edge.capture.sim_face_camera:SimFaceCamera",
    "sim": "edge.capture.sim_camera:SimCamera",
    "folder": "edge.capture.folder_camera:FolderCamera",
    "v4l2": "edge.capture.opencv_camera:OpenCvCamera",
    "picamera2": "edge.capture.picamera2_camera:Picamera2Camera",
}


def open_camera(uri: str) -> Camera:
    """Open the camera behind an address such as `sim://phantom?seed=7` or `v4l2:///dev/video0`.

    Raises:
        CameraUriInvalid: unknown scheme or option.
        CameraUnavailable: the device or its library is missing.
        CameraEmpty: a folder without pictures.
    """
    address = CameraUri.parse(uri)
    scheme = address.scheme
    target = ADAPTERS.get(f"{scheme}://{address.target}") or ADAPTERS.get(scheme)
    if target is None:
        raise CameraUriInvalid(f"unknown camera scheme {scheme}://; known: {', '.join(sorted(ADAPTERS))}")
    module_name, class_name = target.split(":")
    try:
        adapter = getattr(importlib.import_module(module_name), class_name)
    except ImportError as error:
        raise CameraUnavailable(f"{scheme}:// needs a library that does not load: {error}") from error
    return cast("Camera", adapter.from_uri(uri))
