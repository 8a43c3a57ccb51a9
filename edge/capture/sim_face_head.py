"""One photograph of a face as a head in a room: it turns, nods, moves, comes near, and is lit by the kiosk's screen.

The depth of a head is the same smooth shape for everybody (an ellipsoid with a nose), so a turned picture is a
likeness, not a portrait. Its proportions give the relation between nose and eye corners that photographs of turned
heads show.
"""

import math
from dataclasses import dataclass
from typing import Final, Self, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Field = NDArray[np.float32]
Colour = tuple[float, float, float]
"""Light of the screen, red, green and blue, each 0 to 1."""

DARK: Final[Colour] = (0.0, 0.0, 0.0)
SIDE_PX: Final = 320
"""Pictures are square; a whole number of `_COARSE`."""
EYES_PX: Final = 72.0
"""Distance of the outer eye corners at rest."""
SCREEN_LIGHT: Final = 0.16
"""Light that the screen adds to a face before it, by the light of the room."""
BACKGROUND_LIGHT: Final = 0.02
"""The same for the room behind."""

_COARSE: Final = 4
_HALF_WIDTH, _HALF_HEIGHT, _DEPTH = 0.85, 1.25, 0.5
_HEAD_CENTRE_V: Final = 0.3
_NOSE_V, _NOSE_WIDTH, _NOSE_HEIGHT, _NOSE_DEPTH = 0.52, 0.28, 0.36, 0.38
_ITERATIONS: Final = 4
_LINEAR: Final = (np.arange(256, dtype=np.float32) / 255) ** np.float32(2.2)


