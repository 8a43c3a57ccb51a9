"""The quality gate: is a picture sharp and lit well enough to be analysed, and if not, what is wrong with it.

Every measure is taken on a copy whose longer side is STANDARD_SIDE_PX, never enlarged, so that thresholds found on
small pictures hold for large ones. The network sees 224 pixels: blur that is invisible at 200 does not mislead it,
but finer defocus, which costs a clinician detail, passes this gate.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

STANDARD_SIDE_PX: Final = 200
MIN_SIDE_PX: Final = 120


class Fault(StrEnum):
    """What is wrong with a picture; the value keys the texts in each language."""

    TOO_SMALL = "too-small"
    FROZEN = "frozen"
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    GLARE = "glare"
    BLANK = "blank"
    BLURRED = "blurred"


FAULT_TEXT_EN: Final[dict[Fault, tuple[str, str]]] = {}


@dataclass(frozen=True)
class QualityReport:
    """What the gate found; `measures` are the figures behind it, for the technician."""

    faults: tuple[Fault, ...]
    measures: dict[str, float]

    @property
    def accepted(self) -> bool:
        """Whether the picture may be analysed."""
        return not self.faults


def measure(rgb: NDArray[np.uint8]) -> dict[str, float]:
    small = _standardised(rgb)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    view = _field_of_view(grey)
    fine, coarse, broad = _detail(grey, view)
    return {
        "brightness": float(np.percentile(grey[view], 75)),
        "clipped": float((small.max(axis=2)[view] >= 254).mean()),
        "white": float((small.min(axis=2)[view] >= 250).mean()),
        "sharpness": fine / max(coarse, 1e-6),
        "structure": broad,
        "fine": fine,
        "coarse": coarse,
        "fov": float(view.mean()),
    }


def _standardised(rgb):
    h, w = rgb.shape[:2]
    s = STANDARD_SIDE_PX / max(h, w)
    if s >= 1:
        return rgb
    return cv2.resize(rgb, (max(1, round(w * s)), max(1, round(h * s))), interpolation=cv2.INTER_AREA)


def _field_of_view(grey):
    """Pixels that are not the black surround of a round front lens, which has a sharp edge of its own."""
    dark = (cv2.medianBlur(grey, 5) < 40).astype(np.uint8)
    _, labels = cv2.connectedComponents(dark)
    corners = labels[[0, 0, -1, -1], [0, -1, 0, -1]]
    surround = np.isin(labels, corners[corners > 0]).astype(np.uint8)
    surround = cv2.dilate(surround, np.ones((13, 13), np.uint8))
    view = surround == 0
    return view if view.mean() >= 0.2 else np.ones_like(view)


def _detail(grey, view):
    f = grey.astype(np.float32)
    b = [cv2.GaussianBlur(f, (0, 0), s) for s in (0.8, 1.6, 3.2, 6.4, 12.8)]
    r = lambda d: float(np.sqrt(np.mean(np.square(d[view]))))
    return r(b[0] - b[1]), r(b[2] - b[3]), r(b[3] - b[4])
