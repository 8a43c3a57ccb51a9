"""What computing a package in another precision changes, by the kiosk's own classifier; needs no torch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import Classifier
from edge.inference.model_package import ModelManifest, ModelPackage
from edge.inference.openvino_classifier import OpenVinoClassifier, compute_devices
from edge.inference.precision import CAPABILITY, FULL, REDUCED, Precision, PrecisionEffect
from training.metrics import auc, calibration_error

Pictures = Sequence[NDArray[np.uint8]]
_DIGITS = 4


@dataclass(frozen=True)
class Answers:
    """What a network said of N pictures: probabilities [N, classes], out-of-distribution scores [N]."""

    probabilities: NDArray[np.float64]
    ood: NDArray[np.float64]

    def take(self, rows: Sequence[int]) -> "Answers":
        """Return these rows."""
        return Answers(self.probabilities[rows], self.ood[rows])


@dataclass(frozen=True)
class Changes:
    """Differences between two sets of answers, as `PrecisionEffect` names them; one that is undefined counts as 0."""

    auc: float
    ece: float
    refused: float
    tiers: float
    p99: float


def answers_of(classifier: Classifier, pictures: Pictures) -> Answers:
    """Classify pictures [H, W, 3], many at a time."""
    probabilities, ood = [], []
    for prediction in classifier.classify_many(pictures):
        probabilities.append([prediction.probabilities[label] for label in classifier.manifest.labels])
        ood.append(prediction.ood_score)
    return Answers(np.array(probabilities), np.array(ood))


def changes(reference: Answers, other: Answers, targets: NDArray[np.int64], manifest: ModelManifest) -> Changes:
    """Compare answers about the same pictures; `targets` are the indices of their true labels."""
    positive = [manifest.labels.index(label) for label in manifest.positive]
    truth = np.isin(targets, positive)
    limits = manifest.thresholds

    def figures(answers: Answers) -> tuple[float, float, float, NDArray[np.int64]]:
        score = answers.probabilities[:, positive].sum(axis=1)
        refused = answers.ood > limits.ood
        tier = np.where(refused, -1, np.digitize(score, [limits.moderate, limits.high]))
        return auc(truth, score) or 0.0, calibration_error(truth, score), float(refused.mean()), tier

    before, after = figures(reference), figures(other)
    return Changes(
        auc=after[0] - before[0],
        ece=after[1] - before[1],
        refused=after[2] - before[2],
        tiers=float((after[3] != before[3]).mean()),
        p99=float(np.quantile(np.abs(other.probabilities - reference.probabilities).max(axis=1), 0.99)),
    )


def measure_effects(
    package: ModelPackage,
    pictures: Pictures,
    targets: NDArray[np.int64],
    *,
    int8: tuple[bytes, bytes] | None,
    threads: int | None = None,
) -> dict[Precision, PrecisionEffect]:
    """Measure each reduced precision that this machine's CPU computes in, int8 where its network is given."""
    capabilities = compute_devices()["CPU"].capabilities
    complete = replace(package, int8=int8)
    reference = _answers_in(FULL, complete, pictures, threads=threads)
    effects: dict[Precision, PrecisionEffect] = {}
    for precision in REDUCED:
        if (precision == "int8" and int8 is None) or CAPABILITY[precision] not in capabilities:
            continue
        found = changes(
            reference, _answers_in(precision, complete, pictures, threads=threads), targets, package.manifest
        )
        effects[precision] = PrecisionEffect(
            n=len(pictures),
            auc_change=round(found.auc, _DIGITS) + 0.0,
            ece_change=round(found.ece, _DIGITS),
            refused_change=round(found.refused, _DIGITS),
            tiers_changed=round(found.tiers, _DIGITS),
            change_p99=round(found.p99, _DIGITS),
        )
    return effects


def _answers_in(precision: Precision, package: ModelPackage, pictures: Pictures, *, threads: int | None) -> Answers:
    classifier = OpenVinoClassifier(package, precision=precision, threads=threads)
    try:
        return answers_of(classifier, pictures)
    finally:
        classifier.close()
