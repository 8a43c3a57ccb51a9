"""Is this a stream from a camera, now: fresh frames, in time, none of them seen before?"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from edge.auth.liveness_trace import Sample

MAX_GAP_S: Final = 2.0
MIN_RATE_HZ: Final = 1.5
MIN_FRAMES: Final = 10
_STILLNESS: Final = 0.02
"""Mean change of a 32 by 32 thumbnail, in levels of 255, below which two frames are one: a camera's own noise makes
more."""


def too_far_apart(times_s: Sequence[float]) -> bool:
    """Whether frames of these times, in seconds, came too slowly, or with too long a pause, to judge by."""
    gaps = np.diff(times_s)
    return len(gaps) > 0 and bool(gaps.max() > MAX_GAP_S or gaps.mean() > 1 / MIN_RATE_HZ)


def freshness(samples: Sequence[Sample]) -> float:
    """Share of frames that differ from all before; 0 for too few, too slow, interrupted, or out of time.

    A camera that hands out a frame twice now and then is forgiven by the threshold.
    """
    times_s = [sample.at_s for sample in samples]
    if len(samples) < MIN_FRAMES or not (np.diff(times_s) > 0).all() or too_far_apart(times_s):
        return 0.0
    seen: set[bytes] = set()
    fresh = 0
    for before, sample in zip([None, *samples], samples, strict=False):
        change = math.inf if before is None else float(np.abs(sample.thumbnail - before.thumbnail).mean())
        fresh += sample.digest not in seen and change > _STILLNESS
        seen.add(sample.digest)
    return fresh / len(samples)
