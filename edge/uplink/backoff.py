"""Waiting longer after each failure, never in step with other kiosks."""

import random


class Backoff:
    """Exponential back-off with equal jitter: between half and all of base * 2^failures, at most `cap_s`.

    Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """

    def __init__(self, *, base_s: float, cap_s: float) -> None:
        self._base_s = base_s
        self._cap_s = cap_s
        self._failures = 0

    def reset(self) -> None:
        """Forget the failures, after a success."""
        self._failures = 0

    def next_s(self) -> float:
        """Seconds to wait after one more failure."""
        delay = delay_s(self._failures, base_s=self._base_s, cap_s=self._cap_s)
        self._failures += 1
        return delay


def delay_s(failures: int, *, base_s: float, cap_s: float) -> float:
    """Seconds to wait after this many earlier failures."""
    ceiling = min(cap_s, base_s * 2 ** min(failures, 30))
    return random.uniform(ceiling / 2, ceiling)  # noqa: S311 jitter, not cryptography
