"""The sRGB transfer curve, IEC 61966-2-1, between light (linear, 0 to 1) and what a picture stores (0 to 1)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float64]
_DARKEST_CURVED: Final = 0.0031308
_SLOPE: Final = 12.92


def encode(light: Levels) -> Levels:
    """What a picture stores for this much light."""
    return np.where(light <= _DARKEST_CURVED, _SLOPE * light, 1.055 * light ** (1 / 2.4) - 0.055)


def decode(stored: Levels) -> Levels:
    """How much light this stored level stands for."""
    return np.where(stored <= _SLOPE * _DARKEST_CURVED, stored / _SLOPE, ((stored + 0.055) / 1.055) ** 2.4)
