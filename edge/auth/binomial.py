"""Exact 95 % intervals of a share of independent trials."""

import math
from collections.abc import Callable

_ALPHA = 0.05
_HALVINGS = 60


def clopper_pearson(events: int, trials: int) -> tuple[float, float]:
    """Lower and upper end; 0 to 1 where there was no trial."""
    if trials == 0:
        return 0.0, 1.0
    low = 0.0 if events == 0 else _root(lambda p: 1 - _at_most(events - 1, trials, p) - _ALPHA / 2)
    high = 1.0 if events == trials else _root(lambda p: _ALPHA / 2 - _at_most(events, trials, p))
    return low, high


def _at_most(events: int, trials: int, p: float) -> float:
    """Probability of at most so many events."""
    logs = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(p) + (trials - k) * math.log1p(-p)
        for k in range(events + 1)
    )  # fmt: skip
    return math.fsum(math.exp(value) for value in logs)


def _root(rising: Callable[[float], float]) -> float:
    low, high = 1e-12, 1 - 1e-12
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return (low + high) / 2
