"""The patient's card: their code as a QR picture, and reading it back before the face camera."""

import io
import threading
import time
from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

from edge.auth.patient_code import PatientCodeInvalid, parse_patient_code
from edge.camera_slot import CameraSlot
from edge.errors import EdgeError
from edge.inference.preprocess import decode_image
from edge.wipe import wipe

SCAN_S: Final = 20.0
_PAUSE_S: Final = 0.05
_MAX_SIDE_PX: Final = 1280
"""A larger picture is searched smaller: it takes too long, and a card held before the camera fills much of it."""


class CardNotSeen(EdgeError):
    """No card with a patient's code was held before the camera in time."""

    code = "card-not-seen"
    remedy = "Hold the card flat before the camera, not too close, or type the code."


class CardNotOffered(EdgeError):
    """This kiosk has no camera for cards."""

    code = "card-not-offered"
    remedy = "Type the user name or the code."


class CardReader:
    """Looks for a card before the face camera, one search at a time: a new one, or `give_up`, ends the one before."""

    def __init__(self, camera: CameraSlot, *, now_s: Callable[[], float] = time.monotonic) -> None:
        self._camera = camera
        self._now_s = now_s
        self._lock = threading.Lock()
        self._given_up = threading.Event()

    def read(self, *, within_s: float = SCAN_S) -> str:
        """Wait for a card and return the code on it, as it is written.

        Raises:
            CardNotSeen: none came, or the search was given up.
            CameraError: no pictures.
        """
        with self._lock:
            self._given_up.set()
            mine = self._given_up = threading.Event()
        detector = cv2.QRCodeDetector()
        until_s = self._now_s() + within_s
        while self._now_s() < until_s and not mine.wait(_PAUSE_S):
            rgb = decode_image(self._camera.capture().data)
            code = _code_in(detector, rgb)
            wipe(rgb)
            if code is not None:
                return code
        raise CardNotSeen("no card with a patient's code was seen")

    def give_up(self) -> None:
        """End the search under way, if any."""
        self._given_up.set()


def card_svg(code: str) -> bytes:
    """A patient code as a QR picture (SVG) that survives a quarter of it being dirty."""
    written = io.BytesIO()
    segno.make(code, error="q", micro=False).save(written, kind="svg", scale=8, border=4, dark="#000", light="#fff")
    return written.getvalue()


def _code_in(detector: cv2.QRCodeDetector, rgb: NDArray[np.uint8]) -> str | None:
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    longest = max(grey.shape)
    if longest > _MAX_SIDE_PX:
        share = _MAX_SIDE_PX / longest
        grey = cv2.resize(grey, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    try:
        text, _, _ = detector.detectAndDecode(grey)
        return parse_patient_code(text) if text else None
    except (PatientCodeInvalid, cv2.error, UnicodeDecodeError):
        # Another QR code, or one that the detector stumbles over, is not the one that is looked for.
        return None
