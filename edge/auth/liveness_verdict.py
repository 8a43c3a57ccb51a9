"""All signs of life together: each must pass, and one that could not be measured does not.

Thresholds were chosen by `python -m edge auth report` on one part of the people and measured on the others; see
`docs/explanations/face-check.md`.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from edge.auth.face import FaceEncoder, FaceTemplate
from edge.auth.liveness import Cue, LivenessVerdict
from edge.auth.liveness_light import Shown, response
from edge.auth.liveness_parallax import head_like
from edge.auth.liveness_stream import freshness
from edge.auth.liveness_trace import Sample
from edge.auth.template_transform import centre

THRESHOLDS: Final = {"stream": 0.8, "depth": -0.5, "light": 0.5, "no-pattern": -4.5, "one-person": 0.0}


def judge(
    samples: Sequence[Sample],
    shown: Sequence[Shown],
    *,
    challenge_met: bool,
    encoder: FaceEncoder,
    looks: Sequence[FaceTemplate],
    moves: Sequence[FaceTemplate],
) -> LivenessVerdict:
    """Measure every sign on the frames of one attempt."""
    scores = {
        "stream": freshness(samples),
        "depth": head_like(samples),
        "light": response(samples, shown),
        "no-pattern": _no_pattern(samples),
        "one-person": _one_person(encoder, looks, moves),
    }
    cues = tuple(Cue(name, scores[name], threshold) for name, threshold in THRESHOLDS.items())
    return LivenessVerdict(cues=cues, challenge_met=challenge_met)


def _no_pattern(samples: Sequence[Sample]) -> float:
    patterns = [sample.regularity for sample in samples if math.isfinite(sample.regularity)]
    return -float(np.median(patterns)) if patterns else math.nan


def _one_person(encoder: FaceEncoder, looks: Sequence[FaceTemplate], moves: Sequence[FaceTemplate]) -> float:
    """How far the one who moved is from being another than the one who looked: 1 the same, 0 at the threshold."""
    if not looks or not moves:
        return math.nan
    return 1 - encoder.distance(centre(looks), centre(moves)) / encoder.threshold
