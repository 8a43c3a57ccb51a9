"""What is kept of each frame of an attempt: numbers only, no picture."""

import hashlib
import math
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceObservation
from edge.auth.liveness import Step

_LINEAR: Final = (np.arange(256, dtype=np.float64) / 255) ** 2.2
_EDGE: Final = 12
"""Share of the picture's width at each side that is taken for the room."""
_DARKEST: Final = 1e-4


@dataclass(frozen=True)
class Sample:
    """One frame."""

    at_s: float
    step: Step
    observation: FaceObservation | None = field(repr=False)
    light: tuple[float, float]
    """Log of red by green and of blue by green, of the face less that of the room; not a number without a face."""
    digest: bytes = field(repr=False)
    """Of the whole picture: equal for equal pictures."""
    thumbnail: NDArray[np.float32] = field(repr=False)
    """Grey, 32 by 32."""
    regularity: float
    """Of `liveness_moire`; not a number where it was not asked for."""


def sample_of(
    rgb: NDArray[np.uint8],
    at_s: float,
    step: Step,
    observation: FaceObservation | None,
    *,
    regularity: float = math.nan,
) -> Sample:
    """Take down one frame."""
    small = cv2.resize(np.ascontiguousarray(rgb[::2, ::2]), (32, 32), interpolation=cv2.INTER_AREA)
    return Sample(
        at_s=at_s,
        step=step,
        observation=observation,
        light=(math.nan, math.nan) if observation is None else _light(rgb, observation),
        digest=hashlib.blake2b(rgb.tobytes(), digest_size=16).digest(),
        thumbnail=np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32),
        regularity=regularity,
    )


def _light(rgb: NDArray[np.uint8], observation: FaceObservation) -> tuple[float, float]:
    height, width = rgb.shape[:2]
    x, y = observation.landmarks[:4].mean(axis=0)
    eyes = float(np.hypot(*(observation.landmarks[0] - observation.landmarks[2])))
    # By the landmarks, not by the detector's box, which jumps: nose and cheeks, without eyes, hair and mouth.
    face = rgb[_span(y + 0.12 * eyes, y + 0.72 * eyes, height), _span(x - 0.42 * eyes, x + 0.42 * eyes, width)]
    edge = max(1, width // _EDGE)
    room = np.concatenate([rgb[: height // 2, :edge], rgb[: height // 2, -edge:]])
    difference = _chroma(face.reshape(-1, 3)) - _chroma(room.reshape(-1, 3))
    return float(difference[0]), float(difference[1])


def _chroma(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    if not len(pixels):
        return np.full(2, math.nan)
    red, green, blue = np.log(np.maximum(_LINEAR[pixels].mean(axis=0), _DARKEST))
    return np.array([red - green, blue - green])


def _span(low: float, high: float, limit: int) -> slice:
    return slice(max(0, min(limit, int(low))), max(0, min(limit, int(high))))
