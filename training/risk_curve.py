"""The last step of calibration: a rising curve from the score to the share of positive pictures that have it.

A temperature moves all log-odds alike. A network trained with smoothed labels and weighted classes is too sure of high
scores and not sure enough of low ones at once; straight pieces between fixed knots mend both, and leave the order of
the scores, and so every ROC curve, as it is.
"""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, logit

from edge.inference.model_package import RiskCurve

KNOTS: Final = (-2.0, 0.0, 2.0)
SMALLEST: Final = 1e-6
"""Scores are kept this far from 0 and 1, whose log-odds are infinite."""
_LEAST_SLOPE: Final = 0.05
# Per squared difference from the identity: some validation pictures in each piece outweigh it.
_PENALTY: Final = 1e-3


def fit_risk_curve(score: NDArray[np.floating], truth: NDArray[np.bool_]) -> RiskCurve:
    """Return the curve of least negative log-likelihood for scores [N] in 0..1 and whether each is positive [N]."""
    pieces = _pieces(logit(np.clip(score.astype(np.float64), SMALLEST, 1 - SMALLEST)), KNOTS)
    identity = np.array([KNOTS[0], *[1.0] * pieces.shape[1]])

    def loss(parameters: NDArray[np.floating]) -> float:
        log_odds = parameters[0] + pieces @ parameters[1:]
        likelihood = (np.logaddexp(0, log_odds) - truth * log_odds).mean()
        return float(likelihood + _PENALTY * np.square(parameters - identity)[1:].sum())

    bounds = [(-10.0, 10.0)] + [(_LEAST_SLOPE, 10.0)] * pieces.shape[1]
    offset, *slopes = minimize(loss, identity, method="L-BFGS-B", bounds=bounds).x
    return RiskCurve(knots=KNOTS, offset=float(offset), slopes=tuple(float(slope) for slope in slopes))


def apply_risk_curve(curve: RiskCurve, score: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the calibrated scores."""
    pieces = _pieces(logit(np.clip(score.astype(np.float64), SMALLEST, 1 - SMALLEST)), curve.knots)
    return np.asarray(expit(curve.offset + pieces @ np.array(curve.slopes)), dtype=np.float64)


def _pieces(log_odds: NDArray[np.floating], knots: Sequence[float]) -> NDArray[np.float64]:
    """Return how much of each straight piece lies between the first knot and the log-odds, [N, knots + 1]."""
    edges = [-np.inf, *knots, np.inf]
    return np.stack(
        [
            np.minimum(log_odds - knots[0], 0) if low == -np.inf else np.clip(log_odds - low, 0, high - low)
            for low, high in itertools.pairwise(edges)
        ],
        axis=1,
    )
