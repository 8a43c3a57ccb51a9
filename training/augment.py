"""Random changes of a training image: one warp, one colour matrix, and losses of sharpness that real cameras cause."""

import cv2
import numpy as np
from numpy.typing import NDArray

from training.images import CachedImage, shrink_square
from training.recipes import Augmentation

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)
_QUARTER_TURNS = 4
# A linear interpolation still covers every pixel when it halves a picture.
_MOST_SHRUNK = 0.5
_LEVELS = np.arange(256)


def augment(image: CachedImage, *, size_px: int, settings: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return one random view [S, S, 3] of a cached image; the generator alone decides the result."""
    use_sharp = image.sharp is not None and rng.random() < settings.sharp_probability
    square = image.sharp if use_sharp and image.sharp is not None else image.plain
    view = _warp(square, size_px=size_px, settings=settings, rng=rng)
    view = _recolour(view, settings=settings, rng=rng)
    if rng.random() < settings.hair_probability:
        view = _hair(view, rng=rng)
    if rng.random() < settings.vignette_probability:
        view = _vignette(view, rng=rng)
    return _degrade(view, settings=settings, rng=rng)


def _warp(
    square: NDArray[np.uint8], *, size_px: int, settings: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    cropped = rng.uniform(*settings.crop_fraction)
    if size_px < _MOST_SHRUNK * square.shape[0] * cropped:
        # Interpolating would take single pixels out of many; a kiosk takes their mean.
        square = shrink_square(square, round(size_px / cropped))
    side = square.shape[0]
    scale = size_px / (side * cropped)
    quarter_turn = 90 * rng.integers(_QUARTER_TURNS) * settings.quarter_turns
    angle = np.deg2rad(rng.uniform(-settings.rotation_deg, settings.rotation_deg) + quarter_turn)
    flip = rng.choice((-1.0, 1.0))
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    linear = np.array([[cos * flip, -sin], [sin * flip, cos]])
    centre = np.full(2, (side - 1) / 2) + rng.uniform(-1, 1, 2) * settings.shift_fraction * side
    offset = np.full(2, (size_px - 1) / 2) - linear @ centre
    matrix = np.column_stack([linear, offset])
    warped = cv2.warpAffine(
        square,
        matrix,
        (size_px, size_px),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )
    return np.asarray(warped, dtype=np.uint8)


def _recolour(view: NDArray[np.uint8], *, settings: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    contrast, brightness, saturation = 1 + rng.uniform(-1, 1, 3) * (
        settings.contrast,
        settings.brightness,
        settings.saturation,
    )
    gains = 1 + rng.uniform(-1, 1, 3) * settings.channel_gain
    # Saturation mixes each channel with the grey value: one matrix does it for all pixels.
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(_GREY, (3, 1))
    linear = (gains * brightness * contrast)[:, np.newaxis] * mix
    offset = (1 - contrast) * view.mean() * np.ones((3, 1))
    recoloured = np.asarray(cv2.transform(view, np.hstack([linear, offset])), dtype=np.uint8)
    if settings.gamma == 0:
        return recoloured
    exponent = np.exp(rng.uniform(-1, 1) * settings.gamma)
    return np.asarray(cv2.LUT(recoloured, np.rint(255 * (_LEVELS / 255) ** exponent).astype(np.uint8)), dtype=np.uint8)


def _hair(view: NDArray[np.uint8], *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw some bent hairs, dark or fair, most in one direction as on skin."""
    size_px = view.shape[0]
    drawn = view.copy()
    along = rng.uniform(0, np.pi)
    colour = rng.uniform(10, 80) * np.array([1.0, 0.8, 0.65]) * rng.choice((1.0, 2.2), p=(0.85, 0.15))
    for _ in range(rng.integers(2, 16)):
        angle = along + rng.normal(0, 0.4)
        step = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.3, 1.2) * size_px
        bend = np.array([-step[1], step[0]]) * rng.normal(0, 0.15)
        middle = rng.uniform(0, size_px, 2)
        places = np.linspace(-0.5, 0.5, 12)[:, np.newaxis]
        line = middle + places * step + (1 - 4 * places**2) * bend
        # Fractions of a pixel, as hairs are often thinner than one.
        points = np.rint(line * 16).astype(np.int32)
        cv2.polylines(drawn, [points], False, colour.tolist(), int(rng.integers(1, 3)), cv2.LINE_AA, 4)  # noqa: FBT003
    opacity = rng.uniform(0.4, 1.0)
    return np.asarray(cv2.addWeighted(drawn, opacity, view, 1 - opacity, 0), dtype=np.uint8)


def _vignette(view: NDArray[np.uint8], *, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Darken outside a circle, softly as a lens does or sharply as a tube."""
    size_px = view.shape[0]
    radius = rng.uniform(0.48, 0.75) * size_px
    softness = rng.choice((0.01, 0.25), p=(0.5, 0.5)) * size_px
    centre = (size_px - 1) / 2 + rng.normal(0, 0.02, 2) * size_px
    offsets = np.arange(size_px, dtype=np.float32)
    distance = np.hypot(offsets[:, np.newaxis] - centre[1], offsets - centre[0])
    light = np.clip(0.5 + (radius - distance) / (2 * softness), rng.uniform(0.0, 0.15), 1.0)
    return np.asarray(view * light[:, :, np.newaxis], dtype=np.uint8)


def _degrade(view: NDArray[np.uint8], *, settings: Augmentation, rng: np.random.Generator) -> NDArray[np.uint8]:
    size_px = view.shape[0]
    if rng.random() < settings.downscale_probability:
        small = max(1, round(size_px * rng.uniform(*settings.downscale)))
        view = np.asarray(cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA), dtype=np.uint8)
        view = np.asarray(cv2.resize(view, (size_px, size_px), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    if rng.random() < settings.blur_probability:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), rng.uniform(*settings.blur_sigma_px)), dtype=np.uint8)
    if rng.random() < settings.jpeg_probability:
        quality = int(rng.integers(*settings.jpeg_quality, endpoint=True))
        _, encoded = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])
        view = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)
    return view
