"""What lies on or in the skin of a simulated scalp beside vessels: scale, flakes, pale areas, honeycomb, follicles."""

from dataclasses import dataclass, replace
from typing import Final, Self

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
    resized,
    shifted,
    smoothstep,
    stamped_discs,
)
from edge.capture.phantom_scalp_signs import Signs

_SILVER: Final = np.array([0.80, 0.81, 0.82], np.float32)
_YELLOW: Final = np.array([0.78, 0.64, 0.36], np.float32)
_PALE_WHITE: Final = np.array([0.66, 0.60, 0.57], np.float32)
_PALE_YELLOW: Final = np.array([0.66, 0.50, 0.27], np.float32)


@dataclass(frozen=True)
class Cover:
    """Something opaque over the skin."""

    opacity: Field
    light: Field
    """Factor of its colour: relief and shine."""
    colour: NDArray[np.float32]
    """Linear RGB."""

    def at(self, canvas: Canvas) -> Self:
        """The same at the canvas's resolution."""
        return replace(self, opacity=resized(self.opacity, canvas), light=resized(self.light, canvas))

    def lay_on(self, image: Field) -> None:
        """Composite onto a linear picture of three planes, in place."""
        image *= 1 - self.opacity
        image += self.light * self.opacity * self.colour[:, None, None]


