"""Skin tone from the picture itself: the individual typology angle (ITA) of the skin around the lesion.

ITA = atan((L* - 50) / b*) in degrees, banded as by Chardon, Cretois and Hourseau (1991). Dermoscopes light and balance
colour differently and none of the pictures holds a colour chart, so an angle is comparable within one source, roughly,
and between sources hardly: strata by it are a check, not a measurement of a person.

Skin is what lies in the outer part of the field of view, is brighter than the lesion (Otsu's threshold), and is no
hair, no highlight and no dark surround of a round lens.
"""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

# Lower limits in degrees, lightest first.
BANDS: Final = (
    ("very light", 55.0),
    ("light", 41.0),
    ("intermediate", 28.0),
    ("tan", 10.0),
    ("brown", -30.0),
    ("dark", -90.0),
)
_SIDE_PX: Final = 200
_BORDER: Final = 0.2
_SURROUND_GREY: Final = 40
_SURROUND_MARGIN_PX: Final = 15
_WHITE: Final = 250
_HAIR_KERNEL_PX: Final = 9
_HAIR_DEPTH: Final = 12
_MIN_SKIN_SHARE: Final = 0.02
_EIGHT_BIT: Final = 255
_MIN_CONTRAST: Final = 15


def skin_tone_angle(rgb: NDArray[np.uint8]) -> float | None:
    """Return the median ITA in degrees, -90 to 90, of the skin in RGB [H, W, 3]; None where too little is seen."""
    small = _shrink(rgb)
    skin = _skin(small)
    if skin.mean() < _MIN_SKIN_SHARE:
        return None
    lab = cv2.cvtColor(small.astype(np.float32) / _EIGHT_BIT, cv2.COLOR_RGB2LAB)
    lightness, _, yellowness = np.median(lab[skin], axis=0)
    # Cool light can push b* to zero or below, where the angle has no meaning as a tone.
    return math.degrees(math.atan((lightness - 50) / yellowness)) if yellowness > 0 else None


def _shrink(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    scale = _SIDE_PX / max(height, width)
    if scale >= 1:
        return rgb
    # A picture may be too narrow to leave a whole pixel.
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def band(angle_deg: float) -> str:
    """Return the band that an angle falls in."""
    return next(name for name, lowest in BANDS if angle_deg > lowest or lowest == BANDS[-1][1])


def _skin(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    grey = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    view = _field_of_view(grey)
    height, width = grey.shape
    y, x = np.ogrid[:height, :width]
    from_edge = np.minimum(np.minimum(x, width - 1 - x) / width, np.minimum(y, height - 1 - y) / height)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_HAIR_KERNEL_PX, _HAIR_KERNEL_PX))
    hair = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel) > _HAIR_DEPTH
    clear = view & (from_edge < _BORDER) & (rgb.min(axis=2) < _WHITE) & ~hair
    inside = grey[view]
    if len(inside) == 0:
        return np.asarray(clear)
    limit, _ = cv2.threshold(inside[:, np.newaxis], 0, _EIGHT_BIT, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dark = inside <= limit
    # On a picture of even skin Otsu would cut the skin itself in two.
    apart = bool(dark.any() and not dark.all()) and inside[~dark].mean() - inside[dark].mean() >= _MIN_CONTRAST
    return np.asarray(clear & (grey > limit) if apart else clear)


def _field_of_view(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    surround = (cv2.medianBlur(grey, 5) < _SURROUND_GREY).astype(np.uint8)
    _, parts = cv2.connectedComponents(surround)
    corners = {int(parts[row, column]) for row in (0, -1) for column in (0, -1)} - {0}
    outside = np.isin(parts, sorted(corners)).astype(np.uint8)
    margin = np.ones((_SURROUND_MARGIN_PX, _SURROUND_MARGIN_PX), np.uint8)
    return np.asarray(cv2.dilate(outside, margin) == 0)
