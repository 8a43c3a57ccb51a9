"""One face check after the other before the face camera: frames go into a burst, its progress to the screen.

A check runs in a thread of its own, since it lasts seconds while the screen asks how it stands. There is one at a time:
whoever begins a second one gives the first one up.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Literal
from uuid import UUID, uuid4

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceEncoder, FaceError, FaceNotFound
from edge.auth.face_burst import BurstResult, FaceBurst, Progress
from edge.auth.liveness import Challenge
from edge.camera_slot import CameraSlot
from edge.capture.camera import PREVIEW_WIDTH_PX
from edge.errors import EdgeError
from edge.inference.preprocess import decode_image
from edge.wipe import wipe

log = logging.getLogger(__name__)

_PAUSE_S: Final = 0.03
_PREVIEW_QUALITY: Final = 80
_STOP_TIMEOUT_S: Final = 30.0


class FaceCheckUnknown(EdgeError):
    """No such face check: another one was begun since, or it was given up."""

    code = "face-check-unknown"
    remedy = "Start the face check again."


class FaceCheckGivenUp(EdgeError):
    """The check was given up before it ended, or the kiosk stopped."""

    code = "face-check-given-up"
    remedy = "Start the face check again."


class FaceCheckFailed(EdgeError):
    """The check itself broke down; nothing was decided by it."""

    code = "face-check-failed"
    remedy = "Start the face check again, or use the password; if it returns, call a technician."


@dataclass(frozen=True)
class FaceCheckState:
    """Where a check is; `outcome` is None while it runs."""

    check_id: UUID
    progress: Progress | None = None
    outcome: Literal["matched", "failed"] | None = None
    problem: EdgeError | None = None


Finish = Callable[[UUID, BurstResult | EdgeError], None]
"""Decides, and saves, what a check means: it gets its id, and what the burst gave, or the error that ended it.

It raises an EdgeError for a check that failed; what the screen hears comes after it returned.
"""


@dataclass
class _Check:
    state: FaceCheckState
    finish: Finish
    given_up: threading.Event = field(default_factory=threading.Event)
    seen: NDArray[np.uint8] | None = field(default=None, repr=False)


class FaceChecks:
    """Runs the checks, and shows what the face camera sees.

    Args:
        camera: the face camera.
        encoder: reads faces.
        deadline_s: within which a face must be seen.
    """

    def __init__(self, camera: CameraSlot, encoder: FaceEncoder, *, deadline_s: float) -> None:
        self._camera = camera
        self._encoder = encoder
        self.deadline_s = deadline_s
        self._lock = threading.Lock()
        self._check: _Check | None = None
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether a check runs now."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def begin(self, finish: Finish) -> tuple[FaceCheckState, int]:
        """Start a check; one that still runs is given up first. Returns its state and how many steps it has."""
        self.give_up()
        challenge = Challenge.draw()
        check = _Check(FaceCheckState(uuid4()), finish)
        with self._lock:
            self._check = check
            self._thread = threading.Thread(target=self._run, args=(check, challenge), name="face-check", daemon=True)
            self._thread.start()
        return check.state, len(challenge.moves) + 1

    def state(self, check_id: UUID) -> FaceCheckState:
        """Where the check is.

        Raises:
            FaceCheckUnknown: it is not the latest one, or was forgotten.
        """
        check = self._check
        if check is None or check.state.check_id != check_id:
            raise FaceCheckUnknown("no such face check")
        return check.state

    def give_up(self, check_id: UUID | None = None) -> None:
        """End the check that runs, or this one if it does, undecided unless it has just ended; forget its pictures."""
        check = self._check
        if check is None or check_id not in (None, check.state.check_id):
            return
        check.given_up.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_TIMEOUT_S)

    def forget(self) -> None:
        """Give up what runs and forget it all; safe to repeat."""
        self.give_up()
        with self._lock:
            self._check = None

    def preview(self) -> bytes:
        """What the face camera sees now as a small JPEG, mirrored; while a check runs, its last frame.

        Raises:
            CameraError: no picture.
        """
        check = self._check
        seen = check.seen if check is not None else None
        rgb = decode_image(self._camera.preview()) if seen is None else seen.copy()
        return mirrored_jpeg(rgb)

    def _run(self, check: _Check, challenge: Challenge) -> None:
        burst = FaceBurst(self._encoder, challenge, deadline_s=self.deadline_s)
        try:
            given: BurstResult | EdgeError
            try:
                given = self._watch(check, burst)
            except EdgeError as error:
                given = error
            check.finish(check.state.check_id, given)
            check.state = replace(check.state, outcome="matched")
        except EdgeError as error:
            check.state = replace(check.state, outcome="failed", problem=error)
        except Exception:
            log.exception("a face check broke down")
            check.state = replace(check.state, outcome="failed", problem=FaceCheckFailed("the face check broke down"))
        finally:
            burst.clear()
            last, check.seen = check.seen, None
            wipe(last)
            self._camera.respond(None)

    def _watch(self, check: _Check, burst: FaceBurst) -> BurstResult:
        self._camera.respond("look")
        while not check.given_up.wait(_PAUSE_S):
            frame = self._camera.capture()
            rgb = decode_image(frame.data)
            progress = burst.feed(rgb, frame.taken_s)
            check.seen = rgb
            check.state = replace(check.state, progress=progress)
            if progress.done:
                return burst.result()
            self._camera.respond(progress.step, flash=progress.flash)
        raise FaceCheckGivenUp("the face check was given up")


def mirrored_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """A small JPEG of a picture as a mirror shows it."""
    height = max(1, round(rgb.shape[0] * PREVIEW_WIDTH_PX / rgb.shape[1]))
    small = cv2.resize(rgb, (PREVIEW_WIDTH_PX, height), interpolation=cv2.INTER_AREA)
    _, encoded = cv2.imencode(".jpg", small[:, ::-1, ::-1], [cv2.IMWRITE_JPEG_QUALITY, _PREVIEW_QUALITY])
    return encoded.tobytes()


def unreadable_face(code: str | None) -> FaceError:
    """The error behind a burst that had no usable face."""
    kinds = {kind.code: kind for kind in FaceError.__subclasses__()}
    return kinds.get(code or "", FaceNotFound)("no readable face was before the camera")