def _mixed(white: NDArray[np.float32], yellow: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    return np.asarray(white + (yellow - white) * np.float32(share), np.float32)


def structureless_areas(rng: np.random.Generator, signs: Signs, canvas: Canvas, *, field_mm: float) -> Cover:
    """Pale, hazy areas in which vessels fade."""
    coarse = Canvas(max(8, canvas.width_px // 4), max(8, canvas.height_px // 4))
    shape = fractal_noise(rng, coarse, cells=field_mm / 2.2, octaves=3)
    area = smoothstep(shape, low=0.2, high=1.3)
    opacity = resized(np.asarray(area * np.float32(0.55 * signs.structureless), np.float32), canvas)
    light = resized(np.asarray(1 + 0.06 * noise(rng, coarse, cells=field_mm * 3), np.float32), canvas)
    return Cover(np.clip(opacity, 0, 1), light, _mixed(_PALE_WHITE, _PALE_YELLOW, signs.structureless_yellow))


def honeycomb_melanin(rng: np.random.Generator, signs: Signs, canvas: Canvas, *, field_mm: float) -> Field:
    """Brown rings around paler holes, in patches; as melanin."""
    mesh = honeycomb(rng, canvas, spacing=float(rng.uniform(0.22, 0.32)) / field_mm, jitter=0.13)
    lines = blurred(smoothstep(mesh, low=0.4, high=1.0), canvas, sigma=0.02 / field_mm)
    patch = smoothstep(noise(rng, canvas, cells=field_mm / 3), low=-0.8, high=0.8)
    return np.asarray((lines - np.float32(0.3)) * patch * np.float32(0.3 * signs.honeycomb), np.float32)


def scale_plates(rng: np.random.Generator, signs: Signs, canvas: Canvas, *, field_mm: float) -> Cover:
    """Dry lamellae that overlap, torn at their edges and lit from one side; greasy scale is flatter and shinier."""
    size = signs.scale_size_mm / field_mm
    coarse = Canvas(canvas.width_px // 2, canvas.height_px // 2)
    place = fractal_noise(rng, coarse, cells=0.3 / size, octaves=3)
    level = float(np.quantile(place[::4, ::4], 1 - 0.55 * signs.scale))
    extent = smoothstep(place, low=level - 0.5, high=level + 0.7)
    tear = fractal_noise(rng, coarse, cells=2.5 / size, octaves=3) * np.float32(0.22)
    thickness = np.zeros_like(extent)
    for _ in range(_LAMELLAE):
        sheet = noise(rng, coarse, cells=0.75 / size) + tear
        edge = 0.95 - 1.5 * extent
        thickness += np.clip((sheet - edge) * np.float32(9), 0, 1) * rng.uniform(0.14, 0.38) * extent
    cracks = np.exp(-np.square((noise(rng, coarse, cells=1.1 / size) + tear) * np.float32(11)))
    thickness *= 1 - np.float32(0.4) * cracks
    thickness = resized(thickness, canvas)
    grain = noise(rng, canvas, cells=field_mm / 0.05)
    relief = thickness * np.float32(0.9) + resized(tear, canvas) * np.float32(0.2) + grain * np.float32(0.03)
    step = max(1, round(canvas.px(0.025 / field_mm)))
    slope = relief - shifted(relief, step)
    shine = smoothstep(grain + slope * np.float32(3), low=1.3, high=2.4)
    light = 0.86 + np.clip(slope * np.float32(0.75), -0.3, 0.3) + shine * np.float32(0.15 + 0.25 * signs.scale_yellow)
    dust = np.clip(
        1 + noise(rng, canvas, cells=field_mm / 0.35) * np.float32(0.18) + grain * np.float32(0.06), 0.3, 1.3
    )
    opacity = np.clip(thickness * dust * np.float32(rng.uniform(0.7, 1.1)), 0, 0.93)
    return Cover(opacity, np.asarray(light, np.float32), _mixed(_SILVER, _YELLOW, signs.scale_yellow))


_LAMELLAE: Final = 4


def flakes(rng: np.random.Generator, signs: Signs, canvas: Canvas, *, field_mm: float) -> Cover:
    """Single loose flakes: thin, ragged, brighter at the edges that stand up."""
    px_per_mm = canvas.height_px / field_mm
    width_mm = canvas.aspect * field_mm
    count = int(rng.poisson(0.6 * signs.scale * width_mm * field_mm))
    opacity = np.zeros((canvas.height_px, canvas.width_px), np.uint8)
    light = np.full((canvas.height_px, canvas.width_px), 160, np.uint8)
    origin = np.array([canvas.width_px / 2, canvas.height_px / 2])
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    for _ in range(count):
        wave = sum(rng.normal(0, 0.3) / order * np.cos(order * angle + rng.uniform(0, 6)) for order in range(2, 6))
        radius = 0.24 * signs.scale_size_mm * rng.lognormal(0, 0.5) * (1 + wave + rng.normal(0, 0.09, len(angle)))
        centre = rng.uniform(-0.5, 0.5, 2) * [width_mm, field_mm]
        lean, slim = rng.uniform(0, np.pi), rng.uniform(0.4, 1)
        x, y = radius * np.cos(angle), radius * slim * np.sin(angle)
        outline = centre + np.column_stack([x * np.cos(lean) - y * np.sin(lean), x * np.sin(lean) + y * np.cos(lean)])
        pixels = [np.round((outline * px_per_mm + origin) * 16).astype(np.int32)]
        cv2.fillPoly(opacity, pixels, (rng.uniform(40, 170),), lineType=cv2.LINE_AA, shift=4)
        cv2.fillPoly(light, pixels, (rng.uniform(130, 180),), lineType=cv2.LINE_AA, shift=4)
        rim = [pixels[0][: int(rng.integers(5, 16))]]
        cv2.polylines(light, rim, isClosed=False, color=(205,), thickness=1, lineType=cv2.LINE_AA, shift=4)
    edge = np.asarray(opacity, np.float32) * np.float32(1 / 255)
    edge *= np.clip(1 + noise(rng, canvas, cells=field_mm / 0.12) * np.float32(0.3), 0.15, 1.3)
    return Cover(
        np.clip(blurred(edge, canvas, sigma=0.01 / field_mm), 0, 1),
        blurred(np.asarray(light, np.float32), canvas, sigma=0.01 / field_mm) * np.float32(1 / 170),
        _mixed(_SILVER, _YELLOW, signs.scale_yellow),
    )


def follicle_halos(
    rng: np.random.Generator, signs: Signs, canvas: Canvas, *, follicles: NDArray[np.float64], field_mm: float
) -> tuple[Cover, Field]:
    """A pale or yellow scale ring around each follicle, and the dark opening in its middle, as melanin."""
    count = len(follicles)
    centres = follicles / field_mm
    halo = stamped_discs(
        canvas,
        centres=centres,
        radii=rng.uniform(0.11, 0.22, count) / field_mm,
        strengths=rng.uniform(0.1, 1, count),
    )
    halo = blurred(halo, canvas, sigma=0.05 / field_mm)
    halo *= np.clip(1 + noise(rng, canvas, cells=field_mm / 0.15) * np.float32(0.4), 0, 1.6)
    opening = stamped_discs(
        canvas, centres=centres, radii=rng.uniform(0.03, 0.06, count) / field_mm, strengths=rng.uniform(0.3, 1, count)
    )
    cover = Cover(
        np.clip(halo * np.float32(0.7 * signs.perifollicular), 0, 1),
        np.ones_like(halo),
        _mixed(_PALE_WHITE, _PALE_YELLOW, signs.structureless_yellow),
    )
    return cover, blurred(opening, canvas, sigma=0.02 / field_mm) * np.float32(0.7)
