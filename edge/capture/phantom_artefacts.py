"""What lies between lens and skin in a real photograph: hair, immersion bubbles, ruler, field stop."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.capture.phantom_field import Canvas, Field, blurred, position, resized, smoothstep

_HAIR_PIECES = 24


@dataclass(frozen=True)
class Artefacts:
    """How much gets in the way."""

    hairs: int = 4
    hair_darkness: float = 0.8
    bubbles: int = 2
    ruler: bool = False
    aperture: float = 0.0
    """Diameter of the circular field stop in frame heights; 0 for none."""
    vignette: float = 0.2
    """Loss of light in the corners, 0..1."""


def add_artefacts(rng: np.random.Generator, artefacts: Artefacts, canvas: Canvas, image: Field) -> None:
    """Draw all of them onto a linear picture of three planes, (3, height, width), in place."""
    if artefacts.hairs:
        _add_hair(rng, artefacts, canvas, image)
    for _ in range(artefacts.bubbles):
        _add_bubble(rng, canvas, image)
    light = _field_stop(rng, artefacts, canvas)
    if artefacts.ruler:
        light *= 1 - _ruler(rng, canvas) * np.float32(0.9)
    image *= light


def _add_hair(rng: np.random.Generator, artefacts: Artefacts, canvas: Canvas, image: Field) -> None:
    """Curved, tapered hairs that follow one direction loosely, each with a soft shadow."""
    mask = np.zeros((canvas.height_px, canvas.width_px), np.uint8)
    growth = rng.uniform(0, 2 * math.pi)
    half = canvas.aspect / 2
    t = np.linspace(0, 1, _HAIR_PIECES + 1)[:, None]
    for _ in range(artefacts.hairs):
        root = np.array([rng.uniform(-half, half), rng.uniform(-0.5, 0.5)])
        direction = growth + rng.normal(0, 0.45)
        length = rng.uniform(0.2, 1.1)
        bend = rng.normal(0, 0.18) * length
        along = np.array([math.cos(direction), math.sin(direction)])
        across = np.array([-along[1], along[0]])
        curve = root + along * length * t + across * bend * t**2
        pixels = np.round((curve * canvas.height_px + [canvas.width_px / 2, canvas.height_px / 2]) * 16)
        thickness = canvas.px(rng.uniform(0.002, 0.0065))
        for piece in range(_HAIR_PIECES):
            width = max(1, round(thickness * (1 - 0.75 * piece / _HAIR_PIECES)))
            ends = pixels[piece : piece + 2].astype(np.int32)
            cv2.polylines(mask, [ends], isClosed=False, color=(255,), thickness=width, lineType=cv2.LINE_AA, shift=4)
    hair = np.asarray(mask, np.float32) * np.float32(1 / 255)
    shift = round(canvas.px(0.004))
    shadow = np.roll(blurred(hair, canvas, sigma=0.003), (shift, shift), axis=(0, 1))
    black, blond = np.array([0.012, 0.009, 0.007]), np.array([0.20, 0.12, 0.06])
    opacity = hair * np.float32(0.92)
    image *= (1 - shadow * np.float32(0.25)) * (1 - opacity)
    colour = (blond + (black - blond) * artefacts.hair_darkness).astype(np.float32)
    image += opacity * colour[:, None, None]


def _add_bubble(rng: np.random.Generator, canvas: Canvas, image: Field) -> None:
    """A dark rim, a light inside, and the ring light's reflection."""
    radius = rng.uniform(0.012, 0.045)
    half = canvas.aspect / 2
    column, row = canvas.point(rng.uniform(-half, half), rng.uniform(-0.5, 0.5))
    margin = canvas.px(radius * 1.3)
    left, right = max(0, int(column - margin)), min(canvas.width_px, int(column + margin) + 2)
    top, bottom = max(0, int(row - margin)), min(canvas.height_px, int(row + margin) + 2)
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    dx = (columns - np.float32(column)) / np.float32(canvas.px(radius))
    dy = (rows - np.float32(row)) / np.float32(canvas.px(radius))
    reach = np.hypot(dx, dy)
    rim = np.exp(-np.square((reach - 1) / np.float32(0.07)))
    inside = smoothstep(reach, low=1.0, high=0.8)
    arc = np.exp(-np.square((reach - np.float32(0.72)) / np.float32(0.06))) * smoothstep(-dx - dy, low=0.5, high=0.95)
    patch = image[:, top:bottom, left:right]
    patch *= 1 - np.float32(0.45) * rim + np.float32(0.1) * inside
    patch += np.float32(0.5) * arc


def _ruler(rng: np.random.Generator, canvas: Canvas) -> Field:
    """Millimetre ticks on the front glass, along one edge; 0..1."""
    ticks = np.zeros((canvas.height_px, canvas.width_px), np.uint8)
    edge = 0.5 - rng.uniform(0.02, 0.06)
    spacing = 0.1
    for index in range(int(canvas.aspect / spacing) + 1):
        x = -canvas.aspect / 2 + index * spacing
        start, end = canvas.point(x, edge), canvas.point(x, edge - (0.055 if index % 5 == 0 else 0.03))
        cv2.line(
            ticks,
            (round(start[0] * 16), round(start[1] * 16)),
            (round(end[0] * 16), round(end[1] * 16)),
            (255,),
            thickness=max(1, round(canvas.px(0.003))),
            lineType=cv2.LINE_AA,
            shift=4,
        )
    return np.asarray(ticks, np.float32) * np.float32(1 / 255)


def _field_stop(rng: np.random.Generator, artefacts: Artefacts, canvas: Canvas) -> Field:
    """Uneven light, and the dark corners of a round front lens, as a factor."""
    coarse = Canvas(canvas.width_px // 2, canvas.height_px // 2)
    x, y = position(coarse)
    tilt = rng.normal(0, 0.05, 2).astype(np.float32)
    light = 1 - np.float32(artefacts.vignette) * (x * x + y * y) + x * tilt[0] + y * tilt[1]
    if artefacts.aperture:
        radius = artefacts.aperture / 2
        off_x, off_y = rng.normal(0, 0.015, 2).astype(np.float32)
        opening = smoothstep(cv2.magnitude(x - off_x, y - off_y), low=radius + 0.012, high=radius - 0.012)
        light *= opening * np.float32(0.985) + np.float32(0.015)
    return resized(np.asarray(light, np.float32), canvas)
