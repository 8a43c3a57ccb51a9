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
    """Return the map's strength, 0 to 1, smoothly enlarged to [side_px, side_px]."""
    evidence = np.maximum(cam, 0)
    evidence = evidence - evidence.min()
    strength = evidence / max(float(evidence.max()), FULL_STRENGTH_LOG_ODDS)
    enlarged = cv2.resize(strength, (side_px, side_px), interpolation=cv2.INTER_LINEAR)
    # Linear enlargement never overshoots, so it adds no spot; the blur hides the cells' edges.
    cell_px = side_px / cam.shape[0]
    smooth = cv2.GaussianBlur(enlarged, (0, 0), cell_px / 4, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip(smooth, 0, 1), dtype=np.float32)


def shrink(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy at most MAX_WIDTH_PX wide, or the picture itself when it is no wider."""
    height, width = rgb.shape[:2]
    if width <= MAX_WIDTH_PX:
        return rgb
    size = (MAX_WIDTH_PX, max(1, round(height * MAX_WIDTH_PX / width)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
