"""A passive sign: no regular pattern lies over the face, as the pixels of a display leave it in a camera's picture.

It sees displays whose grid beats with the camera's; it sees nothing in ink on paper. A classifier of the skin's texture
was tried in its place and rejected: trained on NUAA it told other people there apart (area under the curve 0.99) and
failed with other cameras (0.27): it knew the camera, not the skin.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceObservation

_RING: Final = (0.2, 0.6)
"""Frequencies, in cycles a pixel, where a face itself has little."""
_AXIS: Final = 0.04
"""Left out beside the axes, where the blocks of a JPEG show."""
_SMALLEST_PX: Final = 24


def regularity(rgb: NDArray[np.uint8], observation: FaceObservation) -> float:
    """How far the strongest fine pattern stands out of the face's spectrum, in natural logarithms of power.

    Up to about 4 by chance; displays give 4 to 8. Not a number for a face cut off by the picture's edge.
    """
    patch = _patch(rgb, observation)
    rows, columns = patch.shape
    if min(rows, columns) < _SMALLEST_PX:
        return float("nan")
    window = np.hanning(rows)[:, None] * np.hanning(columns)
    power = np.abs(np.fft.rfft2((patch - patch.mean()) * window)) ** 2
    down, across = np.fft.fftfreq(rows)[:, None], np.fft.rfftfreq(columns)[None]
    radius = np.hypot(down, across)
    ring = (radius > _RING[0]) & (radius < _RING[1]) & (np.abs(down) > _AXIS) & (across > _AXIS)
    levels = np.log(power[ring] + 1e-9)
    # Pictures differ in sharpness and noise: what is usual at a frequency is taken from the picture itself.
    usual = np.polyval(np.polyfit(radius[ring], levels, 2), radius[ring])
    return float((levels - usual).max())


def _patch(rgb: NDArray[np.uint8], observation: FaceObservation) -> NDArray[np.float64]:
    height, width = rgb.shape[:2]
    x, y = observation.landmarks[:4].mean(axis=0)
    eyes = float(np.hypot(*(observation.landmarks[0] - observation.landmarks[2])))
    left, top = max(0, int(x - 0.6 * eyes)), max(0, int(y - 0.35 * eyes))
    patch = rgb[top : min(height, int(top + 1.2 * eyes)), left : min(width, int(left + 1.2 * eyes))]
    if min(patch.shape[:2]) < _SMALLEST_PX:
        return np.zeros((0, 0))
    return np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.float64)
