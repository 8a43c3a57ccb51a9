"""The phantom's skin: tone by its individual typology angle, blotches, furrows, pores."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.capture.phantom_field import Canvas, Field, blurred, fractal_noise, noise, position, stamped_discs

_MEAN_B = 15.0
"""CIELAB b* of the skin; it fixes L* for a given typology angle (ITA = atan((L* - 50) / b*), Chardon 1991)."""


@dataclass(frozen=True)
class Skin:
    """How the skin around a lesion looks."""

    ita_deg: float = 45.0
    """Individual typology angle: above 55 very light, 28..41 intermediate, below -30 dark."""
    erythema: float = 0.3
    """Redness, 0..1."""
    furrows: float = 0.5
    """Depth of the skin lines, 0..1."""
    freckles: int = 2


def skin_colour(ita_deg: float) -> tuple[float, float, float]:
    """Linear RGB reflectance of skin of this typology angle."""
    lightness = 50 + _MEAN_B * math.tan(math.radians(ita_deg))
    redness = 9 + 0.06 * (75 - lightness)
    lab = np.array([[[lightness, redness, _MEAN_B]]], np.float32)
    rgb = np.clip(cv2.cvtColor(lab, cv2.COLOR_Lab2LRGB), 0.01, 1).reshape(3)
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def _furrow_lines(rng: np.random.Generator, canvas: Canvas) -> Field:
    """Two crossing sets of wavering lines, the rhomboid pattern of skin; 0..1."""
    x, y = position(canvas)
    warp_x = noise(rng, canvas, cells=5) * np.float32(0.02)
    warp_y = noise(rng, canvas, cells=5) * np.float32(0.02)
    angle = rng.uniform(0, math.pi)
    lines = np.zeros_like(x)
    for direction in (angle, angle + math.radians(rng.uniform(60, 95))):
        period = rng.uniform(0.028, 0.05)
        along = (x + warp_x) * np.float32(math.cos(direction)) + (y + warp_y) * np.float32(math.sin(direction))
        phase = along * np.float32(2 * math.pi / period) + noise(rng, canvas, cells=22) * np.float32(2.2)
        strength = np.clip(noise(rng, canvas, cells=14) * np.float32(0.6) + np.float32(0.4), 0, 1)
        ridge = np.square(np.cos(phase))
        lines += strength * np.square(ridge)
    return np.asarray(lines, np.float32)


def skin_layers(rng: np.random.Generator, skin: Skin, canvas: Canvas) -> tuple[Field, Field]:
    """Melanin and blood of the skin, as optical densities relative to its mean colour."""
    melanin = noise(rng, canvas, cells=5) * np.float32(0.03)
    melanin += fractal_noise(rng, canvas, cells=60, octaves=3) * np.float32(0.018)
    blood = noise(rng, canvas, cells=4) * np.float32(0.06 + 0.12 * skin.erythema)
    blood += noise(rng, canvas, cells=25) * np.float32(0.02 + 0.05 * skin.erythema)
    blood += np.float32(0.35 * skin.erythema)
    furrows = _furrow_lines(rng, canvas) * np.float32(0.07 * skin.furrows)
    melanin -= furrows * np.float32(0.35)
    blood -= furrows * np.float32(0.8)

    count = int(rng.integers(15, 60))
    half = canvas.aspect / 2
    centres = np.column_stack([rng.uniform(-half, half, count), rng.uniform(-0.5, 0.5, count)])
    pores = stamped_discs(
        canvas, centres=centres, radii=rng.uniform(0.002, 0.005, count), strengths=rng.uniform(0.3, 1, count)
    )
    melanin += blurred(pores, canvas, sigma=0.0015) * np.float32(0.12)
    blood -= blurred(pores, canvas, sigma=0.008) * np.float32(0.35)
    if skin.freckles:
        spots = np.column_stack([rng.uniform(-half, half, skin.freckles), rng.uniform(-0.5, 0.5, skin.freckles)])
        radii = rng.uniform(0.012, 0.03, skin.freckles)
        layer = stamped_discs(canvas, centres=spots, radii=radii, strengths=rng.uniform(0.3, 1, skin.freckles))
        grain = np.clip(fractal_noise(rng, canvas, cells=45, octaves=2) * 0.4 + 1, 0, 2)
        melanin += blurred(layer, canvas, sigma=0.008) * grain * np.float32(0.35)
    return np.asarray(melanin, np.float32), np.asarray(blood, np.float32)
