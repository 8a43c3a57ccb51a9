"""Lens, light and sensor of the simulated dermoscope: from a scene's light to the numbers in a picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom import to_srgb
from edge.capture.phantom_field import Field

BEST_FOCUS: Final = 0.5
"""Lens position at which the skin is sharp."""
TARGET_LIGHT: Final = 0.36
"""Linear value to which the automatic exposure brings the brighter part of the field, before compensation: about
162 of 255, the median brightness of published dermoscopic pictures."""

_BLUR_PER_FOCUS: Final = 0.1
"""Radius of the blur disc, in frame heights, for the lens at its stop one unit from focus."""
_GAIN_LIMITS: Final = (0.5, 2.5)
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
        light += _reflections(rng, radiance.shape[:2])[..., None] * np.float32(optics.illumination)
    light = _defocused(light, abs(optics.focus - BEST_FOCUS) * _BLUR_PER_FOCUS * radiance.shape[0])
    shot = np.sqrt(np.maximum(light, 0) * np.float32(1 / _FULL_WELL_ELECTRONS)) + np.float32(_READ_NOISE)
    return to_srgb(light + shot * rng.standard_normal(light.shape, np.float32))


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


def _reflections(rng: np.random.Generator, shape: tuple[int, ...]) -> Field:
    """The ring light mirrored by wet skin: some broken, overexposed patches and many glints."""
    rows, columns = shape[0], shape[1]
    coarse = np.zeros((max(8, rows // 4), max(8, columns // 4)), np.float32)
    height, width = coarse.shape
    for _ in range(int(rng.integers(3, 6))):
        centre = (int(rng.uniform(0.2, 0.8) * width), int(rng.uniform(0.2, 0.8) * height))
        axes = (int(rng.uniform(0.05, 0.12) * height), int(rng.uniform(0.04, 0.09) * height))
        cv2.ellipse(coarse, centre, axes, float(rng.uniform(0, 180)), 0, 360, (2.5,), thickness=-1)
    coarse = np.asarray(cv2.GaussianBlur(coarse, (0, 0), 0.012 * height), np.float32)
    glints = np.asarray(cv2.resize(rng.random((height // 2, width // 2), np.float32), (width, height)), np.float32)
    coarse *= np.clip(glints * 2, 0.4, 1.2)
    coarse += np.clip(glints - np.float32(0.93), 0, None) * np.float32(6)
    return np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_LINEAR), np.float32)
