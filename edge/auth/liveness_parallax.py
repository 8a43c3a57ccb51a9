"""Does the face have depth: do the eyes change their widths against each other as the nose moves aside?

Turning or shearing a flat picture moves the nose at most; the ratio of two lengths on one line stays as it is.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from edge.auth.liveness_trace import Sample

_SHARE: Final = 4
_MIN_EACH: Final = 2
MIN_TURN: Final = 0.08
"""Difference of yaw between the two ends without which nothing is said."""


TYPICAL: Final = 1.3
"""Between 1.15, over photographs of LFW, and 1.5, of the simulated head."""


def head_like(samples: Sequence[Sample]) -> float:
    """How near the depth is to a head's: 0 for a typical one, less for flatter and for bent sheets without a nose."""
    measured = depth(samples)
    # A comparison with what is not a number is false, too.
    return -abs(math.log(measured / TYPICAL)) if measured > 0 else math.nan


def depth(samples: Sequence[Sample]) -> float:
    """Change of the eyes' log ratio by the change of yaw, between the frames turned most to either side.

    About 1.1 for photographs of real people turned by different angles, 0 for a flat picture. Not a number where the
    face was not turned.
    """
    turned = sorted(
        (sample.observation.yaw, sample.observation.eye_ratio) for sample in samples if sample.observation is not None
    )
    count = max(_MIN_EACH, len(turned) // _SHARE)
    if len(turned) < 2 * count:
        return math.nan
    right, left = (np.mean(part, axis=0) for part in (turned[:count], turned[-count:]))
    turn = float(left[0] - right[0])
    return math.nan if turn < MIN_TURN else float(right[1] - left[1]) / turn
