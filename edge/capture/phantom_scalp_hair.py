"""The hair of a simulated scalp: follicles that hold one to three hairs, combed, parted or cut short."""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom_field import Canvas, Field, blurred, shifted

_PIECES: Final = 14
_LIFTED_SHARE: Final = 0.2
"""Hairs above the focal plane."""
_OPACITY: Final = 0.94
_PALETTE: Final = np.array([[0.010, 0.008, 0.007], [0.055, 0.030, 0.016], [0.21, 0.12, 0.055], [0.30, 0.28, 0.26]])
"""Linear RGB of black, brown, fair and grey hair."""


@dataclass(frozen=True)
class ScalpHair:
    """How the hair lies."""

    follicles_per_mm2: float = 0.5
    """Follicular units; 0.6..1 where nothing is parted, combed away or lost."""
    shade: float = 0.3
    """0 black, 1/3 brown, 2/3 fair, 1 grey."""
    width_mm: float = 0.075
    length_mm: float = 12.0
    """Typical; below 2 mm the hair is cut."""
    direction_rad: float = 0.0
    spread_rad: float = 0.25
    """Deviation of a hair's direction from the growth of its neighbours."""
    parted: float = 0.0
    """1 where the hairs of the two halves of the frame are combed apart, 0 where all lie one way."""


def follicle_positions(
    rng: np.random.Generator, hair: ScalpHair, *, width_mm: float, height_mm: float
) -> NDArray[np.float64]:
    """Centres of the follicular units, (count, 2), in mm from the frame's centre; some lie beyond its edge."""
    spacing = 1 / math.sqrt(hair.follicles_per_mm2)
    columns, rows = (math.ceil(size / spacing) + 3 for size in (width_mm, height_mm))
    row, column = np.mgrid[0:rows, 0:columns]
    grid = np.stack([column + 0.5 * (row % 2) - columns / 2, row - rows / 2], axis=-1).reshape(-1, 2)
    return np.asarray(spacing * (grid + rng.normal(0, 0.22, grid.shape)), np.float64)


def add_hair(
    rng: np.random.Generator,
    hair: ScalpHair,
    canvas: Canvas,
    image: Field,
    *,
    follicles: NDArray[np.float64],
    field_mm: float,
) -> None:
    """Draw the hairs onto a linear picture of three planes, (3, height, width), in place."""
    shape = (canvas.height_px, canvas.width_px)
    layers = [(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) for _ in range(2)]
    shade = float(np.clip(hair.shade, 0, 1))
    part = rng.uniform(-0.25, 0.25) * field_mm
    across = np.array([-math.sin(hair.direction_rad), math.cos(hair.direction_rad)])
    for follicle in follicles:
        away = 1.0 if follicle @ across > part else -1.0
        turn = hair.parted * (math.pi / 2) * away
        heading = hair.direction_rad + turn + rng.normal(0, 0.12)
        for _ in range(rng.choice([1, 2, 3], p=[0.45, 0.4, 0.15])):
            lifted = int(rng.random() < _LIFTED_SHARE)
            curve = _curve(rng, hair, follicle, heading=heading + rng.normal(0, hair.spread_rad))
            width_mm = hair.width_mm * float(np.clip(rng.lognormal(0, 0.28), 0.35, 1.6))
            _draw(rng, curve, width_mm, layers[lifted], canvas, field_mm=field_mm)
    for lifted, (cover, tone) in enumerate(layers):
        _composite(cover, tone, shade, canvas, image, sigma_mm=0.05 if lifted else 0.006, field_mm=field_mm)


def _curve(
    rng: np.random.Generator, hair: ScalpHair, root: NDArray[np.float64], *, heading: float
) -> NDArray[np.float64]:
    length = hair.length_mm * rng.lognormal(0, 0.4)
    steps = np.linspace(0, 1, _PIECES + 1)[1:]
    curl, wave = rng.normal(0, 0.22), rng.normal(0, 0.07)
    headings = heading + curl * steps + wave * np.sin(steps * length * rng.uniform(0.5, 1.4) + rng.uniform(0, 6))
    move = length / _PIECES * np.column_stack([np.cos(headings), np.sin(headings)])
    start = root + rng.normal(0, 0.06, 2)
    return np.concatenate([start[None], start + np.cumsum(move, axis=0)])


def _draw(
    rng: np.random.Generator,
    curve: NDArray[np.float64],
    width_mm: float,
    layer: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    canvas: Canvas,
    *,
    field_mm: float,
) -> None:
    """One hair: a dark cylinder with a lighter line along it, where it mirrors the ring light."""
    cover, tone = layer
    px_per_mm = canvas.height_px / field_mm
    pixels = np.round((curve * px_per_mm + [canvas.width_px / 2, canvas.height_px / 2]) * 16).astype(np.int32)
    width_px = width_mm * px_per_mm
    thickness = max(1, round(width_px))
    opacity = min(1.0, width_px / thickness) * 255
    body = rng.uniform(85, 140)
    # The root lies in the skin, so that the hair grows out of its follicle instead of beginning at full width.
    root, shaft = pixels[:2], pixels[1:]
    narrow = max(1, thickness - 1)
    cv2.polylines(
        cover, [root], isClosed=False, color=(0.6 * opacity,), thickness=narrow, lineType=cv2.LINE_AA, shift=4
    )
    cv2.polylines(cover, [shaft], isClosed=False, color=(opacity,), thickness=thickness, lineType=cv2.LINE_AA, shift=4)
    cv2.polylines(tone, [pixels], isClosed=False, color=(body,), thickness=thickness, lineType=cv2.LINE_AA, shift=4)
    gleam, phase = rng.uniform(0, 90), rng.uniform(0, 6)
    line = max(1, round(width_px * 0.35))
    for piece in range(0, _PIECES, 2):
        ends = pixels[piece : piece + 3]
        light = body + gleam * (0.6 + 0.4 * math.sin(phase + 0.9 * piece))
        cv2.polylines(tone, [ends], isClosed=False, color=(light,), thickness=line, lineType=cv2.LINE_AA, shift=4)


def _composite(
    cover: NDArray[np.uint8],
    tone: NDArray[np.uint8],
    shade: float,
    canvas: Canvas,
    image: Field,
    *,
    sigma_mm: float,
    field_mm: float,
) -> None:
    opacity = blurred(np.asarray(cover, np.float32) * np.float32(_OPACITY / 255), canvas, sigma=sigma_mm / field_mm)
    light = blurred(np.asarray(tone, np.float32) * np.float32(1 / 120), canvas, sigma=sigma_mm / field_mm)
    shift = max(1, round(canvas.px(0.05 / field_mm)))
    shadow = shifted(blurred(opacity, canvas, sigma=0.06 / field_mm), shift)
    dim = (1 - shadow * np.float32(0.28)) * (1 - opacity)
    at = shade * (len(_PALETTE) - 1)
    colour = [float(np.interp(at, np.arange(len(_PALETTE)), channel)) for channel in _PALETTE.T]
    # Tone squared: the gleam of a cylinder is much brighter than its body.
    light *= light
    image *= dim
    image += np.minimum(light, 4) * opacity * np.array(colour, np.float32)[:, None, None]