@dataclass(frozen=True)
class Pose:
    """Where a head is. Angles in degrees; positive yaw turns to the person's own left, positive pitch looks down."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    scale: float = 1.0
    x: float = 0.0
    """Sideways, in eye distances, to the right in the picture."""
    y: float = 0.0


class Head:
    """A head that can be rendered in any pose up to about 35 degrees from the front."""

    def __init__(self, photograph: Picture, *, left_eye: tuple[float, float], right_eye: tuple[float, float]) -> None:
        """Take the outer eye corners in pixels; the person's left eye is to the right in the picture."""
        self.photograph = upright(photograph, left_eye=left_eye, right_eye=right_eye)
        self._room = room_behind(self.photograph)

    @classmethod
    def centred(cls, photograph: Picture, *, centre: tuple[float, float], width: float) -> Self:
        """Take the face's middle and its width from temple to temple, in pixels, where no landmarks are known."""
        half = 0.3 * width
        x, y = centre[0], centre[1] - 0.15 * width
        return cls(photograph, left_eye=(x + half, y), right_eye=(x - half, y))

    def render(self, pose: Pose, light: Colour = DARK) -> Picture:
        """The picture that a camera without noise takes."""
        u, v, presence, facing = _geometry(pose)
        middle = SIDE_PX / 2
        eyes_row = middle - 0.25 * EYES_PX
        columns, rows = u * np.float32(EYES_PX) + np.float32(middle), v * np.float32(EYES_PX) + np.float32(eyes_row)
        seen = cv2.remap(self.photograph, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return lit(cast("Picture", seen), self._room, presence, facing, light)

    def empty_room(self, light: Colour = DARK) -> Picture:
        """The picture after the person left."""
        nothing = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        return lit(self._room, self._room, nothing, nothing, light)


def upright(photograph: Picture, *, left_eye: tuple[float, float], right_eye: tuple[float, float]) -> Picture:
    """The photograph with its eyes level, `EYES_PX` apart, at the place where a head at rest has them."""
    dx, dy = left_eye[0] - right_eye[0], left_eye[1] - right_eye[1]
    scale, angle = EYES_PX / max(math.hypot(dx, dy), 1e-6), math.atan2(dy, dx)
    turn = scale * np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    between = np.array([(left_eye[0] + right_eye[0]) / 2, (left_eye[1] + right_eye[1]) / 2])
    shift = np.array([SIDE_PX / 2, SIDE_PX / 2 - 0.25 * EYES_PX]) - turn @ between
    picture = cv2.warpAffine(
        photograph, np.column_stack([turn, shift]), (SIDE_PX, SIDE_PX),
        flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    return cast("Picture", picture)


def room_behind(photograph: Picture) -> Picture:
    """A blurred room in the colours of the photograph's upper edge and sides, with nobody in it."""
    edge = np.concatenate([photograph[:, :24].reshape(-1, 3), photograph[:, -24:].reshape(-1, 3)])
    across = np.linspace(0, 1, SIDE_PX, dtype=np.float32)[None, :, None]
    left, right = edge[: len(edge) // 2].mean(axis=0), edge[len(edge) // 2 :].mean(axis=0)
    rows = np.linspace(1.08, 0.92, SIDE_PX, dtype=np.float32)[:, None, None]
    room = (left * (1 - across) + right * across) * rows
    stripes = np.sin(np.arange(SIDE_PX, dtype=np.float32) / 9)[None, :, None] * 5
    return np.asarray(np.clip(room + stripes, 0, 255), np.uint8)


def lit(seen: Picture | Field, room: Picture, presence: Field, facing: Field, light: Colour) -> Picture:
    """Put a surface before the room, both lit by the room's own light and by the screen."""
    alpha = presence[..., None]
    colour = np.asarray(light, np.float32)
    gain = facing[..., None] * np.float32(SCREEN_LIGHT) * colour
    mixed = linear(seen) * (1 + gain) * alpha
    mixed += linear(room) * (1 + np.float32(BACKGROUND_LIGHT) * colour) * (1 - alpha)
    return encoded(mixed)


def encoded(light: Field) -> Picture:
    """Linear light as a camera stores it."""
    levels = np.clip(light, 0, 1) ** np.float32(1 / 2.2) * 255 + np.float32(0.5)
    return np.asarray(levels, np.uint8)


def light_of(flash: str | None) -> Colour:
    """The light of a screen that shows this colour, `#rrggbb`; none without."""
    if flash is None:
        return DARK
    red, green, blue = ((int(flash[place : place + 2], 16) / 255) ** 2.2 for place in (1, 3, 5))
    return red, green, blue


def linear(picture: Picture | Field) -> Field:
    """The light that a picture stands for."""
    return np.asarray(np.take(_LINEAR, np.asarray(picture, np.uint8)), np.float32)


def _geometry(pose: Pose) -> tuple[Field, Field, Field, Field]:
    """Where each pixel lies on the face, in eye distances; how much head is there; how much it faces the screen.

    Computed coarsely, since all of it is smooth.
    """
    side = SIDE_PX // _COARSE
    axis = ((np.arange(side, dtype=np.float32) + np.float32(0.5)) * _COARSE - np.float32(0.5) - SIDE_PX / 2) / EYES_PX
    x, y = np.meshgrid(axis, axis + np.float32(0.25))
    x, y = (x - np.float32(pose.x)) / np.float32(pose.scale), (y - np.float32(pose.y)) / np.float32(pose.scale)
    roll = math.radians(pose.roll)
    x, y = x * math.cos(roll) + y * math.sin(roll), -x * math.sin(roll) + y * math.cos(roll)
    yaw, pitch = math.radians(pose.yaw), math.radians(pose.pitch)
    u, v = x.copy(), y.copy()
    for _ in range(_ITERATIONS):
        depth = _depth(u, v)
        u = (x - depth * math.sin(yaw)) / math.cos(yaw)
        v = (y - depth * math.sin(pitch)) / math.cos(pitch)
    radius = (x / 1.35) ** 2 + ((y - _HEAD_CENTRE_V) / 1.75) ** 2
    body = ((x / 1.9) ** 6 + ((y - 2.4) / 1.0) ** 6).astype(np.float32)
    presence = np.clip((1.25 - np.minimum(radius, body)) / 0.25, 0, 1)
    slope = np.hypot(*np.gradient(_depth(u, v), _COARSE / EYES_PX))
    facing = 1 / np.sqrt(1 + np.square(slope))
    return tuple(  # type: ignore[return-value] # four fields
        np.asarray(cv2.resize(np.asarray(field, np.float32), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR))
        for field in (u, v, presence, facing)
    )


def _depth(u: Field, v: Field) -> Field:
    """How far the face stands out towards the camera, in eye distances, above the level of the outer eye corners."""
    inside = 1 - np.square(u / _HALF_WIDTH) - np.square((v - _HEAD_CENTRE_V) / _HALF_HEIGHT)
    ellipsoid = np.sqrt(np.clip(inside, 0, None)) * _DEPTH
    nose = _NOSE_DEPTH * np.exp(-np.square(u / _NOSE_WIDTH) - np.square((v - _NOSE_V) / _NOSE_HEIGHT))
    return np.asarray(ellipsoid + nose - 0.4 * (inside > 0), np.float32)
