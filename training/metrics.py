"""What a package said beside what is true, and the figures of it that a model manifest records.

A figure that the data cannot define is None with a reason, never a made-up number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.model_package import Estimate, OperatingPoints, Thresholds
from training import weighted
from training.resampling import Defined, estimate

ECE_BINS: Final = 15
MELANOMA: Final = "melanoma"
NO_IMAGE: Final = "no image"


def auc(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> float | None:
    """Return the area under the ROC curve (Mann-Whitney, ties count half); None with one class only."""
    value = float(weighted.roc_auc(positive, score)(np.ones((1, len(score))))[0])
    return None if np.isnan(value) else value


def balanced_accuracy(targets: NDArray[np.integer], predicted: NDArray[np.integer]) -> float:
    """Return the mean recall over the classes that occur."""
    return float(np.mean([(predicted[targets == label] == label).mean() for label in np.unique(targets)]))


def calibration_error(correct: NDArray[np.bool_], confidence: NDArray[np.floating]) -> float:
    """Return the expected calibration error over 15 equal bins of confidence."""
    return float(weighted.calibration_error(correct, confidence, bins=ECE_BINS)(np.ones((1, len(correct))))[0])


@dataclass(frozen=True)
class Scores:
    """What a package said about a set of images, beside what is true; one row an image.

    `targets` [N] index `labels`; `probabilities` [N, labels] are calibrated; images of one of `groups` are resampled
    together; `disagreement` [N] is NaN where the package has none.
    """

    labels: tuple[str, ...]
    positive_labels: tuple[str, ...]
    targets: NDArray[np.int64]
    groups: tuple[str, ...]
    probabilities: NDArray[np.float64]
    ood: NDArray[np.float64]
    disagreement: NDArray[np.float64] | None = None
    decision_weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> NDArray[np.float64]:
        """The summed probability of the positive labels."""
        return self.probability_of(self.positive_labels)

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Which images show one of the positive labels."""
        return self.is_any_of(self.positive_labels)

    @property
    def likeliest(self) -> NDArray[np.int64]:
        """The class of greatest probability."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def stated(self) -> NDArray[np.int64]:
        """The class that the kiosk states: of greatest probability times decision weight."""
        return np.asarray(self.weighted.argmax(axis=1))

    @property
    def weighted(self) -> NDArray[np.float64]:
        """Probabilities times decision weights [N, labels]; they sum to no fixed number."""
        weights = np.array([self.decision_weights.get(label, 1.0) for label in self.labels])
        return np.asarray(self.probabilities * weights)

    def probability_of(self, labels: Sequence[str]) -> NDArray[np.float64]:
        """The summed probability of some labels."""
        return np.asarray(self.probabilities[:, [self.labels.index(label) for label in labels]].sum(axis=1))

    def is_any_of(self, labels: Sequence[str]) -> NDArray[np.bool_]:
        """Which images show one of these labels."""
        return np.isin(self.targets, [self.labels.index(label) for label in labels])

    def refused(self, thresholds: Thresholds) -> NDArray[np.bool_]:
        """Which images the package would not judge: unlike its training images, or with views that disagree."""
        far = self.ood > thresholds.ood
        if self.disagreement is None or thresholds.disagreement is None:
            return np.asarray(far)
        return np.asarray(far | (self.disagreement > thresholds.disagreement))

    def take(self, rows: NDArray[np.integer]) -> "Scores":
        """Return these rows, which may repeat."""
        return Scores(
            labels=self.labels,
            positive_labels=self.positive_labels,
            targets=self.targets[rows],
            groups=tuple(self.groups[row] for row in rows),
            probabilities=self.probabilities[rows],
            ood=self.ood[rows],
            disagreement=None if self.disagreement is None else self.disagreement[rows],
            decision_weights=self.decision_weights,
        )


def outcomes(labels: Sequence[str], positive: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what is told apart, the package's own score first, each with the labels that count as positive."""
    if "mel" in labels:
        return {"malignant": tuple(positive), MELANOMA: ("mel",)}
    return {positive[0] if len(positive) == 1 else "positive": tuple(positive)}


