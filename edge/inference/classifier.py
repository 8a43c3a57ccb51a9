"""The port of lesion classification; what crosses it is plain data, so that it can run in another process."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.inference.model_package import ModelManifest
from edge.inference.precision import FULL, Precision


class ClassifierFailed(EdgeError):
    """The network gave no usable answer."""

    code = "classifier-failed"
    remedy = "Repeat the analysis; if it fails again, restart the kiosk and install the model package again."


@dataclass(frozen=True)
class Prediction:
    """What the network says about one picture, and which network said it.

    `score` is the calibrated probability of the manifest's positive labels, `label` the class that is stated.
    `cam` [h, w] is the evidence for the positive labels over the centre square, as a share of the log-odds; negative
    speaks against. A picture with `in_distribution` false, or whose views disagree, cannot be assessed, whatever the
    probabilities are.
    `stage_ms` holds "preprocess" and "inference". `precision` is the arithmetic of the network: the same picture gets
    the same score again only in the same one.
    """

    probabilities: dict[str, float]
    score: float
    label: str
    ood_score: float
    in_distribution: bool
    disagreement: float | None
    views_agree: bool
    cam: NDArray[np.float32] = field(repr=False)
    model_name: str
    model_version: str
    model_sha256: str
    stage_ms: dict[str, float]
    precision: Precision = FULL


class Classifier(Protocol):
    """Classifies lesion pictures; not for use by two threads at once, but for `close`."""

    @property
    def manifest(self) -> ModelManifest:
        """The manifest of the model in use."""
        ...

    def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
        """Classify an upright RGB picture [H, W, 3].

        Raises:
            ValueError: the array is no such picture.
            ClassifierFailed: the network gave no usable answer.
        """
        ...

    def classify_many(self, rgb: Iterable[NDArray[np.uint8]]) -> Iterator[Prediction]:
        """Classify pictures as `classify` would, in order, as many a second as the machine can.

        Pictures are taken from the iterable as there is room for them, so that it may decode them one by one. Its
        errors come through after the predictions of the pictures before, and end it.

        Raises:
            ValueError: an array is no such picture; as with an error of the iterable.
            ClassifierFailed: the network gave no usable answer; what is under way is given up.
        """
        ...

    def warm_up(self) -> None:
        """Run once on an empty picture, so that the first patient does not wait for it."""
        ...

    def close(self) -> None:
        """Release the network; an inference that another thread waits for ends with `ClassifierFailed`."""
        ...
