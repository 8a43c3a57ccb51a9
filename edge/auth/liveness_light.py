"""Does the face take the colours that the screen shines with, more than the room behind, and in their order?"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.auth.liveness_trace import Sample

Shown = tuple[float, str]
"""When a colour was given out to be shown, and which."""

LAGS_S: Final = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
"""How much later the face may show it: screen, camera and the page's polling together."""
FULL_STRENGTH: Final = 0.02
"""Change of the face's colour, in natural logarithms per unit of the screen's, from which on it counts fully."""
_MIN_SAMPLES: Final = 12


def response(samples: Sequence[Sample], shown: Sequence[Shown]) -> float:
    """Correlation, -1 to 1, of the face's colour with the screen's at the best lag, less where it is weak.

    Not a number with fewer than twelve frames of a face or a screen that kept one colour.
    """
    seen = [sample for sample in samples if math.isfinite(sample.light[0]) and math.isfinite(sample.light[1])]
    if len(seen) < _MIN_SAMPLES or len({colour for _, colour in shown}) < 2:  # noqa: PLR2004 a change needs two
        return math.nan
    light = np.array([sample.light for sample in seen])
    times = np.array([sample.at_s for sample in seen])
    nuisances = _nuisances(seen)
    return max(_correlation(light, times - lag, shown, nuisances) for lag in LAGS_S)


def _correlation(
    light: NDArray[np.float64], times: NDArray[np.float64], shown: Sequence[Shown], nuisances: NDArray[np.float64]
) -> float:
    starts = np.array([at_s for at_s, _ in shown])
    place = np.searchsorted(starts, times, side="right") - 1
    lit = place >= 0
    if lit.sum() < _MIN_SAMPLES:
        return math.nan
    colours = np.array([_chroma(colour) for _, colour in shown])[place[lit]]
    actual, expected = (_without(nuisances[lit], values) for values in (light[lit], colours))
    power = float(np.sum(expected**2))
    spread = float(np.sum(actual**2))
    if power <= 0 or spread <= 0:
        return 0.0
    common = float(np.sum(actual * expected))
    return common / math.sqrt(power * spread) * min(1.0, max(0.0, common / power) / FULL_STRENGTH)


def _nuisances(seen: Sequence[Sample]) -> NDArray[np.float64]:
    """What changes a face's colour besides the screen: a drift of the camera's white balance, turning, coming near."""
    moments = np.linspace(-1, 1, len(seen))
    yaw = np.array([sample.observation.yaw if sample.observation else 0.0 for sample in seen])
    size = np.array([sample.observation.width_px if sample.observation else 0.0 for sample in seen])
    return np.column_stack([np.ones_like(moments), moments, moments**2, yaw, yaw**2, size / size.mean()])


def _without(nuisances: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(values - nuisances @ np.linalg.lstsq(nuisances, values, rcond=None)[0])


def _chroma(colour: str) -> tuple[float, float]:
    red, green, blue = ((int(colour[place : place + 2], 16) / 255) ** 2.2 for place in (1, 3, 5))
    return red - green, blue - green
