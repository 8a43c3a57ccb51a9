"""The port of lesion classification; what crosses it is plain data, so that it can run in another process."""

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import EdgeError
from edge.inference.model_package import ModelManifest

MELANOMA_LABEL: Final = "mel"


class ClassifierFailed(EdgeError):
    """The network gave no usable answer."""

    code = "classifier-failed"
    remedy = "Repeat the analysis; if it fails again, restart the kiosk and install the model package again."


@dataclass(frozen=True)
class Prediction:
    """What the network says about one picture, and which network said it.

    `malignant` and `melanoma` are calibrated probabilities; `melanoma` is None for a model without that label.
    `cam` [h, w] is the evidence for malignancy over the centre square, as a share of the log-odds; negative speaks
    against. A picture with `in_distribution` false cannot be assessed, whatever the probabilities are.
    `stage_ms` holds "preprocess" and "inference".
    """

    probabilities: dict[str, float]
    malignant: float
    melanoma: float | None
    ood_score: float
    in_distribution: bool
    cam: NDArray[np.float32] = field(repr=False)
    model_name: str
    model_version: str
    model_sha256: str
    stage_ms: dict[str, float]


class Classifier(Protocol):
    """Classifies one lesion picture at a time."""

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

    def warm_up(self) -> None:
        """Run once on an empty picture, so that the first patient does not wait for it."""
        ...

    def close(self) -> None:
        """Release the network."""
        ...
