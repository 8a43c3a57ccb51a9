"""What computing a package in another precision changes, by the kiosk's own classifier; needs no torch."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import Classifier, ClassifierFailed
from edge.inference.model_package import ModelManifest, ModelPackage, Thresholds
from edge.inference.openvino_classifier import OpenVinoClassifier, compute_devices, import_openvino, read_network
from edge.inference.precision import CAPABILITY, FULL, REDUCED, Precision, PrecisionEffect, PrecisionRefused
from edge.inference.preprocess import to_input
from training.half_precision import with_half_precision
from training.metrics import auc, calibration_error

Pictures = Sequence[NDArray[np.uint8]]
_DIGITS = 4
EMULATED_ON: Final = 300
"""Pictures, drawn evenly: half precision takes about five times as long as f32 where it is emulated."""
_EMULATED: Final = frozenset({"f16", "int8"})

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answers:
    """What a network said of N pictures: probabilities [N, classes], out-of-distribution scores and disagreements [N].

    A network that does not state its disagreement has 0.
    """

    probabilities: NDArray[np.float64]
    ood: NDArray[np.float64]
    disagreement: NDArray[np.float64]

    def take(self, rows: Sequence[int]) -> "Answers":
        """Return these rows."""
        return Answers(self.probabilities[rows], self.ood[rows], self.disagreement[rows])

    def refused(self, limits: Thresholds) -> NDArray[np.bool_]:
        """Which pictures cannot be assessed."""
        strange = self.ood > limits.ood
        if limits.disagreement is None:
            return strange
        return np.asarray(strange | (self.disagreement > limits.disagreement))


@dataclass(frozen=True)
class Changes:
    """Differences between two sets of answers, as `PrecisionEffect` names them; one that is undefined counts as 0."""

    auc: float
    ece: float
    refused: float
    tiers: float
    p99: float


def answers_of(classifier: Classifier, pictures: Pictures) -> Answers:
    """Classify pictures [H, W, 3], many at a time.

    Raises:
        ClassifierFailed: an answer is not finite.
    """
    probabilities, ood, disagreement = [], [], []
    for prediction in classifier.classify_many(pictures):
        probabilities.append([prediction.probabilities[label] for label in classifier.manifest.labels])
        ood.append(prediction.ood_score)
        disagreement.append(prediction.disagreement or 0.0)
    return Answers(np.array(probabilities), np.array(ood), np.array(disagreement))


def answers_by(compiled: Any, pictures: Pictures, manifest: ModelManifest) -> Answers:
    """Ask a network compiled by OpenVINO itself, picture by picture.

    Raises:
        ClassifierFailed: an answer is not finite.
    """
    size, names = manifest.input, manifest.outputs
    probabilities, ood, disagreement = [], [], []
    for picture in pictures:
        outputs = compiled(to_input(picture, width=size.width, height=size.height))
        probabilities.append(outputs[names.probabilities][0].astype(float))
        ood.append(float(outputs[names.ood][0]))
        disagreement.append(float(outputs[names.disagreement][0]) if names.disagreement else 0.0)
    answers = Answers(np.array(probabilities), np.array(ood), np.array(disagreement))
    if not all(np.isfinite(each).all() for each in (answers.probabilities, answers.ood, answers.disagreement)):
        raise ClassifierFailed("the network's answer is not finite")
    return answers


def changes(reference: Answers, other: Answers, targets: NDArray[np.int64], manifest: ModelManifest) -> Changes:
    """Compare answers about the same pictures; `targets` are the indices of their true labels."""
    positive = [manifest.labels.index(label) for label in manifest.positive]
    truth = np.isin(targets, positive)
    limits = manifest.thresholds

    def figures(answers: Answers) -> tuple[float, float, float, NDArray[np.int64]]:
        score = answers.probabilities[:, positive].sum(axis=1)
        refused = answers.refused(limits)
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
    threads: int | None = None,
) -> dict[Precision, PrecisionEffect]:
    """Measure each reduced precision that this machine's CPU computes in, int8 where its network is quantised.

    What the CPU lacks and other kiosks have is emulated: half precision, which those on arm64 compute in, on at most
    300 of the pictures, and int8. A precision in which an answer is not finite, be it to a black picture, is left out.
    """
    capabilities = compute_devices()["CPU"].capabilities
    reference = answers_in(FULL, package, pictures, threads=threads)
    effects: dict[Precision, PrecisionEffect] = {}
    for precision in REDUCED:
        capable = CAPABILITY[precision] in capabilities
        if not (capable or precision in _EMULATED):
            continue
        rows = list(range(len(pictures)))
        if precision == "f16" and not capable:
            rows = sorted(set(np.linspace(0, len(pictures) - 1, EMULATED_ON).astype(int).tolist()))
        try:
            asked = [*(pictures[row] for row in rows), *_extremes()]
            answer = answers_in if capable else answers_emulated
            other = answer(precision, package, asked, threads=threads).take(range(len(rows)))
        except (ClassifierFailed, PrecisionRefused) as error:
            log.warning("%s is left out: %s", precision, error)
            continue
        found = changes(reference.take(rows), other, targets[rows], package.manifest)
        effects[precision] = PrecisionEffect(
            n=len(rows),
            auc_change=round(found.auc, _DIGITS) + 0.0,
            ece_change=round(found.ece, _DIGITS),
            refused_change=round(found.refused, _DIGITS),
            tiers_changed=round(found.tiers, _DIGITS),
            change_p99=round(found.p99, _DIGITS),
            emulated=not capable,
        )
    return effects


def answers_in(
    precision: Precision, package: ModelPackage, pictures: Pictures, *, threads: int | None = None
) -> Answers:
    """Answers about pictures [H, W, 3] as this machine's CPU computes them.

    Raises:
        PrecisionRefused: int8, and the network is not quantised.
        ClassifierFailed: it does not compile, or an answer is not finite.
    """
    classifier = OpenVinoClassifier(package, precision=precision, threads=threads)
    try:
        return answers_of(classifier, pictures)
    finally:
        classifier.close()


def answers_emulated(
    precision: Precision, package: ModelPackage, pictures: Pictures, *, threads: int | None = None
) -> Answers:
    """Answers in half precision or in int8, whatever this machine computes in; the rest as in `answers_in`."""
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": FULL}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    model = read_network(package, precision)
    if precision == "f16":
        model = with_half_precision(model)
    else:
        # Weights and activations are rounded to their 256 steps, and the products of these added in f32.
        settings["LP_TRANSFORMS_MODE"] = "NO"
    return answers_by(import_openvino().Core().compile_model(model, "CPU", settings), pictures, package.manifest)


def _extremes() -> Pictures:
    """Pictures unlike any lesion, on which a network must stay finite: a patient's camera may see anything."""
    side = 256
    noise = np.random.default_rng(0).integers(0, 2, (side, side, 3), dtype=np.uint8) * np.uint8(255)
    return [np.zeros((side, side, 3), np.uint8), np.full((side, side, 3), 255, np.uint8), noise]
