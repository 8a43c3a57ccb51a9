"""What is set on the validation split after training: calibration, decision thresholds, limits of what is judged."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

from edge.inference.model_package import OperatingPoints, Thresholds
from training.data import DataError
from training.metrics import Scores, balanced_accuracy

# A screening aid must rarely miss: the lower tier begins where 95 % of the positive lesions are above it.
MODERATE_SENSITIVITY: Final = 0.95
IN_DISTRIBUTION_SHARE: Final = 0.975
STEADY_SHARE: Final = 0.99
FEWEST_OF_EACH: Final = 20
"""Positive, and negative, validation images that calibration and limits need: with fewer, 95 % of them is all."""
_BIAS_PENALTY: Final = 0.002
_BALANCE_STEPS: Final = 21


class CalibrationError(DataError):
    """The validation data cannot set the thresholds."""


@dataclass(frozen=True)
class Calibration:
    """Logits become logits / temperature + bias."""

    temperature: float
    bias: tuple[float, ...]

    def apply(self, logits: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return calibrated logits [N, classes]."""
        return np.asarray(logits / self.temperature + np.array(self.bias))


def fit_calibration(logits: NDArray[np.floating], targets: NDArray[np.integer]) -> Calibration:
    """Return the bias-corrected temperature of least negative log-likelihood (Alexandari, Kundaje, Shrikumar 2020).

    Training weighs rare classes up, so that a temperature alone leaves their probabilities too high. A small penalty
    keeps the bias of a class with few validation images near zero.
    """
    rows = np.arange(len(targets))
    # The search steps by differences far below what single precision resolves.
    exact = logits.astype(np.float64)

    def loss(parameters: NDArray[np.floating]) -> float:
        scaled = log_softmax(exact * math.exp(-parameters[0]) + parameters[1:], axis=1)
        return float(-scaled[rows, targets].mean() + _BIAS_PENALTY * np.square(parameters[1:]).sum())

    bound = math.log(8)
    classes = logits.shape[1]
    fitted = minimize(
        loss, np.zeros(1 + classes), method="L-BFGS-B", bounds=[(-bound, bound)] + [(-5.0, 5.0)] * classes
    ).x
    return Calibration(temperature=math.exp(fitted[0]), bias=tuple(float(value) for value in fitted[1:]))


def choose_decision_weights(
    probabilities: NDArray[np.floating], targets: NDArray[np.integer], *, labels: tuple[str, ...]
) -> dict[str, float]:
    """Return the class weights of best balanced accuracy among powers 0 to 1 of the inverse class frequency.

    One parameter for all classes: rare ones have too few validation images to set a weight each.
    """
    counts = np.bincount(targets, minlength=len(labels))
    frequency = np.maximum(counts, 1) / counts.sum()
    powers = np.linspace(0, 1, _BALANCE_STEPS)
    reached = [balanced_accuracy(targets, (probabilities * frequency**-power).argmax(axis=1)) for power in powers]
    best = powers[int(np.argmax(reached))]
    weights = frequency**-best
    return {label: round(float(weight / weights.min()), 4) for label, weight in zip(labels, weights, strict=True)}


def refuse_too_few(positive: NDArray[np.bool_], *, fewest: int = FEWEST_OF_EACH) -> None:
    """Raise `CalibrationError` unless there are so many validation images of either kind."""
    found = int(positive.sum()), int((~positive).sum())
    if min(found) < fewest:
        raise CalibrationError(
            f"{found[0]} positive and {found[1]} negative validation images: calibration and thresholds need "
            f"{fewest} of each"
        )


def choose_thresholds(scores: Scores) -> Thresholds:
    """Return the thresholds from validation scores.

    Out of distribution: farther than 97.5 % of the validation images. Unsteady: views that disagree more than in 99 %
    of them. Melanoma has points of its own where there are enough images of it and of others to choose them by.
    """
    points = choose_points(scores.is_positive, scores.score)
    melanoma = scores.is_any_of(("mel",)) if "mel" in scores.labels else np.zeros(len(scores.targets), bool)
    enough = min(melanoma.sum(), (~melanoma).sum()) >= FEWEST_OF_EACH
    return Thresholds(
        **points.model_dump(),
        ood=float(np.quantile(scores.ood, IN_DISTRIBUTION_SHARE)),
        disagreement=None if scores.disagreement is None else float(np.quantile(scores.disagreement, STEADY_SHARE)),
        melanoma=choose_points(melanoma, scores.probability_of(("mel",))) if enough else None,
    )


def choose_points(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> OperatingPoints:
    """Return the operating points of a score.

    Moderate: the highest score that keeps 95 % sensitivity. High: the score of best accuracy among those above it.

    Raises:
        CalibrationError: the images are all positive or all negative, or none scores above moderate.
    """
    if not truth.any() or truth.all():
        raise CalibrationError("thresholds need both positive and negative validation images")
    moderate = highest_score_with_sensitivity(score[truth], MODERATE_SENSITIVITY)
    above = np.unique(score[score > moderate])
    if len(above) == 0:
        raise CalibrationError("no validation score lies above the moderate threshold")
    accuracy = [((score >= candidate) == truth).mean() for candidate in above]
    return OperatingPoints(moderate=moderate, high=float(above[int(np.argmax(accuracy))]))


def highest_score_with_sensitivity(positive_scores: NDArray[np.floating], sensitivity: float) -> float:
    """Return the largest threshold that at least this share of the positive scores reaches."""
    needed = math.ceil(sensitivity * len(positive_scores))
    return float(np.sort(positive_scores)[len(positive_scores) - needed])
