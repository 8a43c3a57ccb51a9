"""Figures of merit; a figure that the data cannot define is None with a reason, never a made-up number."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from edge.inference.model_package import Estimate, Thresholds

BOOTSTRAP_ROUNDS: Final = 1000
_MIN_DEFINED_SHARE: Final = 0.9
_ECE_BINS: Final = 15
_DIGITS: Final = 4


def auc(positive: NDArray[np.bool_], score: NDArray[np.floating]) -> float | None:
    """Return the area under the ROC curve (Mann-Whitney, ties count half); None with one class only."""
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if positives == 0 or negatives == 0:
        return None
    ranks = rankdata(score)
    return float((ranks[positive].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def balanced_accuracy(targets: NDArray[np.integer], predicted: NDArray[np.integer]) -> float:
    """Return the mean recall over the classes that occur."""
    return float(np.mean([(predicted[targets == label] == label).mean() for label in np.unique(targets)]))


def calibration_error(correct: NDArray[np.bool_], confidence: NDArray[np.floating]) -> float:
    """Return the expected calibration error over 15 equal bins of confidence."""
    bins = np.minimum((confidence * _ECE_BINS).astype(int), _ECE_BINS - 1)
    gaps = [
        abs(correct[bins == number].mean() - confidence[bins == number].mean()) * (bins == number).mean()
        for number in np.unique(bins)
    ]
    return float(np.sum(gaps))


@dataclass(frozen=True)
class Scores:
    """What a package said about a set of images, beside what is true; one row an image."""

    labels: tuple[str, ...]
    malignant_labels: tuple[str, ...]
    targets: NDArray[np.int64]
    groups: tuple[str, ...]
    probabilities: NDArray[np.float64]
    ood: NDArray[np.float64]

    @property
    def malignant(self) -> NDArray[np.float64]:
        """The malignancy score of each image."""
        columns = [self.labels.index(label) for label in self.malignant_labels]
        return np.asarray(self.probabilities[:, columns].sum(axis=1))

    @property
    def is_malignant(self) -> NDArray[np.bool_]:
        """Which images show a malignant lesion."""
        return np.isin(self.targets, [self.labels.index(label) for label in self.malignant_labels])

    def is_label(self, label: str) -> NDArray[np.bool_]:
        """Which images show the lesion of this label."""
        return np.asarray(self.targets == self.labels.index(label))

    def take(self, rows: NDArray[np.int64]) -> "Scores":
        """Return these rows, which may repeat."""
        return Scores(
            labels=self.labels,
            malignant_labels=self.malignant_labels,
            targets=self.targets[rows],
            groups=tuple(self.groups[row] for row in rows),
            probabilities=self.probabilities[rows],
            ood=self.ood[rows],
        )


Figure = Callable[[Scores], float | None]


def figures(thresholds: Thresholds) -> dict[str, tuple[Figure, str]]:
    """Return every figure by name, each with the reason to give when it is undefined."""
    one_class = "needs both malignant and benign images"
    no_malignant, no_benign = "no malignant image", "no benign image"
    return {
        "auc_malignant": (lambda s: auc(s.is_malignant, s.malignant), one_class),
        "auc_melanoma": (
            lambda s: auc(s.is_label("mel"), s.probabilities[:, s.labels.index("mel")]),
            "needs both melanoma and other images",
        ),
        "accuracy": (lambda s: float((s.probabilities.argmax(axis=1) == s.targets).mean()), "no image"),
        "balanced_accuracy": (
            lambda s: balanced_accuracy(s.targets, s.probabilities.argmax(axis=1)),
            "no image",
        ),
        "sensitivity_moderate": (lambda s: _share(s.malignant >= thresholds.moderate, s.is_malignant), no_malignant),
        "specificity_moderate": (lambda s: _share(s.malignant < thresholds.moderate, ~s.is_malignant), no_benign),
        "melanoma_sensitivity_moderate": (
            lambda s: _share(s.malignant >= thresholds.moderate, s.is_label("mel")),
            "no melanoma image",
        ),
        "sensitivity_high": (lambda s: _share(s.malignant >= thresholds.high, s.is_malignant), no_malignant),
        "specificity_high": (lambda s: _share(s.malignant < thresholds.high, ~s.is_malignant), no_benign),
        "calibration_error": (
            lambda s: calibration_error(s.probabilities.argmax(axis=1) == s.targets, s.probabilities.max(axis=1)),
            "no image",
        ),
        "calibration_error_malignant": (lambda s: calibration_error(s.is_malignant, s.malignant), "no image"),
        "cannot_assess": (lambda s: float((s.ood > thresholds.ood).mean()), "no image"),
    }


def measure(scores: Scores, *, thresholds: Thresholds, seed: int = 0) -> dict[str, Estimate]:
    """Return every figure with its 95 % interval from resampling lesions, not images.

    Images of one lesion resemble each other: resampling images would make the intervals too narrow.
    """
    chosen = figures(thresholds)
    rows_of = _rows_by_group(scores.groups)
    rng = np.random.default_rng(seed)
    rounds: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(BOOTSTRAP_ROUNDS):
        picked = rng.integers(len(rows_of), size=len(rows_of))
        sample = scores.take(np.concatenate([rows_of[index] for index in picked]))
        for name, (figure, _) in chosen.items():
            value = figure(sample)
            if value is not None:
                rounds[name].append(value)
    return {
        name: _estimate(figure(scores), rounds=rounds[name], reason=reason) for name, (figure, reason) in chosen.items()
    }


def _estimate(value: float | None, *, rounds: Sequence[float], reason: str) -> Estimate:
    if value is None:
        return Estimate(value=None, reason=reason)
    rounded = round(value, _DIGITS)
    if len(rounds) < _MIN_DEFINED_SHARE * BOOTSTRAP_ROUNDS:
        return Estimate(value=rounded, reason="too few lesions for an interval")
    low, high = (round(float(bound), _DIGITS) for bound in np.quantile(rounds, (0.025, 0.975)))
    return Estimate(value=rounded, low=low, high=high)


def _share(hit: NDArray[np.bool_], among: NDArray[np.bool_]) -> float | None:
    return float(hit[among].mean()) if among.any() else None


def _rows_by_group(groups: Sequence[str]) -> list[NDArray[np.int64]]:
    rows: dict[str, list[int]] = {}
    for row, group in enumerate(groups):
        rows.setdefault(group, []).append(row)
    return [np.array(members) for members in rows.values()]
