"""The phantom's lesion: outline, colours, and the structures that dermoscopy looks for."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom_field import (
    Canvas,
    Field,
    blurred,
    fractal_noise,
    honeycomb,
    noise,
    position,
    smoothstep,
    stamped_discs,
)

LesionKind = Literal["naevus", "melanoma-like", "keratosis-like"]
_OUTLINE_STEPS = 2048


@dataclass(frozen=True)
class Lesion:
    """One lesion; all amounts 0..1 unless said otherwise."""

    kind: LesionKind = "naevus"
    diameter: float = 0.45
    """In frame heights."""
    centre: tuple[float, float] = (0.0, 0.0)
    """In frame heights from the frame's centre."""
    elongation: float = 0.15
    asymmetry: float = 0.1
    irregularity: float = 0.15
    """Roughness of the border."""
    sharpness: float = 0.4
    """How abruptly the border ends; seborrhoeic keratoses end at a wall, naevi fade."""
    pigment: float = 0.5
    variegation: float = 0.2
    """How many and how different the shades of brown are."""
    network: float = 0.6
    globules: float = 0.2
    dots: float = 0.1
    streaks: float = 0.0
    veil: float = 0.0
    """Blue-white veil."""
    regression: float = 0.0
    """White, scar-like areas with grey peppering."""
    cysts: float = 0.0
    """Milia-like cysts and comedo-like openings."""
    erythema: float = 0.15


@dataclass
class LesionLayers:
    """Optical densities that a lesion adds to the skin, and the light scattered back above them."""

    melanin: Field
    deep_melanin: Field
    blood: Field
    scatter: Field


def _outline(rng: np.random.Generator, lesion: Lesion) -> NDArray[np.float32]:
    """Radius of the border by angle, as a factor of the mean radius."""
    angle = np.linspace(0, 2 * math.pi, _OUTLINE_STEPS, endpoint=False)
    radius = 1 + lesion.elongation * np.cos(2 * (angle - rng.uniform(0, math.pi)))
    for order in (1, 2, 3):
        radius += lesion.asymmetry * 0.22 / order**0.5 * np.cos(order * angle + rng.uniform(0, 2 * math.pi))
    for order in range(4, 16):
        amplitude = lesion.irregularity * 0.22 / order**0.8 * rng.uniform(0.3, 1)
        radius += amplitude * np.cos(order * angle + rng.uniform(0, 2 * math.pi))
    return np.asarray(np.clip(radius, 0.35, 1.8), np.float32)


def _streak_profile(rng: np.random.Generator) -> NDArray[np.float32]:
    """Teeth around the border, unevenly spread, 0..1."""
    angle = np.linspace(0, 2 * math.pi, _OUTLINE_STEPS, endpoint=False)
    phase = angle * rng.integers(55, 85) + 3.5 * np.sin(angle * 3 + rng.uniform(0, 6)) + rng.uniform(0, 6)
    where = np.clip(0.3 + np.sin(angle + rng.uniform(0, 6)) + 0.6 * np.sin(2 * angle + rng.uniform(0, 6)), 0, 1)
    lengths = np.interp(angle, np.linspace(0, 2 * math.pi, 90), rng.uniform(0.2, 1, 90))
    return np.asarray(np.clip(np.cos(phase), 0, 1) ** 1.5 * where * lengths, np.float32)


def _scattered(rng: np.random.Generator, lesion: Lesion, *, count: int, spread: float) -> NDArray[np.float64]:
    """Random centres within the lesion's mean disc, in heights."""
    angle = rng.uniform(0, 2 * math.pi, count)
    radius = lesion.diameter / 2 * spread * np.sqrt(rng.uniform(0, 1, count))
    return np.column_stack([lesion.centre[0] + radius * np.cos(angle), lesion.centre[1] + radius * np.sin(angle)])


def lesion_layers(rng: np.random.Generator, lesion: Lesion, canvas: Canvas) -> LesionLayers:
    """Render one lesion's layers."""
    x, y = position(canvas)
    x -= np.float32(lesion.centre[0])
    y -= np.float32(lesion.centre[1])
    step = np.asarray(cv2.phase(x, y) * np.float32(_OUTLINE_STEPS / (2 * math.pi)), np.int32) % _OUTLINE_STEPS
    reach = cv2.magnitude(x, y) / (_outline(rng, lesion)[step] * np.float32(lesion.diameter / 2))
    reach += fractal_noise(rng, canvas, cells=12, octaves=5) * np.float32(0.03 + 0.07 * lesion.irregularity)
    if lesion.streaks:
        reach -= _streak_profile(rng)[step] * np.float32(0.24 * lesion.streaks)
    soft = 0.04 + 0.3 * (1 - lesion.sharpness)
    inside = smoothstep(reach, low=1 + soft / 2, high=1 - soft / 2)

    melanin = _pigment(rng, lesion, canvas, reach)
    layers = LesionLayers(
        melanin=melanin,
        deep_melanin=np.zeros_like(melanin),
        blood=(fractal_noise(rng, canvas, cells=7, octaves=2) * np.float32(0.5) + 1)
        * np.float32(0.5 * lesion.erythema),
        scatter=np.zeros_like(melanin),
    )
    _add_network(rng, lesion, canvas, layers, reach)
    _add_spots(rng, lesion, canvas, layers)
    if lesion.regression:
        _add_regression(rng, lesion, canvas, layers)
    if lesion.veil:
        _add_veil(rng, lesion, canvas, layers)
    if lesion.cysts:
        _add_cysts(rng, lesion, canvas, layers)
    return LesionLayers(
        melanin=layers.melanin * inside,
        deep_melanin=layers.deep_melanin * inside,
        blood=layers.blood * inside,
        scatter=layers.scatter * inside,
    )


