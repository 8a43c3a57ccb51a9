"""A package whose network can compute in INT8, by NNCF's post-training quantisation under accuracy control."""

import logging
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.model_package import ModelPackage
from edge.inference.openvino_classifier import OpenVinoClassifier, compute_devices, import_openvino, read_network
from edge.inference.precision import CAPABILITY
from edge.inference.preprocess import decode_image, to_input
from training.calibrate import choose_decision_weights, choose_thresholds, refuse_too_few
from training.data import DataError, Record
from training.golden import golden_answers
from training.images import load_images
from training.metrics import Scores
from training.precision_effects import answers_by, answers_of, changes, measure_effects

log = logging.getLogger(__name__)

MIN_CALIBRATION: Final = 300
"""NNCF's own default; fewer pictures miss activations that patients' pictures will have."""
_MOST_TAKEN_BACK: Final = 40
"""Operations, each of which costs a run over the validation pictures; what then exceeds the bounds is not used."""


class TooFewCalibrationImages(DataError):
    """Too few pictures to find the ranges of the activations."""


def with_precisions(
    package: ModelPackage, *, root: Path, calibration: Sequence[Record] | None, validation: Sequence[Record]
) -> ModelPackage:
    """Return the package, quantised if it can be, with the effects of each precision measured in its manifest.

    Without `calibration` the network stays as it is.

    Quantised weights are others than before, in every precision: figures measured with the old ones are left out, the
    thresholds are chosen again, and the golden pictures get their answers again. `root` is the folder of the records'
    files. The package is not written; its hash is empty.

    Raises:
        TooFewCalibrationImages, PictureUnreadable: the pictures do not serve.
        CalibrationError: fewer than 20 positive or negative validation pictures.
    """
    labels = package.manifest.labels
    input_px = package.manifest.input.width
    seen = load_images(validation, root=root, labels=labels, input_px=input_px)
    pictures, targets = [image.best for image in seen], np.array([image.target for image in seen])
    # On fewer, or one kind alone, a change of AUC means nothing or is none.
    refuse_too_few(np.isin(targets, [labels.index(label) for label in package.manifest.positive]))
    quantised = None
    if calibration is not None:
        quantised = quantise(
            package,
            calibration=[image.best for image in load_images(calibration, root=root, labels=labels, input_px=input_px)],
            validation=pictures,
            targets=targets,
        )
    if quantised is not None:
        package = _described(quantised, metrics=())
        package = _described(package, **_limits(package, pictures, targets))
        golden = [decode_image(package.golden[answer.file]) for answer in package.manifest.golden]
        answers, _ = golden_answers(package, golden)
        package = _described(package, golden=answers)
    return _described(package, precisions=measure_effects(package, pictures, targets))


def _described(package: ModelPackage, **fields: Any) -> ModelPackage:
    return replace(package, manifest=package.manifest.model_copy(update=fields), sha256="", signature="unchecked")


def _limits(package: ModelPackage, pictures: Sequence[NDArray[np.uint8]], targets: NDArray[np.int64]) -> dict[str, Any]:
    """Return what `export` chose on the validation pictures, chosen again for the network as it is now, in f32."""
    manifest = package.manifest
    classifier = OpenVinoClassifier(package)
    said = answers_of(classifier, pictures)
    classifier.close()
    scores = Scores(
        labels=manifest.labels,
        positive_labels=manifest.positive,
        targets=targets,
        # Of no concern here: no interval is made.
        groups=tuple(map(str, range(len(targets)))),
        probabilities=said.probabilities,
        ood=said.ood,
        disagreement=said.disagreement if manifest.outputs.disagreement else None,
    )
    return {
        "thresholds": choose_thresholds(scores),
        "decision_weights": choose_decision_weights(scores.probabilities, scores.targets, labels=scores.labels),
    }


