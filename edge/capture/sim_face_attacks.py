"""Attempts to pass for somebody by a picture of them, as scenes before the simulated face camera.

Each knows only what an attacker could have: a photograph, or a recording of an earlier check. Species by name:
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from edge.capture.sim_face_head import (
    DARK,
    EYES_PX,
    SIDE_PX,
    Field,
    Head,
    Picture,
    encoded,
    light_of,
    linear,
    lit,
    room_behind,
)
from edge.capture.sim_face_person import FaceScene, LivePerson, Motion, Noise, target_of

_TURN_GAIN: Final = 1.4
"""How much farther than a head a sheet is turned, in the hope that it helps."""
_TILT_DEGREES: Final = 32.0
_BENT_RADIUS: Final = 1.1
_DISTANCE: Final = 7.0
"""From the camera, in eye distances: 60 cm."""
_GLARE: Final = 0.012
_BLUISH: Final = np.array([0.95, 1.0, 1.08], np.float32)
_FLASHES: Final = ("#ff4040", "#40ff40", "#4060ff")
_STEP_S: Final = 1.2
_FLASH_S: Final = 0.6


@dataclass(frozen=True)
class Victim:
    """Whom the attacker pretends to be, and who the attacker is."""

    head: Head
    attacker: Head


class Sheet:
    """A printed photograph held by hands that follow the instructions."""

    def __init__(
        self,
        victim: Victim,
        rng: np.random.Generator,
        *,
        tilted: bool = False,
        bent: bool = False,
        cut: bool = False,
        is_print: bool = False,
    ) -> None:
        """Print the victim's photograph, unless it is one of a print already."""
        self._print = victim.head.photograph if is_print else printed(victim.head.photograph, rng)
        self._room = room_behind(victim.attacker.photograph)
        self._motion = Motion(rng)
        self._noise = Noise(rng)
        self._light = DARK
        self._tilted, self._bent = tilted, bent
        self._shape = _oval() if cut else _page()

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the port."""
        self._motion.ask(target_of(step), at_s)
        self._light = light_of(flash)

    def frame(self, at_s: float) -> Picture:
        """See the port."""
        pose = self._motion.pose(at_s)
        yaw = math.radians(pose.yaw * _TURN_GAIN)
        pitch = math.radians(pose.pitch + (_TILT_DEGREES * pose.yaw / 28 if self._tilted else 0))
        warp = _bent(yaw, pose.scale) if self._bent else _flat(yaw, pitch, math.radians(pose.roll), pose.scale)
        seen, presence = warp(self._print), warp(self._shape)
        return self._noise.on(lit(seen, self._room, presence, presence * np.float32(math.cos(yaw)), self._light))


class Screen:
    """A telephone or tablet held up, showing a photograph or a recording."""

    def __init__(self, content: Callable[[float], Picture], victim: Victim, rng: np.random.Generator) -> None:
        self._content = content
        self._room = linear(room_behind(victim.attacker.photograph))
        self._motion = Motion(rng)
        self._noise = Noise(rng)
        self._light = DARK
        self._pitch_px = float(rng.uniform(2.1, 2.9))
        self._shape = _page()

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the port."""
        self._motion.ask(target_of(step), at_s)
        self._light = light_of(flash)

    def frame(self, at_s: float) -> Picture:
        """See the port."""
        pose = self._motion.pose(at_s)
        yaw = math.radians(pose.yaw)
        warp = _flat(yaw, math.radians(pose.pitch), math.radians(pose.roll), pose.scale)
        shown = (
            linear(self._content(at_s)) * self._grid(pose.roll, pose.scale) * np.array([0.95, 1.0, 1.08], np.float32)
        )
        presence = warp(self._shape)[..., None]
        # Glass mirrors a little of the kiosk's light, of the same strength everywhere; the pixels do not care.
        glare = np.float32(_GLARE) * np.asarray(self._light, np.float32)
        return self._noise.on(encoded((warp(shown) + glare + 0.004) * presence + self._room * (1 - presence)))

    def _grid(self, roll: float, scale: float) -> Field:
        """Pixels of the display against those of the camera: a beat of light and dark."""
        angle = math.radians(3 + roll)
        rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
        across = (columns * math.cos(angle) + rows * math.sin(angle)) * 2 * math.pi / (self._pitch_px * scale)
        down = (rows * math.cos(angle) - columns * math.sin(angle)) * 2 * math.pi / (self._pitch_px * scale)
        return np.asarray(1 + 0.10 * np.cos(across) + 0.06 * np.cos(down), np.float32)[..., None]


class Playback:
    """A recording fed to the kiosk in place of the camera: of another check, of one picture, or computed as it runs."""

    def __init__(self, content: Callable[[float], Picture]) -> None:
        self._content = content

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the port; a recording sees nothing."""

    def frame(self, at_s: float) -> Picture:
        """See the port."""
        return self._content(at_s)


class Swap:
    """A print of the victim while the kiosk looks, the attacker's own head when it asks for movement."""

    def __init__(self, victim: Victim, rng: np.random.Generator) -> None:
        self._print = Sheet(victim, rng, cut=True)
        self._self = LivePerson(victim.attacker, rng)
        self._moving = False

    def respond(self, step: str | None, flash: str | None, at_s: float) -> None:
        """See the port."""
        self._moving = self._moving or step not in (None, "look")
        self._print.respond(step, flash, at_s)
        self._self.respond(step, flash, at_s)

    def frame(self, at_s: float) -> Picture:
        """See the port."""
        return self._self.frame(at_s) if self._moving else self._print.frame(at_s)


