"""What is set on the validation split after training: temperature, decision thresholds, out-of-distribution limit."""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from edge.inference.model_package import Thresholds
from training.metrics import Scores

# A screening aid must rarely miss: the lower tier begins where 95 % of the malignant lesions are above it.
MODERATE_SENSITIVITY: Final = 0.95
IN_DISTRIBUTION_SHARE: Final = 0.975


class CalibrationError(Exception):
    """The validation data cannot set the thresholds."""


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.integer]) -> float:
    """Return the temperature of least negative log-likelihood (Guo et al. 2017), between 1/8 and 8."""

    def loss(log_temperature: float) -> float:
        scaled = log_softmax(logits / math.exp(log_temperature), axis=1)
        return float(-scaled[np.arange(len(targets)), targets].mean())

    bound = math.log(8)
    return float(math.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))


def choose_thresholds(scores: Scores) -> Thresholds:
    """Return the thresholds from validation scores.

    Moderate: the highest score that keeps 95 % sensitivity for malignant lesions. High: the score of best accuracy
    among those above moderate. Out of distribution: farther than 97.5 % of the validation images.
    """
    truth, score = scores.is_malignant, scores.malignant
    if not truth.any() or truth.all():
        raise CalibrationError("thresholds need both malignant and benign validation images")
    moderate = highest_score_with_sensitivity(score[truth], MODERATE_SENSITIVITY)
    above = np.unique(score[score > moderate])
    if len(above) == 0:
        raise CalibrationError("no validation score lies above the moderate threshold")
    accuracy = [((score >= candidate) == truth).mean() for candidate in above]
    return Thresholds(
        moderate=moderate,
        high=float(above[int(np.argmax(accuracy))]),
        ood=float(np.quantile(scores.ood, IN_DISTRIBUTION_SHARE)),
    )


def highest_score_with_sensitivity(positive_scores: NDArray[np.floating], sensitivity: float) -> float:
    """Return the largest threshold that at least this share of the positive scores reaches."""
    needed = math.ceil(sensitivity * len(positive_scores))
    return float(np.sort(positive_scores)[len(positive_scores) - needed])
