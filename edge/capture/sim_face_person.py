"""Somebody before the kiosk who does as the screen asks, after a moment, and never stands quite still."""

import math
from typing import Final, Protocol

import numpy as np

from edge.capture.sim_face_head import DARK, Head, Picture, Pose, light_of

REACTION_S: Final = 0.35
SETTLING_S: Final = 0.3
TURN_DEGREES: Final = 28.0
NEAR_SCALE: Final = 1.35
SENSOR_NOISE: Final = 1.6
"""Standard deviation of the camera's noise, in levels of 255."""

_TARGETS: Final = {
    "turn-left": Pose(yaw=TURN_DEGREES),
    "turn-right": Pose(yaw=-TURN_DEGREES),
    "come-near": Pose(scale=NEAR_SCALE),
}
_SWAY: Final = ((0.31, 1.1), (0.83, 0.5))
"""Frequencies in hertz and amplitudes in degrees of a standing person's head."""


class FaceScene(Protocol):
    """What is before a camera, and sees the screen."""

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the screen at this time: the step asked for, and its colour, `#rrggbb`."""
        ...

    def frame(self, at_s: float) -> Picture:
        """What the camera takes at this time, which never goes back."""
        ...


class Motion:
    """A pose that follows what is asked, as a body does."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._phases = rng.uniform(0, 2 * math.pi, size=4)
        self._asked: list[tuple[float, Pose]] = []
        self._target = Pose()
        self._pose = Pose()
        self._at_s: float | None = None

    def ask(self, target: Pose, at_s: float) -> None:
        """Ask for a pose; it is headed for after the reaction time."""
        if not self._asked or self._asked[-1][1] != target:
            self._asked.append((at_s + REACTION_S, target))

    def pose(self, at_s: float) -> Pose:
        """The pose at this time."""
        for start_s, target in [*self._asked, (at_s, self._target)]:
            if start_s <= at_s:
                self._move_to(start_s)
                self._target = target if (start_s, target) in self._asked else self._target
        self._asked = [entry for entry in self._asked if entry[0] > at_s]
        self._move_to(at_s)
        pose, sway = self._pose, self._sway
        return Pose(
            yaw=pose.yaw + sway(at_s, 0), pitch=pose.pitch + sway(at_s, 1), roll=pose.roll + sway(at_s, 2) / 2,
            scale=pose.scale, x=pose.x + sway(at_s, 3) / 60, y=pose.y,
        )  # fmt: skip

    def _move_to(self, at_s: float) -> None:
        step_s = 0.0 if self._at_s is None else max(0.0, at_s - self._at_s)
        share = 1 - math.exp(-step_s / SETTLING_S)
        now, goal = self._pose, self._target
        self._pose = Pose(*(a + (b - a) * share for a, b in zip(vars(now).values(), vars(goal).values(), strict=True)))
        self._at_s = at_s

    def _sway(self, at_s: float, axis: int) -> float:
        return sum(size * math.sin(2 * math.pi * hertz * at_s + self._phases[axis] * hertz) for hertz, size in _SWAY)


class LivePerson:
    """A head that does as asked; it is gone from the moment that `away` is asked until another step is."""

    def __init__(self, head: Head, rng: np.random.Generator, *, sees_light: bool = True) -> None:
        self._head = head
        self._motion = Motion(rng)
        self._noise = Noise(rng)
        self._sees_light = sees_light
        self._light = DARK
        self._away = False

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the port."""
        self._away = step == "away"
        self._motion.ask(_TARGETS.get(step or "", Pose()), at_s)
        self._light = light_of(flash) if self._sees_light else DARK

    def frame(self, at_s: float) -> Picture:
        """See the port."""
        pose = self._motion.pose(at_s)
        clean = self._head.empty_room(self._light) if self._away else self._head.render(pose, self._light)
        return self._noise.on(clean)


def target_of(step: str | None) -> Pose:
    """The pose that a step asks for."""
    return _TARGETS.get(step or "", Pose())


class Noise:
    """A camera's noise; drawn once and shifted, since drawing it is what costs time."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._grain = rng.normal(0, SENSOR_NOISE, size=(512, 512, 3)).astype(np.float32)

    def on(self, clean: Picture) -> Picture:
        """The picture with noise that no other frame has."""
        rows, columns = clean.shape[:2]
        top, left = (int(self._rng.integers(0, 512 - size)) for size in (rows, columns))
        grain = self._grain[top : top + rows, left : left + columns]
        return np.asarray(np.clip(clean + grain + np.float32(0.5), 0, 255), np.uint8)
