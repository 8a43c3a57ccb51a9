"""The vessels of a simulated scalp: dots, hairpin loops, rings, branching trees and curved lines, as amounts of blood.

Capillary loops are drawn some two times their size in skin: at their own they would be single points in the 224 px
that a network sees of a field at 20 times.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.phantom_field import Canvas, Field, blurred, noise
from edge.capture.phantom_scalp_signs import Signs, VesselForm

Points = NDArray[np.float64]
"""A line's points, (count, 2), in mm from the frame's centre."""

_SPREAD_MM: Final = 0.012
"""Deviation of the blur that the skin above a vessel gives it."""
_SHORTEST_STEP_MM: Final = 0.05
_REGULAR_CLEARANCE: Final = 0.85
"""How near evenly spaced elements may come, as a share of the spacing of a perfect grid."""
_PLACING_TRIES: Final = 12
_MARGIN_MM: Final = 0.6
"""How far beyond the frame vessels are placed, so that long ones reach in as often as out."""


@dataclass(frozen=True)
class VesselLine:
    """One unbranched piece of vessel."""

    points: Points
    width_mm: float
    strength: float

    def area_mm2(self, half: Points) -> float:
        """Skin that it covers within the frame, whose half width and half height are given."""
        inside = (np.abs(self.points[1:]) <= half).all(axis=1)
        return float(np.hypot(*np.diff(self.points, axis=0)[inside].T).sum()) * self.width_mm


@dataclass(frozen=True)
class VesselDot:
    """A capillary loop seen end on."""

    centre: Points
    radius_mm: float
    strength: float

    @property
    def area_mm2(self) -> float:
        """Skin that it covers."""
        return math.pi * self.radius_mm**2


@dataclass
class VesselBed:
    """All vessels of one picture, by form."""

    lines: dict[VesselForm, list[list[VesselLine]]] = field(default_factory=dict)
    dots: list[VesselDot] = field(default_factory=list)

    def count(self, form: VesselForm) -> int:
        """How many of a form there are; a tree counts as one."""
        return len(self.dots) if form == "dots" else len(self.lines.get(form, []))


def draw_bed(rng: np.random.Generator, signs: Signs, *, width_mm: float, height_mm: float) -> VesselBed:
    """Place vessels of each form until they cover their share of the field.

    Every form draws the width and the strength of its lines from the same distribution, so that only the shape of the
    vessels differs.
    """
    bed = VesselBed()
    area = width_mm * height_mm * signs.vessel_cover
    half = np.array([width_mm / 2, height_mm / 2])
    place = _Placing(rng, half=half + _MARGIN_MM)
    for form, share in signs.forms.items():
        left = area * share
        if form == "dots":
            place.space_out(left / _TYPICAL_DOT_MM2, regularity=signs.regularity)
            while (dot := _dot(rng, place.next())).area_mm2 * rng.random() < left:
                bed.dots.append(dot)
                left -= dot.area_mm2 if (np.abs(dot.centre) <= half).all() else 0.0
            continue
        make, typical_mm2 = _MAKERS[form]
        place.space_out(left / typical_mm2, regularity=signs.regularity if form in _LOOPS else 0.0)
        bed.lines[form] = []
        while True:
            vessel = make(rng, place.next())
            covered = sum(line.area_mm2(half) for line in vessel)
            # A vessel larger than what is left is drawn with the chance that keeps the mean cover right.
            if covered * rng.random() > left:
                break
            bed.lines[form].append(vessel)
            left -= covered
    return bed


class _Placing:
    """Positions in the field, kept apart from one another where they shall look regular."""

    def __init__(self, rng: np.random.Generator, *, half: Points) -> None:
        self._rng = rng
        self._half = half
        self._clearance = 0.0
        self._taken: list[Points] = []

    def space_out(self, expected: float, *, regularity: float) -> None:
        """Prepare for about this many positions."""
        grid = math.sqrt(4 * float(np.prod(self._half)) / max(1.0, expected))
        self._clearance = regularity * _REGULAR_CLEARANCE * grid
        self._taken = []

    def next(self) -> Points:
        """A position, as far from the others as a few tries find."""
        best = self._rng.uniform(-self._half, self._half)
        best_gap = self._gap(best)
        for _ in range(_PLACING_TRIES):
            if best_gap >= self._clearance:
                break
            candidate = self._rng.uniform(-self._half, self._half)
            if (gap := self._gap(candidate)) > best_gap:
                best, best_gap = candidate, gap
        self._taken.append(best)
        return best

    def _gap(self, point: Points) -> float:
        if not self._taken or not self._clearance:
            return math.inf
        return float(np.hypot(*(np.array(self._taken) - point).T).min())


def _width(rng: np.random.Generator) -> float:
    return 0.042 * float(rng.lognormal(0, 0.22))


def _strength(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.5, 1.0))


def _turned(points: Points, centre: Points, angle: float) -> Points:
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return np.asarray(points @ turn + centre, np.float64)


def _dot(rng: np.random.Generator, centre: Points) -> VesselDot:
    return VesselDot(centre, radius_mm=0.055 * float(rng.lognormal(0, 0.25)), strength=_strength(rng))


def _hairpin(rng: np.random.Generator, centre: Points) -> list[VesselLine]:
    """Two limbs that meet in a bend; many are twisted about each other."""
    length, gap = 0.42 * rng.lognormal(0, 0.25), 0.15 * rng.lognormal(0, 0.18)
    along = np.linspace(-length / 2, length / 2, 16)
    twist = rng.choice([0.0, 0.5, 1.0], p=[0.45, 0.35, 0.2])
    side = gap / 2 * np.cos(math.pi * twist * (0.5 + along / length) + rng.uniform(-0.3, 0.3))
    bend = np.linspace(-math.pi / 2, math.pi / 2, 8)[1:-1]
    tip = np.column_stack([along[-1] + gap / 2 * np.cos(bend), side[-1] * -np.sin(bend)])
    points = np.concatenate([np.column_stack([along, side]), tip, np.column_stack([along, -side])[::-1]])
    points[:, 1] += rng.normal(0, 0.12) / length * points[:, 0] ** 2
    return [VesselLine(_turned(points, centre, rng.uniform(0, 2 * math.pi)), _width(rng), _strength(rng))]


def _ring(rng: np.random.Generator, centre: Points) -> list[VesselLine]:
    """A loop seen from above: a ring, open or closed, not quite round."""
    angle = np.linspace(0, 2 * math.pi * rng.uniform(0.8, 1.05), 26)
    radius = 0.14 * rng.lognormal(0, 0.25) * (1 + 0.12 * np.cos(2 * angle + rng.uniform(0, 6)))
    radius *= 1 + 0.06 * np.cos(3 * angle + rng.uniform(0, 6))
    points = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return [VesselLine(_turned(points, centre, rng.uniform(0, 2 * math.pi)), _width(rng), _strength(rng))]


def _wander(rng: np.random.Generator, start: Points, *, heading: float, length: float, bend: float) -> Points:
    """A smooth walk of this length; `bend` is the deviation of its turning, in radians a root mm."""
    count = max(4, math.ceil(length / _SHORTEST_STEP_MM))
    step = length / count
    turning = np.cumsum(rng.normal(0, bend * math.sqrt(step), count))
    swing = rng.uniform(0.1, 0.35) * np.sin(np.arange(count) * step * 2 * math.pi / rng.uniform(0.5, 1.2))
    headings = heading + turning + swing
    steps = step * np.column_stack([np.cos(headings), np.sin(headings)])
    return np.concatenate([start[None], start + np.cumsum(steps, axis=0)])


def _curved(rng: np.random.Generator, centre: Points) -> list[VesselLine]:
    """A single curved line, the atypical vessel of seborrheic dermatitis."""
    points = _wander(
        rng, np.zeros(2), heading=rng.uniform(0, 2 * math.pi), length=0.95 * rng.lognormal(0, 0.35), bend=1.0
    )
    return [VesselLine(points - points.mean(axis=0) + centre, _width(rng), _strength(rng))]


def _tree(rng: np.random.Generator, centre: Points) -> list[VesselLine]:
    """A stem that forks into ever thinner branches."""
    strength = _strength(rng)
    # The stem is wider than other vessels and its twigs thinner; over the tree's length the mean is the same.
    width = 1.2 * _width(rng)
    lines: list[VesselLine] = []
    reach = 1.5 * rng.lognormal(0, 0.25)
    stem = _wander(rng, np.zeros(2), heading=rng.uniform(0, 2 * math.pi), length=reach, bend=0.55)
    todo = [(stem, width, 0)]
    while todo:
        points, width, order = todo.pop()
        lines.append(VesselLine(points, width, strength))
        if order == _MOST_ORDERS:
            continue
        for at in _forks(rng, len(points), most=3 - order):
            ahead = points[at] - points[at - 1]
            heading = math.atan2(ahead[1], ahead[0]) + rng.choice([-1, 1]) * rng.uniform(0.45, 1.0)
            length = reach * rng.uniform(0.35, 0.65) * 0.62**order
            branch = _wander(rng, points[at], heading=heading, length=length, bend=0.7)
            todo.append((branch, width * 0.76, order + 1))
    middle = np.concatenate([line.points for line in lines]).mean(axis=0)
    return [VesselLine(line.points - middle + centre, line.width_mm, line.strength) for line in lines]


_MOST_ORDERS: Final = 2


def _forks(rng: np.random.Generator, points: int, *, most: int) -> Iterator[int]:
    for share in rng.uniform(0.2, 0.95, int(rng.integers(1, most + 1))):
        yield max(1, min(points - 1, round(share * points)))


_TYPICAL_DOT_MM2: Final = 0.0098
_LOOPS: Final = frozenset({"hairpin", "annular"})
_MAKERS: Final[Mapping[VesselForm, tuple[Callable[[np.random.Generator, Points], list[VesselLine]], float]]] = {
    "hairpin": (_hairpin, 0.042),
    "annular": (_ring, 0.036),
    "branching": (_tree, 0.19),
    "curved": (_curved, 0.042),
}


def vessel_blood(rng: np.random.Generator, bed: VesselBed, canvas: Canvas, *, field_mm: float) -> Field:
    """The bed as blood, 0..1 of the densest vessel; `field_mm` is the frame's height."""
    layer = np.zeros((canvas.height_px, canvas.width_px), np.uint8)
    px_per_mm = canvas.height_px / field_mm
    origin = np.array([canvas.width_px / 2, canvas.height_px / 2])
    lines = [line for vessels in bed.lines.values() for vessel in vessels for line in vessel]
    # Drawn in a mixed order: the later covers the earlier.
    for index in rng.permutation(len(lines)):
        line = lines[index]
        width_px = line.width_mm * px_per_mm
        thickness = max(1, round(width_px))
        strength = line.strength * min(1.0, width_px / thickness) * 255
        pixels = np.round((line.points * px_per_mm + origin) * 16).astype(np.int32)
        cv2.polylines(
            layer, [pixels], isClosed=False, color=(strength,), thickness=thickness, lineType=cv2.LINE_AA, shift=4
        )
    for dot in bed.dots:
        column, row = np.round((dot.centre * px_per_mm + origin) * 16).astype(int).tolist()
        radius = round(max(0.6, dot.radius_mm * px_per_mm) * 16)
        cv2.circle(layer, (column, row), radius, (dot.strength * 255,), thickness=-1, lineType=cv2.LINE_AA, shift=4)
    blood = np.asarray(layer, np.float32) * np.float32(1 / 255)
    # Flow is uneven, and the vessel dips and rises in the skin: it looks beaded, and fades in places.
    flow = noise(rng, canvas, cells=field_mm / 0.09) * np.float32(0.2) + noise(rng, canvas, cells=field_mm / 0.5) * 0.22
    blood *= np.clip(1 + flow, 0.2, 1.5)
    return blurred(blood, canvas, sigma=_SPREAD_MM / field_mm)
