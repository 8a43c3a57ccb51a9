"""The heat map that people see: where the network found evidence for malignancy, not why."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.inference.preprocess import centre_square

MAX_WIDTH_PX: Final = 640
JPEG_QUALITY: Final = 85
# Evidence spans below this many log-odds are drawn faint instead of being stretched to look like a finding.
FULL_STRENGTH_LOG_ODDS: Final = 4.0
SPREAD_CELLS: Final = 1.0
"""Standard deviation, in cells of the map, of where a cell's evidence is laid. A cell saw far more than its own square,
most of it near its middle (the effective receptive field: Luo et al., NIPS 2016), and nothing outside the picture.
Chosen on HAM10000 `val` among 0 to 2.5 by deletion and insertion (training/faithfulness.py)."""
_STEPS_A_CELL: Final = 8
_TINY: Final = float(np.finfo(np.float32).tiny)
_MAX_OPACITY: Final = 0.6
_OUTSIDE_BRIGHTNESS: Final = 0.45


def overlay(rgb: NDArray[np.uint8], cam: NDArray[np.float32]) -> bytes:
    """Draw the activation map [h, w] over its RGB picture [H, W, 3] and return a JPEG at most 640 px wide.

    Only positive evidence is drawn, above the lowest in the picture: an even or negative map shows no spot. The part
    outside the centre square, which the network did not see, is dimmed.
    """
    canvas = shrink(rgb)
    square = centre_square(canvas)
    strength = heat(cam, side_px=square.shape[0])
    colours = cv2.cvtColor(
        cv2.applyColorMap((strength * 255).astype(np.uint8), cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
    )
    alpha = (strength * _MAX_OPACITY)[..., np.newaxis]
    blended = np.rint(square * (1 - alpha) + colours * alpha).astype(np.uint8)
    result = np.asarray(cv2.convertScaleAbs(canvas, alpha=_OUTSIDE_BRIGHTNESS), dtype=np.uint8)
    centre_square(result)[:] = blended
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(result, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return encoded.tobytes()


def heat(cam: NDArray[np.float32], *, side_px: int) -> NDArray[np.float32]:
    """Return the map's strength, 0 to 1, enlarged to [side_px, side_px].

    The strongest place shows how far the positive evidence spans, full from FULL_STRENGTH_LOG_ODDS on.
    """
    evidence = _positive(cam)
    shown = min(1.0, float(evidence.max()) / FULL_STRENGTH_LOG_ODDS)
    # Linear enlargement never overshoots, so it adds no spot.
    enlarged = cv2.resize(spread(cam), (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged * np.float32(shown / max(float(enlarged.max()), _TINY)), dtype=np.float32)


def spread(cam: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the positive evidence above the lowest in the picture, that of each cell [h, w] laid over what it saw.

    The result is [8 h, 8 w].
    """
    height, width = cam.shape
    size = (width * _STEPS_A_CELL, height * _STEPS_A_CELL)
    fine = cv2.resize(_positive(cam), size, interpolation=cv2.INTER_LINEAR)
    # Beyond the picture nothing was seen: what would lie there is lost, so that a border is not made a finding.
    laid = cv2.GaussianBlur(fine, (0, 0), SPREAD_CELLS * _STEPS_A_CELL, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(laid, dtype=np.float32)


def _positive(cam: NDArray[np.float32]) -> NDArray[np.float32]:
    evidence = np.maximum(cam, 0)
    return np.asarray(evidence - evidence.min(), dtype=np.float32)


def shrink(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy at most MAX_WIDTH_PX wide, or the picture itself when it is no wider."""
    height, width = rgb.shape[:2]
    if width <= MAX_WIDTH_PX:
        return rgb
    size = (MAX_WIDTH_PX, max(1, round(height * MAX_WIDTH_PX / width)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
