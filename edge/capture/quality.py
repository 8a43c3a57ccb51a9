"""The quality gate: is a picture sharp and lit well enough to be analysed, and if not, what is wrong with it.

Every measure is taken on a copy whose longer side is STANDARD_SIDE_PX, never enlarged, so that thresholds found on
small pictures hold for large ones. The network sees 224 pixels: blur that is invisible at 200 does not mislead it,
but finer defocus, which costs a clinician detail, passes this gate.

The thresholds were chosen on the training split of HAM10000, at 200x150 (7,011) and at 224x224 (3,672), where
`python -m edge.capture.measure --manifest MANIFEST --split train` finds refused, in per cent, 200x150 / 224x224:
as they are 0.44 / 0.16; blurred by 2.5 % of the width 99.9 / 99.8, by half of that 96.6 / 97.0; EV -3 96.2 / 97.1;
EV +2 99.9 / 99.8. On the validation split as they are: 0.47 / 0.09. Of 315 scalp-camera pictures 22 % show glare.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

STANDARD_SIDE_PX: Final = 200
MIN_SIDE_PX: Final = 120
"""Shorter side below which a lesion has too few pixels; the smallest training pictures have 150."""

MIN_BRIGHTNESS: Final = 82.0
"""As low as it can be for EV -3 to be found, so that dark skin passes wherever the camera exposes for it; the training
pictures show light skin nearly only, and how the gate treats dark skin is not known from them."""
MAX_CLIPPED: Final = 0.50
"""Reddish skin ends its red channel early: every thousandth training picture clips that half of it."""
MAX_WHITE: Final = 0.01
"""Above all but every thousandth training picture."""
MIN_STRUCTURE: Final = 0.9
"""Below every training picture."""
MIN_SHARPNESS: Final = 0.25
"""Near the 0.2nd percentile of the training pictures, and the 99th of their blurred copies."""

_CLIPPED: Final = 254
_WHITE: Final = 250
_SURROUND: Final = 40
_SURROUND_MARGIN_PX: Final = 13
_MIN_FIELD_OF_VIEW: Final = 0.2

Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]


class Fault(StrEnum):
    """What is wrong with a picture; the value keys the texts in each language."""

    TOO_SMALL = "too-small"
    FROZEN = "frozen"
    DARK = "dark"
    OVEREXPOSED = "overexposed"
    GLARE = "glare"
    BLANK = "blank"
    BLURRED = "blurred"


@dataclass(frozen=True)
class QualityReport:
    """What the gate found; `measures` are the figures behind it, for the technician."""

    faults: tuple[Fault, ...]
    measures: dict[str, float]

    @property
    def accepted(self) -> bool:
        """Whether the picture may be analysed."""
        return not self.faults


def assess(rgb: NDArray[np.uint8], *, previous_sha256: str | None, sha256: str) -> QualityReport:
    """Judge one decoded picture.

    Args:
        rgb: (height, width, 3).
        previous_sha256: digest of the encoded picture captured before this one, to notice a camera that hangs.
        sha256: digest of this picture, encoded.
    """
    frozen = (Fault.FROZEN,) if sha256 == previous_sha256 else ()
    short_side_px = min(rgb.shape[:2])
    if short_side_px < MIN_SIDE_PX:
        return QualityReport((Fault.TOO_SMALL, *frozen), {"short_side_px": float(short_side_px)})
    measures = measure(rgb)
    return QualityReport(frozen + _faults(measures), measures)


def _faults(measures: dict[str, float]) -> tuple[Fault, ...]:
    """The faults that can be told apart: where light fails, nothing is said about sharpness."""
    if measures["brightness"] < MIN_BRIGHTNESS:
        return (Fault.DARK,)
    if measures["clipped"] > MAX_CLIPPED:
        return (Fault.OVEREXPOSED,)
    faults = (Fault.GLARE,) if measures["white"] > MAX_WHITE else ()
    if measures["structure"] < MIN_STRUCTURE:
        return (*faults, Fault.BLANK)
    if measures["sharpness"] < MIN_SHARPNESS:
        return (*faults, Fault.BLURRED)
    return faults


def measure(rgb: NDArray[np.uint8]) -> dict[str, float]:
    """The figures that the thresholds are compared with.

    `brightness`: upper quartile of the grey levels. `clipped`: share of pixels with a channel at its end, as colour is
    lost there. `white`: share with every channel at its end. `structure`: contrast of details of 6 to 13 pixels, in
    grey levels. `sharpness`: contrast of details of about 1 pixel over that of details of about 4; a ratio, so that
    pale and strong lesions count alike.
    """
    small = _standardised(rgb)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    view = _field_of_view(grey)
    blurs = [cv2.GaussianBlur(grey.astype(np.float32), (0, 0), sigma) for sigma in (0.8, 1.6, 3.2, 6.4, 12.8)]
    fine, _, coarse, broad = (
        float(np.sqrt(np.mean(np.square((sharper - softer)[view])))) for sharper, softer in pairwise(blurs)
    )
    return {
        "brightness": float(np.percentile(grey[view], 75)),
        "clipped": float((small.max(axis=2)[view] >= _CLIPPED).mean()),
        "white": float((small.min(axis=2)[view] >= _WHITE).mean()),
        "structure": broad,
        "sharpness": fine / max(coarse, 1e-6),
    }


def _standardised(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = STANDARD_SIDE_PX / max(height, width)
    if scale >= 1:
        return rgb
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _field_of_view(grey: Grey) -> Mask:
    """Where the skin is: all but the black surround of a round front lens, whose edge is sharp whatever the focus."""
    dark = np.asarray(cv2.medianBlur(grey, 5) < _SURROUND, np.uint8)
    _, labels = cv2.connectedComponents(dark)
    surround = np.zeros_like(dark)
    for corner in (labels[0, 0], labels[0, -1], labels[-1, 0], labels[-1, -1]):
        if corner:
            surround[labels == corner] = 1
    margin = np.ones((_SURROUND_MARGIN_PX, _SURROUND_MARGIN_PX), np.uint8)
    view = np.asarray(cv2.dilate(surround, margin) == 0)
    return view if view.mean() >= _MIN_FIELD_OF_VIEW else np.ones_like(view)