def recording(head: Head, rng: np.random.Generator) -> Callable[[float], Picture]:
    """A film of the victim at an earlier check: another draw of steps and colours, from the start of this one on."""
    person = LivePerson(head, rng)
    steps = ("look", "look", *rng.permutation(["turn-left", "turn-right", "come-near"]), "turn-left", "turn-right")
    colours = [_FLASHES[int(index)] for index in rng.integers(0, 3, size=40)]
    started_s: list[float] = []

    def play(at_s: float) -> Picture:
        started_s[:] = started_s or [at_s]
        played_s = at_s - started_s[0]
        step = str(steps[min(int(played_s / _STEP_S), len(steps) - 1)])
        person.respond(step, colours[min(int(played_s / _FLASH_S), len(colours) - 1)], at_s)
        return person.frame(at_s)

    return play


def still(picture: Picture) -> Callable[[float], Picture]:
    """One picture for ever."""
    return lambda _at_s: picture


def _frozen_noisy(victim: Victim, rng: np.random.Generator) -> FaceScene:
    noise = Noise(rng)
    return Playback(lambda _at_s: noise.on(victim.head.photograph))


SPECIES: Final[dict[str, Callable[[Victim, np.random.Generator], FaceScene]]] = {
    "print": Sheet,
    "print-tilted": lambda victim, rng: Sheet(victim, rng, tilted=True),
    "print-bent": lambda victim, rng: Sheet(victim, rng, bent=True),
    "cut-out": lambda victim, rng: Sheet(victim, rng, cut=True),
    "screen-photo": lambda victim, rng: Screen(still(victim.head.photograph), victim, rng),
    "screen-replay": lambda victim, rng: Screen(recording(victim.head, rng), victim, rng),
    "frozen": lambda victim, rng: Playback(still(Noise(rng).on(victim.head.photograph))),
    "frozen-noisy": _frozen_noisy,
    "injected-replay": lambda victim, rng: Playback(recording(victim.head, rng)),
    "injected-puppet": lambda victim, rng: LivePerson(victim.head, rng, sees_light=False),
    "swap": Swap,
}
"""How to make each; `injected-puppet` is software that moves the photograph as asked but does not know the light."""


def printed(photograph: Picture, rng: np.random.Generator) -> Picture:
    """The photograph as an office printer gives it: weaker colours, no deep black, dots, a trace of blur."""
    levels = 28 + photograph.astype(np.float32) * np.float32(0.78)
    grey = levels.mean(axis=2, keepdims=True)
    dots = rng.normal(0, 5, size=photograph.shape[:2]).astype(np.float32)[..., None]
    blurred = cv2.GaussianBlur(np.asarray(grey + (levels - grey) * np.float32(0.8) + dots, np.float32), (0, 0), 0.8)
    return np.asarray(np.clip(blurred, 0, 255), np.uint8)


def _page() -> Field:
    shape = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    edge = SIDE_PX // 8
    shape[edge // 2 :, edge:-edge] = 1
    return shape


def _oval() -> Field:
    rows, columns = np.mgrid[0:SIDE_PX, 0:SIDE_PX].astype(np.float32)
    u = (columns - SIDE_PX / 2) / EYES_PX
    v = (rows - SIDE_PX / 2) / EYES_PX + np.float32(0.25)
    return np.asarray(np.clip((1.1 - np.hypot(u / 0.95, (v - 0.3) / 1.35)) / 0.08, 0, 1), np.float32)


def _flat(yaw: float, pitch: float, roll: float, scale: float) -> Callable[[Field | Picture], Field]:
    """A plane turned in space, seen from `_DISTANCE`."""
    spin = cv2.Rodrigues(np.array([0.0, 0.0, roll]))[0]
    turn = cv2.Rodrigues(np.array([-pitch, 0.0, 0.0]))[0] @ cv2.Rodrigues(np.array([0.0, -yaw, 0.0]))[0] @ spin
    half = SIDE_PX / 2 / EYES_PX
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    space = np.column_stack([corners, np.zeros(4)]) @ turn.T
    flat = space[:, :2] * scale * (_DISTANCE / (_DISTANCE + space[:, 2:]))
    matrix = cv2.getPerspectiveTransform(
        (corners * EYES_PX + SIDE_PX / 2).astype(np.float32), (flat * EYES_PX + SIDE_PX / 2).astype(np.float32)
    )
    return lambda picture: np.asarray(cv2.warpPerspective(picture, matrix, (SIDE_PX, SIDE_PX)))


def _bent(yaw: float, scale: float) -> Callable[[Field | Picture], Field]:
    """A sheet bent round an upright cylinder and turned about its axis."""
    axis = (np.arange(SIDE_PX, dtype=np.float32) - np.float32(SIDE_PX / 2)) / np.float32(EYES_PX * scale)
    x, y = np.meshgrid(axis, axis)
    inside = np.clip(x / _BENT_RADIUS, -1, 1)
    along = (np.arcsin(inside) - yaw) * _BENT_RADIUS
    columns = np.where(np.abs(inside) < 1, along * EYES_PX + SIDE_PX / 2, -1).astype(np.float32)
    rows = (y * EYES_PX + SIDE_PX / 2).astype(np.float32)
    return lambda picture: np.asarray(cv2.remap(picture, columns, rows, cv2.INTER_LINEAR))
