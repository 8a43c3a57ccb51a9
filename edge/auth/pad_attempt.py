"""One attempt by somebody, or something, before a simulated camera, as the kiosk would run it."""

import random
from collections import deque
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceEncoder
from edge.auth.face_burst import BurstResult, FaceBurst
from edge.auth.liveness import Challenge

FRAME_S: Final = 0.14
"""About what a small kiosk manages."""
_DELAY_S: Final = (0.05, 0.25)
"""Between a decision and its light on the face: the page asks for news now and then."""


class Scene(Protocol):
    """What is before the camera, and sees the screen; `edge.capture.sim_face_person.FaceScene`."""

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the screen."""
        ...

    def frame(self, at_s: float) -> NDArray[np.uint8]:
        """What the camera takes, RGB."""
        ...


def attempt(encoder: FaceEncoder, scene: Scene, *, seed: int) -> BurstResult:
    """Run a whole burst on a scene; the seed draws its challenge and delays."""
    rng = random.Random(seed)  # noqa: S311 a measurement is repeatable
    burst = FaceBurst(encoder, Challenge.draw(rng))
    waiting: deque[tuple[float, str | None, str | None]] = deque()
    at_s = 0.0
    while True:
        while waiting and waiting[0][0] <= at_s:
            _, step, flash = waiting.popleft()
            scene.respond(step, flash, at_s)
        progress = burst.feed(scene.frame(at_s), at_s)
        if progress.done:
            return burst.result()
        waiting.append((at_s + rng.uniform(*_DELAY_S), progress.step, progress.flash))
        at_s += FRAME_S
