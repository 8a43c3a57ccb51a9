"""Random fields on a canvas measured in frame heights, so that one scene looks the same at every resolution."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""One value a pixel, (height, width)."""


@dataclass(frozen=True)
class Canvas:
    """Size of the rendered picture."""

    width_px: int
    height_px: int

    @property
    def aspect(self) -> float:
        """Width in heights."""
        return self.width_px / self.height_px

    def px(self, heights: float) -> float:
        """A length in pixels."""
        return heights * self.height_px

    def point(self, x: float, y: float) -> tuple[float, float]:
        """A pixel position from heights, the origin in the centre."""
        return self.width_px / 2 + self.px(x), self.height_px / 2 + self.px(y)


def resized(field: Field, canvas: Canvas) -> Field:
    """The field at the canvas's resolution."""
    growing = field.shape[0] < canvas.height_px
    interpolation = cv2.INTER_CUBIC if growing else cv2.INTER_AREA
    return np.asarray(cv2.resize(field, (canvas.width_px, canvas.height_px), interpolation=interpolation), np.float32)


def noise(rng: np.random.Generator, canvas: Canvas, *, cells: float) -> Field:
    """Smooth noise with `cells` bumps a frame height, zero mean and about unit deviation."""
    rows = max(2, round(cells))
    columns = max(2, round(cells * canvas.aspect))
    return resized(rng.standard_normal((rows, columns), np.float32), canvas)


def fractal_noise(rng: np.random.Generator, canvas: Canvas, *, cells: float, octaves: int) -> Field:
    """Noise whose finer octaves have half the amplitude each."""
    total = noise(rng, canvas, cells=cells)
    for octave in range(1, octaves):
        total += noise(rng, canvas, cells=cells * 2**octave) * np.float32(0.5**octave)
    return total


def position(canvas: Canvas) -> tuple[Field, Field]:
    """The x and y of each pixel in heights, the origin in the centre."""
    x = (np.arange(canvas.width_px, dtype=np.float32) + 0.5 - canvas.width_px / 2) / canvas.height_px
    y = (np.arange(canvas.height_px, dtype=np.float32) + 0.5 - canvas.height_px / 2) / canvas.height_px
    grid_x, grid_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    return grid_x, grid_y


def smoothstep(field: Field, *, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, smooth between; reversed where low > high."""
    t = np.clip((field - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def blurred(field: Field, canvas: Canvas, *, sigma: float) -> Field:
    """Gaussian blur, sigma in heights."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), max(0.3, canvas.px(sigma))), np.float32)


def shifted(field: Field, step: int) -> Field:
    """The field moved down and right by `step` pixels, its edge repeated; for shadows and the slope of relief."""
    moved = cv2.copyMakeBorder(field, step, 0, step, 0, cv2.BORDER_REPLICATE)
    return np.asarray(moved[: field.shape[0], : field.shape[1]], np.float32)


def honeycomb(rng: np.random.Generator, canvas: Canvas, *, spacing: float, jitter: float) -> Field:
    """Distance to the nearest of jittered hexagonal cell centres: 0 in a centre, about 1 on the cells' borders."""
    rows = int(1 / spacing / 0.866) + 3
    columns = int(canvas.aspect / spacing) + 3
    row, column = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x = (column + 0.5 * (row % 2) - 1) * spacing
    y = (row - 1) * spacing * 0.866
    shift = rng.normal(0, jitter * spacing, (2, rows, columns))
    column_px = np.round((x + shift[0]) * canvas.height_px).astype(np.int64)
    row_px = np.round((y + shift[1]) * canvas.height_px).astype(np.int64)
    inside = (column_px >= 0) & (column_px < canvas.width_px) & (row_px >= 0) & (row_px < canvas.height_px)
    seeds = np.full((canvas.height_px, canvas.width_px), 255, np.uint8)
    seeds[row_px[inside], column_px[inside]] = 0
    distance = cv2.distanceTransform(seeds, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.asarray(distance, np.float32) * np.float32(1 / (0.55 * canvas.px(spacing)))


def stamped_discs(
    canvas: Canvas,
    *,
    centres: NDArray[np.float64],
    radii: NDArray[np.float64],
    strengths: NDArray[np.float64],
) -> Field:
    """Anti-aliased discs; where they overlap the later one shows. Lengths in heights."""
    layer = np.zeros((canvas.height_px, canvas.width_px), np.uint8)
    for (x, y), radius, strength in zip(centres, radii, strengths, strict=True):
        column, row = canvas.point(x, y)
        cv2.circle(
            layer,
            (round(column * 16), round(row * 16)),
            round(max(0.6, canvas.px(radius)) * 16),
            (float(np.clip(strength, 0, 1) * 255),),
            thickness=-1,
            lineType=cv2.LINE_AA,
            shift=4,
        )
    return np.asarray(layer, np.float32) * np.float32(1 / 255)