def _pigment(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, reach: Field) -> Field:
    """The ground colour: darker in the middle, mottled, in as many shades as the variegation says."""
    depth = np.float32(0.25 + 1.1 * lesion.pigment)
    centre = 1 + np.float32(0.35) * smoothstep(reach, low=0.9, high=0.1)
    mottle = fractal_noise(rng, canvas, cells=8, octaves=4) * np.float32(0.16 + 0.25 * lesion.variegation)
    shades = noise(rng, canvas, cells=1.6 / lesion.diameter) * np.float32(lesion.variegation)
    grain = fractal_noise(rng, canvas, cells=80, octaves=2) * np.float32(0.13)
    return np.asarray(depth * np.clip(centre * (1 + mottle + grain) + shades, 0.05, 2.6), np.float32)


def _add_network(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, layers: LesionLayers, reach: Field) -> None:
    """Brown lines around lighter holes, fading towards the middle; atypical ones vary in width."""
    if lesion.network <= 0:
        return
    jitter = 0.16 + 0.16 * lesion.irregularity
    mesh = honeycomb(rng, canvas, spacing=float(rng.uniform(0.017, 0.025)), jitter=jitter)
    width = noise(rng, canvas, cells=10) * np.float32(0.05 + 0.12 * lesion.irregularity)
    lines = blurred(smoothstep(mesh + width, low=0.45, high=1.0), canvas, sigma=0.0012)
    patch = np.clip(noise(rng, canvas, cells=5) * np.float32(0.25 + 0.5 * lesion.variegation) + 0.7, 0, 1.2)
    weight = patch * smoothstep(reach, low=0.1, high=0.75) * np.float32(lesion.network)
    layers.melanin *= 1 - weight * np.float32(0.4)
    layers.melanin += lines * weight * np.float32(0.5 + 0.5 * lesion.pigment)


def _add_spots(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, layers: LesionLayers) -> None:
    """Globules (brown, round) and dots (black, tiny)."""
    area = (lesion.diameter / 0.45) ** 2
    for amount, most, sizes, depth in (
        (lesion.globules, 220, (0.005, 0.011), 0.8),
        (lesion.dots, 160, (0.0018, 0.004), 1.5),
    ):
        count = round(most * area * amount)
        if count:
            centres = _scattered(rng, lesion, count=count, spread=1.0)
            radii = rng.uniform(*sizes, count)
            spots = stamped_discs(canvas, centres=centres, radii=radii, strengths=rng.uniform(0.4, 1, count))
            layers.melanin += blurred(spots, canvas, sigma=0.0018) * np.float32(depth)


def _blob(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, *, share: float) -> Field:
    """A ragged region that covers about a share of the lesion, off its centre; 0..1."""
    (centre,) = _scattered(rng, lesion, count=1, spread=0.45)
    x, y = position(canvas)
    reach = np.hypot(x - np.float32(centre[0]), y - np.float32(centre[1])) * np.float32(2 / lesion.diameter)
    reach += fractal_noise(rng, canvas, cells=6, octaves=6) * np.float32(0.22)
    return smoothstep(reach, low=math.sqrt(share) + 0.35, high=math.sqrt(share) - 0.3)


def _add_veil(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, layers: LesionLayers) -> None:
    """Deep pigment under a whitish haze, seen as blue-grey."""
    blob = _blob(rng, lesion, canvas, share=0.06 + 0.2 * lesion.veil)
    haze = np.clip(fractal_noise(rng, canvas, cells=10, octaves=4) * np.float32(0.25) + 1, 0.3, 1.8)
    layers.melanin *= 1 - blob * np.float32(0.6)
    layers.deep_melanin += blob * haze * np.float32(1.4)
    layers.scatter += blob * haze * np.float32(0.06)


def _add_regression(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, layers: LesionLayers) -> None:
    """Pale scar with grey pepper."""
    blob = _blob(rng, lesion, canvas, share=0.05 + 0.2 * lesion.regression)
    layers.melanin *= 1 - blob * np.float32(0.75)
    layers.blood *= 1 - blob * np.float32(0.5)
    layers.scatter += blob * np.float32(0.12)
    pepper = smoothstep(noise(rng, canvas, cells=130), low=0.9, high=1.8) * blob
    layers.deep_melanin += pepper * np.float32(0.5)


def _add_cysts(rng: np.random.Generator, lesion: Lesion, canvas: Canvas, layers: LesionLayers) -> None:
    """Milia-like cysts (bright), comedo-like openings (dark), and the ridges between them."""
    ridges = np.abs(fractal_noise(rng, canvas, cells=13, octaves=4))
    layers.melanin += smoothstep(ridges, low=0.55, high=0.0) * np.float32(0.4 * lesion.cysts)
    area = (lesion.diameter / 0.45) ** 2
    bright = round(22 * lesion.cysts * area)
    dark = round(10 * lesion.cysts * area)
    cysts = stamped_discs(
        canvas,
        centres=_scattered(rng, lesion, count=bright, spread=0.9),
        radii=rng.uniform(0.003, 0.009, bright),
        strengths=rng.uniform(0.5, 1, bright),
    )
    openings = stamped_discs(
        canvas,
        centres=_scattered(rng, lesion, count=dark, spread=0.9),
        radii=rng.uniform(0.006, 0.014, dark),
        strengths=rng.uniform(0.5, 1, dark),
    )
    soft = blurred(cysts, canvas, sigma=0.004)
    layers.melanin *= 1 - soft * np.float32(0.85)
    layers.blood *= 1 - soft * np.float32(0.5)
    layers.scatter += soft * np.float32(0.06)
    layers.melanin += blurred(openings, canvas, sigma=0.003) * np.float32(1.1)
