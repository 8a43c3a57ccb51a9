"""Bootstrap of whole patients, lesions or images, as weights: a resample is how often each row was drawn.

With the weights of many rounds as the rows of one array, a figure of all rounds is a few array operations. A figure
takes weights [rounds, N] and returns one value a round, NaN where that round leaves it undefined.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from edge.inference.model_package import Estimate

ROUNDS: Final = 1000
LEVEL: Final = 0.95
_MIN_DEFINED_SHARE: Final = 0.9
_CELLS_AT_ONCE: Final = 2_000_000
_DIGITS: Final = 4

Weights = NDArray[np.float64]
Figure = Callable[[Weights], NDArray[np.float64]]


@dataclass(frozen=True)
class Defined:
    """A figure, and the reason to give where the data cannot define it.

    Of a share, `share_of` are the rows that it is a share of: where it is 0 or 1, every resample is so too, and the
    interval has to come from how many units there are.

    A sum of absolute gaps, as the calibration error is, `grows_when_resampled`: each resample adds its own noise to
    every gap, so that all of them may lie above the figure. Its interval is that of the resamples, moved down by what
    their median has grown, and never below 0. The figure itself keeps what the chance of one sample adds to it.
    """

    figure: Figure
    reason: str
    share_of: NDArray[np.bool_] | None = None
    grows_when_resampled: bool = False


def resamples(units: Sequence[str], *, rounds: int = ROUNDS, seed: int = 0) -> Iterator[Weights]:
    """Yield weights [some rounds, N]: whole units are drawn with replacement, as many as there are.

    Images of one lesion resemble each other: resampling images would make the intervals too narrow.
    """
    # In a dictionary: an array of text gives every name the width of the longest.
    numbers = {unit: number for number, unit in enumerate(sorted(set(units)))}
    codes, count = np.array([numbers[unit] for unit in units], dtype=np.int64), len(numbers)
    if count == 0:
        return
    rng = np.random.default_rng(seed)
    at_once = max(1, _CELLS_AT_ONCE // len(codes))
    for start in range(0, rounds, at_once):
        drawn = [
            np.bincount(rng.integers(count, size=count), minlength=count) for _ in range(min(at_once, rounds - start))
        ]
        yield np.array(drawn, dtype=np.float64)[:, codes]


def estimate(
    figures: Mapping[str, Defined], units: Sequence[str], *, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, Estimate]:
    """Return every figure with its 95 % percentile interval; all figures see the same resamples."""
    once = np.ones((1, len(units)))
    values = {name: float(defined.figure(once)[0]) for name, defined in figures.items()}
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in figures}
    for weights in resamples(units, rounds=rounds, seed=seed):
        for name, defined in figures.items():
            if not math.isnan(values[name]):
                drawn[name].append(defined.figure(weights))
    return {
        name: _estimate(values[name], drawn=drawn[name], defined=defined, units=units)
        for name, defined in figures.items()
    }


def _estimate(
    value: float, *, drawn: Sequence[NDArray[np.float64]], defined: Defined, units: Sequence[str]
) -> Estimate:
    if math.isnan(value):
        return Estimate(value=None, reason=defined.reason)
    rounded = round(value, _DIGITS)
    every = np.concatenate(drawn)
    usable = every[~np.isnan(every)]
    if len(usable) < _MIN_DEFINED_SHARE * len(every):
        return Estimate(value=rounded, reason="too few lesions for an interval")
    if usable.min() == usable.max():
        return _unvarying(rounded, defined=defined, units=units)
    if defined.grows_when_resampled:
        usable = np.maximum(usable - np.median(usable) + value, 0)
    low, high = (round(float(bound), _DIGITS) for bound in np.quantile(usable, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)))
    return Estimate(value=rounded, low=low, high=high)


def _unvarying(value: float, *, defined: Defined, units: Sequence[str]) -> Estimate:
    """Return Wilson's interval over the units of a share that is 0 or 1; else none, rather than one of no width."""
    if defined.share_of is None or value not in {0.0, 1.0}:
        return Estimate(value=value, reason="the resamples do not vary, so there is no interval")
    count = len({unit for unit, counted in zip(units, defined.share_of, strict=True) if counted})
    interval = binomtest(round(value * count), count).proportion_ci(LEVEL, method="wilson")
    return Estimate(value=value, low=round(float(interval.low), _DIGITS), high=round(float(interval.high), _DIGITS))
