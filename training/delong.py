"""DeLong's variance of the area under the ROC curve, by the fast algorithm of Sun and Xu (IEEE SPL 21(11), 2014).

It takes images as independent: where several show one lesion, the bootstrap by lesion is the honest interval.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, rankdata

from training.resampling import LEVEL


@dataclass(frozen=True)
class AreaDifference:
    """Two correlated areas on the same images: their difference a - b, its interval and the two-sided p-value."""

    a: float
    b: float
    difference: float
    low: float
    high: float
    p_value: float


def areas_and_covariance(
    positive: NDArray[np.bool_], scores: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the areas [K] of the scores [K, N] and their covariance [K, K].

    Raises:
        ValueError: there are fewer than two positive or two negative images.
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:  # noqa: PLR2004  # a variance needs two
        raise ValueError("DeLong's variance needs at least two positive and two negative images")
    all_ranks = rankdata(scores, axis=1)
    above_negatives = (all_ranks[:, positive] - rankdata(scores[:, positive], axis=1)) / n
    above_positives = 1 - (all_ranks[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    covariance = np.atleast_2d(np.cov(above_negatives)) / m + np.atleast_2d(np.cov(above_positives)) / n
    return above_negatives.mean(axis=1), covariance


def area_interval(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> tuple[float, float] | None:
    """Return the 95 % interval on the logit scale, which stays within 0 and 1; None where it is not defined."""
    try:
        areas, covariance = areas_and_covariance(positive, score[None])
    except ValueError:
        return None
    area, variance = float(areas[0]), float(covariance[0, 0])
    if not 0 < area < 1 or variance <= 0:
        return None
    reach = norm.ppf((1 + LEVEL) / 2) * math.sqrt(variance) / (area * (1 - area))
    return float(expit(logit(area) - reach)), float(expit(logit(area) + reach))


def compare_areas(
    positive: NDArray[np.bool_], a: NDArray[np.floating], b: NDArray[np.floating]
) -> AreaDifference | None:
    """Return DeLong's test of two scores on the same images.

    None with fewer than two of either class, and where the areas differ and neither varies, as a perfect score's and
    a constant's: the normal distribution says nothing of them.
    """
    try:
        areas, covariance = areas_and_covariance(positive, np.stack([a, b]))
    except ValueError:
        return None
    difference = float(areas[0] - areas[1])
    deviation = math.sqrt(max(0.0, float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])))
    if deviation == 0 and difference != 0:
        return None
    reach = float(norm.ppf((1 + LEVEL) / 2)) * deviation
    # Scores that order the images alike differ by nothing, with certainty.
    p_value = 1.0 if deviation == 0 else float(2 * norm.sf(abs(difference) / deviation))
    return AreaDifference(
        a=float(areas[0]),
        b=float(areas[1]),
        difference=difference,
        low=difference - reach,
        high=difference + reach,
        p_value=p_value,
    )
