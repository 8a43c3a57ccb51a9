import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edge.inference.model_package import OperatingPoints, Thresholds
from training import weighted
from training.data import HAM10000_LABELS, HAM10000_MALIGNANT
from training.figures import figures_of
from training.metrics import ECE_BINS, Scores, auc, balanced_accuracy, calibration_error, measure
from training.resampling import estimate, resamples

THRESHOLDS = Thresholds(moderate=0.3, high=0.6, ood=10.0)


def _scores(targets: list[int], *, groups: list[str] | None = None, seed: int = 0) -> Scores:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(len(targets), len(HAM10000_LABELS)))
    logits[np.arange(len(targets)), targets] += 1.5
    odds = np.exp(logits)
    return Scores(
        labels=HAM10000_LABELS,
        positive_labels=HAM10000_MALIGNANT,
        targets=np.array(targets),
        groups=tuple(groups or map(str, range(len(targets)))),
        probabilities=odds / odds.sum(axis=1, keepdims=True),
        ood=rng.uniform(5, 11, len(targets)),
    )


def test_the_auc_is_that_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(0)
    score = rng.integers(0, 20, 300) / 20
    positive = rng.random(300) < score
    assert auc(positive, score) == pytest.approx(roc_auc_score(positive, score))


def test_an_auc_of_one_class_is_undefined() -> None:
    assert auc(np.array([True, True]), np.array([0.1, 0.9])) is None


def test_figures_of_one_class_are_null_with_the_reason() -> None:
    figures = measure(_scores([5] * 40), thresholds=THRESHOLDS)
    for name in ("auc_malignant", "auc_melanoma", "sensitivity_moderate", "sensitivity_high"):
        assert figures[name].value is None
        assert figures[name].low is None
        assert figures[name].reason
    assert figures["specificity_moderate"].value is not None


def test_every_defined_figure_lies_in_its_interval() -> None:
    figures = measure(_scores([index % 7 for index in range(210)]), thresholds=THRESHOLDS)
    for name, figure in figures.items():
        assert figure.value is not None, name
        assert figure.low is not None, name
        assert figure.high is not None, name
        assert figure.low <= figure.value <= figure.high, name


def test_the_calibration_error_of_a_small_set_lies_in_its_interval_though_every_resample_lies_above() -> None:
    # Nearly as calibrated as a set of this size can be: chance alone moves each resample away from it.
    rng = np.random.default_rng(5)
    score = (np.arange(150) % 15 + 0.5) / 15
    truth = np.zeros(150, bool)
    for step in np.unique(score):
        rows = np.flatnonzero(score == step)
        truth[rng.permutation(rows)[: round(step * len(rows))]] = True
    figure = weighted.calibration_error(truth, score, bins=ECE_BINS)
    every = np.concatenate([figure(weights) for weights in resamples(list(map(str, range(150))))])
    assert figure(np.ones((1, 150)))[0] < np.quantile(every, 0.025)
    found = estimate(
        {"ece": weighted.defined_calibration_error(truth, score, "none", bins=ECE_BINS)}, list(map(str, range(150)))
    )["ece"]
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high
    spread = np.quantile(every, 0.975) - np.quantile(every, 0.025)
    assert found.high - found.low <= spread + 1e-4


def test_the_one_point_balanced_accuracy_is_no_area_under_the_curve() -> None:
    figures = measure(_scores([index % 7 for index in range(210)]), thresholds=THRESHOLDS)
    for limit in ("moderate", "high"):
        sides = [figures[f"{name}_{limit}"].value for name in ("sensitivity", "specificity")]
        assert figures[f"one_point_balanced_accuracy_{limit}"].value == pytest.approx(sum(sides) / 2, abs=1e-4)
    assert figures["one_point_balanced_accuracy_high"].value < figures["auc_malignant"].value


def test_the_names_of_melanoma_figures_say_whose_score_decides() -> None:
    scores = _scores([index % 7 for index in range(210)])
    figures = measure(scores, thresholds=THRESHOLDS)
    melanoma, own = scores.is_any_of(("mel",)), scores.probability_of(("mel",))
    expected = {
        "melanoma_flagged_by_malignant_score_moderate": (scores.score >= THRESHOLDS.moderate)[melanoma].mean(),
        "melanoma_accuracy_by_melanoma_probability_high": ((own >= THRESHOLDS.high) == melanoma).mean(),
    }
    for name, value in expected.items():
        assert figures[name].value == pytest.approx(value, abs=1e-4)


def test_melanoma_is_measured_at_points_of_its_own_where_the_package_has_them() -> None:
    scores = _scores([index % 7 for index in range(210)])
    melanoma, own = scores.is_any_of(("mel",)), scores.probability_of(("mel",))
    points = OperatingPoints(moderate=0.1, high=0.2)
    chosen = THRESHOLDS.model_copy(update={"melanoma": points})
    recorded = measure(scores, thresholds=chosen)["melanoma_accuracy_by_melanoma_probability_high"]
    assert recorded.value == pytest.approx(((own >= 0.2) == melanoma).mean(), abs=1e-4)
    task = figures_of(scores, chosen).tasks["melanoma"]
    assert (task.points_chosen_for, task.point) == ("melanoma", "moderate: probability of mel >= 0.1000")
    assert task.sensitivity == pytest.approx((own >= 0.1)[melanoma].mean(), abs=1e-4)
    borrowed = figures_of(scores, THRESHOLDS).tasks
    assert [task.points_chosen_for for task in borrowed.values()] == ["malignant", "malignant"]


def test_resampling_lesions_widens_the_interval_of_repeated_images() -> None:
    single = _scores([index % 7 for index in range(70)])
    repeated = single.take(np.repeat(np.arange(70), 6))
    as_images = Scores(
        labels=repeated.labels,
        positive_labels=repeated.positive_labels,
        targets=repeated.targets,
        groups=tuple(map(str, range(420))),
        probabilities=repeated.probabilities,
        ood=repeated.ood,
    )
    by_lesion, by_image = (measure(scores, thresholds=THRESHOLDS)["accuracy"] for scores in (repeated, as_images))
    assert by_lesion.value == by_image.value
    assert by_lesion.high - by_lesion.low > 1.5 * (by_image.high - by_image.low)


def test_balanced_accuracy_weighs_classes_alike() -> None:
    assert balanced_accuracy(np.array([0] * 9 + [1]), np.array([0] * 10)) == pytest.approx(0.5)


def test_calibration_error_is_the_gap_between_confidence_and_truth() -> None:
    correct = np.array([True] * 8 + [False] * 2)
    assert calibration_error(correct, np.full(10, 0.8)) == pytest.approx(0)
    assert calibration_error(correct, np.full(10, 1.0)) == pytest.approx(0.2)