def points_of(name: str, thresholds: Thresholds) -> tuple[OperatingPoints, str]:
    """Return the operating points at which an outcome is measured, and the outcome that they were chosen for."""
    if name != MELANOMA:
        return thresholds, name
    return (thresholds, "malignant") if thresholds.melanoma is None else (thresholds.melanoma, MELANOMA)


def figures(scores: Scores, thresholds: Thresholds) -> dict[str, Defined]:
    """Return every figure by name, each with the reason to give when it is undefined."""
    truth, score = scores.is_positive, scores.score
    name = next(iter(outcomes(scores.labels, scores.positive_labels)))
    no_positive, no_negative, one_class = f"no {name} image", f"no image that is not {name}", _one_class(name)
    chosen = {
        f"auc_{name}": Defined(weighted.roc_auc(truth, score), one_class),
        "accuracy": weighted.defined_share(scores.stated == scores.targets, NO_IMAGE),
        "balanced_accuracy": Defined(
            weighted.balanced_accuracy(scores.targets, scores.stated), "needs images of two classes or more"
        ),
        "sensitivity_moderate": weighted.defined_share(score >= thresholds.moderate, no_positive, among=truth),
        "specificity_moderate": weighted.defined_share(score < thresholds.moderate, no_negative, among=~truth),
        "one_point_balanced_accuracy_moderate": _one_point(truth, score >= thresholds.moderate, one_class),
        "sensitivity_high": weighted.defined_share(score >= thresholds.high, no_positive, among=truth),
        "specificity_high": weighted.defined_share(score < thresholds.high, no_negative, among=~truth),
        "accuracy_high": weighted.defined_share((score >= thresholds.high) == truth, NO_IMAGE),
        "one_point_balanced_accuracy_high": _one_point(truth, score >= thresholds.high, one_class),
        "calibration_error": weighted.defined_calibration_error(
            scores.likeliest == scores.targets, scores.probabilities.max(axis=1, initial=0), NO_IMAGE, bins=ECE_BINS
        ),
        f"calibration_error_{name}": weighted.defined_calibration_error(truth, score, NO_IMAGE, bins=ECE_BINS),
        f"brier_{name}": Defined(weighted.mean(np.square(score - truth)), NO_IMAGE),
        # What evaluate counts as `cannot_assess` has the faults of the quality gate besides.
        "refused_by_network": weighted.defined_share(scores.refused(thresholds), NO_IMAGE),
    }
    if "mel" in scores.labels:
        melanoma, probability = scores.is_any_of(("mel",)), scores.probability_of(("mel",))
        points, _ = points_of(MELANOMA, thresholds)
        chosen |= {
            "auc_melanoma": Defined(weighted.roc_auc(melanoma, probability), _one_class(MELANOMA)),
            # The tiers of the kiosk follow the score of malignancy; the other two are of melanoma's own probability.
            "melanoma_flagged_by_malignant_score_moderate": weighted.defined_share(
                score >= thresholds.moderate, "no melanoma image", among=melanoma
            ),
            "melanoma_accuracy_by_melanoma_probability_high": weighted.defined_share(
                (probability >= points.high) == melanoma, NO_IMAGE
            ),
            "melanoma_always_negative_accuracy": weighted.defined_share(~melanoma, NO_IMAGE),
        }
    return chosen


def measure(scores: Scores, *, thresholds: Thresholds, seed: int = 0) -> dict[str, Estimate]:
    """Return every figure with its 95 % interval from resampling groups, not images."""
    return estimate(figures(scores, thresholds), scores.groups, seed=seed)


def _one_point(truth: NDArray[np.bool_], flagged: NDArray[np.bool_], one_class: str) -> Defined:
    return Defined(weighted.one_point_balanced_accuracy(truth, flagged), one_class)


def _one_class(name: str) -> str:
    return f"needs both {name} and other images"
