"""Fair comparison on a noisy machine: both sides in turn, the ratio pair by pair, medians."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Comparison:
    """Medians over the pairs; `ratio` is the median of the ratios pair by pair, with its lowest and highest."""

    ours_ms: float
    base_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float
    pairs: int


def compare(ours: Callable[[], object], base: Callable[[], object], *, pairs: int, warm_up: int = 3) -> Comparison:
    """Time `ours` against `base`, alternating."""
    for _ in range(warm_up):
        ours()
        base()
    times = [(_seconds(ours), _seconds(base)) for _ in range(pairs)]
    ratios = sorted(a / b for a, b in times)
    return Comparison(
        ours_ms=statistics.median(a for a, _ in times) * 1000,
        base_ms=statistics.median(b for _, b in times) * 1000,
        ratio=statistics.median(ratios),
        ratio_low=ratios[0],
        ratio_high=ratios[-1],
        pairs=pairs,
    )


def _seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
