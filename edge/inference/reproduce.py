"""Recomputing a stored result from its stored picture, to see whether the same model still says the same."""

from dataclasses import dataclass
from typing import Final

from edge.inference.classifier import Classifier
from edge.inference.model_package import ModelManifest
from edge.inference.preprocess import decode_image
from protocol.events import AnalysisCompleted

_TOLERANCE_WITHOUT_GOLDEN: Final = 0.001
"""For a package that states none: on the machine that made the result, in the precision that made it, the same network
answers to within rounding."""


@dataclass(frozen=True)
class Reproduction:
    """Stored and recomputed probabilities by label, their largest difference, and how large it may be."""

    stored: dict[str, float]
    recomputed: dict[str, float]
    difference: float
    tolerance: float

    @property
    def matches(self) -> bool:
        """Whether the recomputed result is the stored one."""
        return self.difference <= self.tolerance


def reproduce(analysis: AnalysisCompleted, picture: bytes, classifier: Classifier) -> Reproduction:
    """Classify the picture of a stored result again.

    Raises:
        ImageRefused, ClassifierFailed: the picture or the network is not usable.
    """
    recomputed = classifier.classify(decode_image(picture)).probabilities
    stored = dict(analysis.probabilities)
    labels = stored.keys() | recomputed.keys()
    return Reproduction(
        stored=stored,
        recomputed=recomputed,
        difference=max(abs(stored.get(label, 0.0) - recomputed.get(label, 0.0)) for label in labels),
        tolerance=_tolerance(classifier.manifest),
    )


def _tolerance(manifest: ModelManifest) -> float:
    return max((answer.tolerance for answer in manifest.golden), default=_TOLERANCE_WITHOUT_GOLDEN)
