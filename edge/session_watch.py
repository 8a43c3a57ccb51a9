"""Ends a session that its patient has left: untouched for too long, or with no face before the face camera."""

import logging
import threading
from collections.abc import Callable
from typing import Final, Literal

from edge.auth.face import FaceEncoder, FaceNotFound
from edge.auth.steady_time import CHECKPOINT_S, SteadyTime
from edge.camera_slot import CameraSlot
from edge.clock import Clock
from edge.errors import EdgeError
from edge.identity.sessions import Sessions
from edge.inference.preprocess import decode_image
from edge.visit import Journey
from edge.wipe import wipe

log = logging.getLogger(__name__)

FaceWatchState = Literal["off", "waiting", "present", "missing", "suspended"]
"""Off: no face camera, or not wanted. Waiting: no face was seen in this visit so far, so none can be missed."""
_ROUND_S: Final = 0.5
_LOOK_ROUNDS: Final = 2
_CHECKPOINT_ROUNDS: Final = int(CHECKPOINT_S / _ROUND_S)


class FacePresence:
    """Whether the patient's face, or any, is before the face camera; judged picture by picture, none is kept.

    A visit in which no face was ever seen, of somebody with covered face or with a camera that looks past them, is left
    to the idle time alone.

    Args:
        camera: the face camera.
        encoder: finds faces.
        journey: whose visit it is.
        clock: times the absence.
        left_s: seconds without a face after which the patient has left; 0 for never.
    """

    def __init__(
        self, *, camera: CameraSlot, encoder: FaceEncoder, journey: Journey, clock: Clock, left_s: float
    ) -> None:
        self._camera = camera
        self._encoder = encoder
        self._journey = journey
        self._clock = clock
        self._left_s = left_s
        self._lock = threading.Lock()
        self._seen_s: float | None = None
        self._missing = False

    @property
    def state(self) -> FaceWatchState:
        """For the screen."""
        if self._left_s == 0:
            return "off"
        if self._journey.face_may_be_away:
            return "suspended"
        with self._lock:
            if self._seen_s is None:
                return "waiting"
            return "missing" if self._missing else "present"

    @property
    def left(self) -> bool:
        """Whether a face that was there has been away for too long."""
        with self._lock:
            if self._left_s == 0 or self._seen_s is None or self._journey.face_may_be_away:
                return False
            return self._clock.monotonic_s() - self._seen_s >= self._left_s

    def look(self) -> None:
        """Take one picture and judge it."""
        if self._left_s == 0:
            return
        if self._journey.face_may_be_away:
            self._see(present=True, only_if_seen=True)
            return
        try:
            rgb = decode_image(self._camera.capture().data)
        except EdgeError:
            # A camera that fails says nothing of the patient; the idle time goes on.
            self._see(present=True, only_if_seen=True)
            return
        try:
            self._encoder.observe(rgb)
            self._see(present=True)
        except FaceNotFound:
            self._see(present=False)
        except EdgeError:
            # A face too far, or two of them: somebody is there.
            self._see(present=True)
        finally:
            wipe(rgb)

    def forget(self) -> None:
        """The visit is over."""
        with self._lock:
            self._seen_s = None
            self._missing = False

    def _see(self, *, present: bool, only_if_seen: bool = False) -> None:
        with self._lock:
            self._missing = not present
            if present and not (only_if_seen and self._seen_s is None):
                self._seen_s = self._clock.monotonic_s()


class SessionWatch:
    """One thread that looks twice a second, keeps steady time on the disk, and has what is old forgotten."""

    def __init__(
        self,
        *,
        sessions: Sessions,
        journey: Journey,
        presence: FacePresence | None,
        steady: SteadyTime,
        forget_what_is_old: Callable[[], None],
    ) -> None:
        self._sessions = sessions
        self._journey = journey
        self._presence = presence
        self._steady = steady
        self._forget_what_is_old = forget_what_is_old
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="session-watch", daemon=True)
        self._rounds = 0

    @property
    def face_state(self) -> FaceWatchState:
        """Whether and how the patient's face is watched."""
        return "off" if self._presence is None else self._presence.state

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; safe to repeat, and before a start."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def check(self) -> None:
        """End the visit if its patient has left.

        Raises:
            EdgeError: the visit is over, its end was not saved.
        """
        self._sessions.end_if("interrupted", lambda: self._journey.revoked)
        self._sessions.end_if("idle", lambda: self._journey.remaining_s() <= 0)
        if self._presence is not None:
            presence = self._presence
            self._sessions.end_if("left", lambda: presence.left)

    def _run(self) -> None:
        while not self._stopping.wait(_ROUND_S):
            self._rounds += 1
            try:
                if self._presence is not None and self._rounds % _LOOK_ROUNDS == 0 and self._journey.under_way:
                    self._presence.look()
                self.check()
                if self._rounds % _CHECKPOINT_ROUNDS == 0:
                    self._forget_what_is_old()
                    self._steady.checkpoint()
            except EdgeError as error:
                # The screen is cleared already; at the next start the visit is reported as interrupted.
                log.exception("a round of the session watch failed: %s", error.code)
            except Exception:
                log.exception("the session watch stumbled and goes on")
