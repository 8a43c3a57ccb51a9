"""A new face: a burst, its picture for the person to agree to, and what is kept of it once they do."""

import threading
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceNotLive
from edge.auth.face_burst import BurstResult
from edge.auth.template_transform import seal_templates
from edge.clock import Clock
from edge.errors import EdgeError
from edge.identity.face_check import FaceChecks, FaceCheckState, unreadable_face
from edge.wipe import wipe
from protocol.credentials import FaceCredential

KEPT_S: Final = 600.0
"""An enrolment that nobody used for so long is forgotten."""
_QUALITY: Final = 90


class EnrolmentUnknown(EdgeError):
    """No such enrolment: it was used, replaced by another one, or too old."""

    code = "enrolment-unknown"
    remedy = "Take the face again, or go on without it."


@dataclass(frozen=True)
class Enrolment:
    """A face that may be kept; the picture is for the person alone, and for the suffix of their code."""

    enrolment_id: UUID
    credential: FaceCredential = field(repr=False)
    picture: bytes = field(repr=False)


@dataclass
class _Held:
    enrolment: Enrolment
    pixels: NDArray[np.uint8] = field(repr=False)
    until_s: float


class Enrolments:
    """Takes one face at a time and holds it, in memory alone, until it is used."""

    def __init__(self, checks: FaceChecks, clock: Clock) -> None:
        self._checks = checks
        self._clock = clock
        self._lock = threading.Lock()
        self._held: _Held | None = None

    def begin(self) -> tuple[FaceCheckState, int]:
        """Start a face check; an earlier enrolment is forgotten. Returns its state and number of steps."""
        self._checks.give_up()
        self.forget()
        return self._checks.begin(self._keep)

    def picture(self, enrolment_id: UUID) -> bytes:
        """The picture of an enrolment as a JPEG.

        Raises:
            EnrolmentUnknown
        """
        return self.get(enrolment_id).picture

    def get(self, enrolment_id: UUID) -> Enrolment:
        """The enrolment.

        Raises:
            EnrolmentUnknown
        """
        with self._lock:
            held = self._held
            if held is None or held.enrolment.enrolment_id != enrolment_id:
                raise EnrolmentUnknown("no such enrolment")
            return held.enrolment

    def forget(self, enrolment_id: UUID | None = None) -> None:
        """Drop the enrolment, if any, or this one if it is; its pixels are overwritten."""
        with self._lock:
            held = self._held
            if held is None or enrolment_id not in (None, held.enrolment.enrolment_id):
                return
            self._held = None
        wipe(held.pixels)

    def forget_if_old(self) -> None:
        """Drop an enrolment that nobody used."""
        held = self._held
        if held is not None and self._clock.monotonic_s() >= held.until_s:
            self.forget()

    def _keep(self, check_id: UUID, given: BurstResult | EdgeError) -> None:
        if isinstance(given, EdgeError):
            raise given
        if given.problem == FaceNotLive.code:
            raise FaceNotLive("no sign of a person being there")
        if not given.usable or given.best_frame is None:
            raise unreadable_face(given.problem)
        pixels = given.best_frame.copy()
        _, encoded = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
        credential = seal_templates(given.templates)
        enrolment = Enrolment(check_id, credential, encoded.tobytes())
        with self._lock:
            self._held = _Held(enrolment, pixels, self._clock.monotonic_s() + KEPT_S)