def quantise(
    package: ModelPackage,
    *,
    calibration: Sequence[NDArray[np.uint8]],
    validation: Sequence[NDArray[np.uint8]],
    targets: NDArray[np.int64],
) -> ModelPackage | None:
    """Return the package with a quantised network, or None where it cannot be held within the package's bounds.

    The one network serves every precision, as `read_network` says; its weights have 8 bits.

    What no convolution follows stays as it is: it costs nothing, and the distance to the training pictures is a sum
    over many small differences. Rounded, it no longer told strange pictures apart, while AUC and calibration error
    hardly moved. For the same reason ranges are the extremes met in calibration, not their means. Biases stay, too:
    corrected for rounded activations, they would be wrong for all other precisions.

    Args:
        package: the network in f32, with its thresholds and bounds.
        calibration: pictures [H, W, 3] from the training split.
        validation: pictures on which the bounds of AUC and calibration error must hold; operations are taken back to
            f32 until they do. How many are refused is no measure here: the limit belongs to the old weights.
        targets: [N] indices of their labels.

    Raises:
        TooFewCalibrationImages: fewer than 300.
        ValueError: no validation picture, or not as many as targets.
    """
    if len(calibration) < MIN_CALIBRATION:
        raise TooFewCalibrationImages(
            f"{len(calibration)} calibration images, at least {MIN_CALIBRATION} of the training split are needed"
        )
    if len(validation) != len(targets) or not len(targets):
        raise ValueError("each validation picture needs its label, and there must be some")
    openvino = import_openvino()
    import nncf  # noqa: PLC0415  # needed here alone, slow, and only after openvino's telemetry was kept out
    from nncf.quantization.advanced_parameters import (  # noqa: PLC0415
        AdvancedAccuracyRestorerParameters,
        AdvancedQuantizationParameters,
    )
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet  # noqa: PLC0415

    if CAPABILITY["int8"] not in compute_devices()["CPU"].capabilities:
        log.warning(
            "the sums of this CPU overflow in int8: more operations than needed may be taken back to f32. A CPU with"
            " VNNI makes a faster package"
        )
    manifest = package.manifest
    size = manifest.input

    def prepare(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return to_input(picture, width=size.width, height=size.height)

    classifier = OpenVinoClassifier(package)
    reference = answers_of(classifier, validation)
    classifier.close()

    def worst_change(compiled: Any, items: Iterable[int]) -> tuple[float, list[list[NDArray[Any]]]]:
        """Return 1 less the worst change as a share of its bound, and the probabilities to rank operations by."""
        rows = list(items)
        said = answers_by(compiled, [validation[row] for row in rows], manifest)
        found = changes(reference.take(rows), said, targets[rows], manifest)
        bounds = manifest.precision_bounds
        return 1.0 - max(abs(found.auc) / bounds.auc, abs(found.ece) / bounds.ece), [
            [row[np.newaxis]] for row in said.probabilities
        ]

    model = read_network(package)
    quantised = nncf.quantize_with_accuracy_control(
        model,
        calibration_dataset=nncf.Dataset(calibration, prepare),
        validation_dataset=nncf.Dataset(list(range(len(targets))), lambda row: prepare(validation[row])),
        validation_fn=worst_change,
        max_drop=1.0,
        drop_type=nncf.DropType.ABSOLUTE,
        subset_size=len(calibration),
        # Some are constants by now, which NNCF does not know by name.
        ignored_scope=nncf.IgnoredScope(names=_after_the_convolutions(model), validate=False),
        advanced_quantization_parameters=AdvancedQuantizationParameters(
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX, disable_bias_correction=True
        ),
        advanced_accuracy_restorer_parameters=AdvancedAccuracyRestorerParameters(max_num_iterations=_MOST_TAKEN_BACK),
    )
    if not any(node.get_type_name() == "FakeQuantize" for node in quantised.get_ops()):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        openvino.save_model(quantised, str(path), compress_to_fp16=True)
        return replace(package, graph=path.read_bytes(), weights=path.with_suffix(".bin").read_bytes())


def _after_the_convolutions(model: Any) -> list[str]:
    """Name the operations whose results reach no convolution."""
    waiting = [node for node in model.get_ops() if node.get_type_name() in ("Convolution", "GroupConvolution")]
    before = set()
    while waiting:
        node = waiting.pop()
        if node.get_friendly_name() not in before:
            before.add(node.get_friendly_name())
            waiting += [each.get_source_output().get_node() for each in node.inputs()]
    return [node.get_friendly_name() for node in model.get_ops() if node.get_friendly_name() not in before]
