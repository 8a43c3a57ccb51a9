import numpy as np
import pytest
from scipy.special import softmax

from edge.inference.model_package import Thresholds
from training.calibrate import (
    CalibrationError,
    choose_decision_weights,
    choose_thresholds,
    fit_calibration,
    highest_score_with_sensitivity,
    refuse_too_few,
)
from training.metrics import Scores


def _two_class_scores(malignant: np.ndarray, score: np.ndarray) -> Scores:
    return Scores(
        labels=("mel", "nv"),
        positive_labels=("mel",),
        targets=np.where(malignant, 0, 1),
        groups=tuple(map(str, range(len(score)))),
        probabilities=np.column_stack([score, 1 - score]),
        ood=np.arange(len(score), dtype=float) + 1,
    )


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_and_bias_that_were_applied_are_undone(temperature: float) -> None:
    rng = np.random.default_rng(0)
    true_logits = rng.normal(scale=2, size=(4000, 4))
    targets = np.array([rng.choice(4, p=row) for row in softmax(true_logits, axis=1)])
    # As a training that weighs the last class up would shift it.
    shifted = (true_logits + np.array([0.0, 0.0, 0.0, 1.5])) * temperature
    # A network answers in single precision.
    calibration = fit_calibration(shifted.astype(np.float32), targets)
    assert calibration.temperature == pytest.approx(temperature, rel=0.1)
    probabilities = softmax(calibration.apply(shifted), axis=1)
    assert probabilities.mean(axis=0) == pytest.approx(np.bincount(targets) / len(targets), abs=0.01)


def test_a_class_that_validation_lacks_keeps_a_finite_bias() -> None:
    rng = np.random.default_rng(0)
    calibration = fit_calibration(rng.normal(size=(50, 3)), rng.integers(0, 2, 50))
    assert np.isfinite(calibration.bias).all()


def test_decision_weights_raise_the_balanced_accuracy_of_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    targets = (rng.random(3000) < 0.05).astype(int)
    logits = rng.normal(size=(3000, 2))
    logits[np.arange(3000), targets] += 1.5
    logits[:, 0] += np.log(19)
    weights = choose_decision_weights(softmax(logits, axis=1), targets, labels=("common", "rare"))
    assert weights["common"] == 1.0
    assert weights["rare"] > 5


@pytest.mark.parametrize("count", [1, 19, 20, 100, 293])
def test_the_moderate_threshold_keeps_its_sensitivity_and_is_the_highest_that_does(count: int) -> None:
    scores = np.random.default_rng(0).random(count)
    threshold = highest_score_with_sensitivity(scores, 0.95)
    assert (scores >= threshold).mean() >= 0.95
    assert (scores > threshold).mean() < 0.95


def test_thresholds_are_ordered_and_the_limit_lets_most_images_through() -> None:
    rng = np.random.default_rng(0)
    malignant = rng.random(1000) < 0.2
    score = np.clip(rng.normal(np.where(malignant, 0.7, 0.2), 0.15), 0.01, 0.99)
    scores = _two_class_scores(malignant, score)
    thresholds = choose_thresholds(scores)
    assert thresholds.moderate < thresholds.high
    assert (scores.ood <= thresholds.ood).mean() == pytest.approx(0.975, abs=0.002)
    best = max(((score >= candidate) == malignant).mean() for candidate in score[score > thresholds.moderate])
    assert ((score >= thresholds.high) == malignant).mean() == pytest.approx(best)


def test_melanoma_has_points_of_its_own_probability_where_some_are_shown() -> None:
    rng = np.random.default_rng(1)
    targets = rng.choice(3, size=900, p=(0.2, 0.2, 0.6))
    logits = rng.normal(size=(900, 3))
    logits[np.arange(900), targets] += 2
    probabilities = softmax(logits, axis=1)

    def thresholds_of(rows: np.ndarray) -> Thresholds:
        return choose_thresholds(
            Scores(
                labels=("bcc", "mel", "nv"),
                positive_labels=("bcc", "mel"),
                targets=targets[rows],
                groups=tuple(map(str, rows)),
                probabilities=probabilities[rows],
                ood=np.ones(len(rows)),
            )
        )

    found = thresholds_of(np.arange(900)).melanoma
    assert found is not None
    melanoma, own = targets == 1, probabilities[:, 1]
    assert (own[melanoma] >= found.moderate).mean() >= 0.95
    assert (own[melanoma] > found.moderate).mean() < 0.95
    best = max(((own >= limit) == melanoma).mean() for limit in own[own > found.moderate])
    assert ((own >= found.high) == melanoma).mean() == pytest.approx(best)
    assert thresholds_of(np.flatnonzero(targets != 1)).melanoma is None
    # The surest of one melanoma would leave no score above it; points from so few would mean nothing.
    surest = np.flatnonzero(targets == 1)[own[targets == 1].argmax()]
    assert thresholds_of(np.append(np.flatnonzero(targets != 1), surest)).melanoma is None


def test_thresholds_from_one_class_are_refused() -> None:
    with pytest.raises(CalibrationError):
        choose_thresholds(_two_class_scores(np.zeros(10, bool), np.linspace(0.1, 0.9, 10)))


@pytest.mark.parametrize(("positive", "negative"), [(19, 400), (400, 19), (0, 400)])
def test_too_few_validation_images_of_either_kind_are_refused(positive: int, negative: int) -> None:
    few = np.repeat([True, False], [positive, negative])
    with pytest.raises(CalibrationError, match=f"{positive} positive and {negative} negative validation images"):
        refuse_too_few(few)
    refuse_too_few(np.repeat([True, False], [20, 20]))


def test_a_model_that_scores_every_lesion_alike_is_refused() -> None:
    with pytest.raises(CalibrationError):
        choose_thresholds(_two_class_scores(np.arange(10) < 5, np.full(10, 0.5)))
