"""Lens, light and sensor of the simulated dermoscope: from a scene's light to the numbers in a picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom import to_srgb
from edge.capture.phantom_field import Canvas, Field, fractal_noise, position, resized

BEST_FOCUS: Final = 0.5
"""Lens position at which the skin is sharp."""
TARGET_LIGHT: Final = 0.36
"""Linear value to which the automatic exposure brings the brighter part of the field, before compensation: about
162 of 255, the median brightness of published dermoscopic pictures."""

_BLUR_PER_FOCUS: Final = 0.1
"""Radius of the blur disc, in frame heights, for the lens at its stop one unit from focus."""
_GAIN_LIMITS: Final = (0.5, 1.5)
"""What the automatic exposure can do; beyond it dark skin stays darker, as with real dermoscopes."""
_FULL_WELL_ELECTRONS: Final = 12_000
_READ_NOISE: Final = 0.0006


@dataclass(frozen=True)
class Optics:
    """The settings of one exposure, all known."""

    focus: float
    exposure_ev: float
    polarised: bool
    illumination: float


def expose(rng: np.random.Generator, radiance: Field, optics: Optics) -> NDArray[np.uint8]:
    """One RGB picture of linear light, (height, width, 3): metered first, then lit, blurred, sensed and clipped."""
    light = radiance * np.float32(_metered_gain(radiance) * optics.illumination * 2**optics.exposure_ev)
    if not optics.polarised:
        light += _reflections(rng, radiance)[..., None] * np.float32(optics.illumination)
    light = _defocused(light, abs(optics.focus - BEST_FOCUS) * _BLUR_PER_FOCUS * radiance.shape[0])
    deviation = np.maximum(light, 0)
    deviation *= np.float32(1 / _FULL_WELL_ELECTRONS)
    np.sqrt(deviation, out=deviation)
    deviation += np.float32(_READ_NOISE)
    # One channel's worth of random numbers, shifted for the others: drawing them is what costs time.
    grain = rng.standard_normal(light.shape[:2], np.float32)
    deviation *= np.dstack([grain, np.roll(grain, 101, axis=1), np.roll(grain, 57, axis=0)])
    light += deviation
    return to_srgb(light)


def _metered_gain(radiance: Field) -> float:
    """Centre-weighted automatic exposure, fixed for full illumination, so that turning the light down shows."""
    rows, columns = radiance.shape[:2]
    centre = radiance[rows // 8 : rows - rows // 8 : 4, columns // 8 : columns - columns // 8 : 4, 1]
    return float(np.clip(TARGET_LIGHT / max(1e-3, float(np.percentile(centre, 75))), *_GAIN_LIMITS))


def _defocused(light: Field, radius_px: float) -> Field:
    """Convolve with the disc that a point becomes out of focus; on a coarser grid where the disc is large."""
    if radius_px < 1:
        return light
    shrink = max(1, int(radius_px / 6))
    rows, columns = light.shape[:2]
    size = (max(1, columns // shrink), max(1, rows // shrink))
    small = cv2.resize(light, size, interpolation=cv2.INTER_AREA) if shrink > 1 else light
    radius = radius_px / shrink
    reach = int(radius) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    blurred = cv2.filter2D(small, -1, disc / disc.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(blurred, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)


def _reflections(rng: np.random.Generator, radiance: Field) -> Field:
    """The ring light mirrored by wet skin: ragged, overexposed patches, and glints on the relief around them."""
    rows, columns = radiance.shape[:2]
    canvas = Canvas(max(8, columns // 4), max(8, rows // 4))
    x, y = position(canvas)
    patches = np.zeros_like(x)
    for _ in range(int(rng.integers(3, 6))):
        column, row = rng.uniform(-0.4, 0.4), rng.uniform(-0.3, 0.3)
        width, height = rng.uniform(0.08, 0.16), rng.uniform(0.06, 0.12)
        patches += np.exp(-np.square((x - np.float32(column)) / width) - np.square((y - np.float32(row)) / height))
    relief = fractal_noise(rng, canvas, cells=18, octaves=3) * np.float32(0.22)
    mirrored = np.clip(patches + relief - np.float32(0.55), 0, 1) * np.float32(5)
    # The black surround of a round front lens mirrors nothing.
    seen = np.clip(radiance[..., 1] * np.float32(40), 0, 1)
    return np.asarray(resized(np.asarray(mirrored, np.float32), Canvas(columns, rows)) * seen, np.float32)
