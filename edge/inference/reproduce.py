"""Recomputing a stored result from its stored picture, to see whether the same model still says the same."""

from dataclasses import dataclass
from typing import Final

from edge.inference.classifier import Classifier
from edge.inference.model_package import ModelManifest
from edge.inference.precision import FULL
from edge.inference.preprocess import decode_for_analysis, decode_image
from protocol.events import AnalysisCompleted

ROUNDING: Final = 0.001
"""In the arithmetic that made the result, the same network answers to within rounding."""


@dataclass(frozen=True)
class Reproduction:
    """Stored and recomputed probabilities by label, their largest difference, and how large it may be.

    `precision` is the arithmetic of the recomputation; `made_in` that of the result, None where it was not recorded.
    """

    stored: dict[str, float]
    recomputed: dict[str, float]
    difference: float
    tolerance: float
    made_in: str | None
    precision: str

    @property
    def matches(self) -> bool:
        """Whether the recomputed result is the stored one."""
        return self.difference <= self.tolerance


def reproduce(analysis: AnalysisCompleted, picture: bytes, classifier: Classifier) -> Reproduction:
    """Classify the picture of a stored result again, decoded as the kiosk decoded it.

    In the same arithmetic the probabilities must be the same to within rounding. In another, or where it was not
    recorded, they may differ by what the package allows between machines, and by what its reduced precisions were
    seen to change.

    Raises:
        ImageRefused, ClassifierFailed: the picture or the network is not usable.
    """
    made_in = analysis.model.precision if analysis.model else None
    size = classifier.manifest.input
    # Kiosks that did not record the arithmetic decoded in full.
    if made_in is None:
        rgb = decode_image(picture)
    else:
        rgb = decode_for_analysis(picture, input_px=max(size.width, size.height))
    prediction = classifier.classify(rgb)
    stored, recomputed = dict(analysis.probabilities), prediction.probabilities
    labels = stored.keys() | recomputed.keys()
    same = made_in == prediction.precision
    return Reproduction(
        stored=stored,
        recomputed=recomputed,
        difference=max(abs(stored.get(label, 0.0) - recomputed.get(label, 0.0)) for label in labels),
        tolerance=ROUNDING if same else _between(classifier.manifest, made_in, prediction.precision),
        made_in=made_in,
        precision=prediction.precision,
    )


def _between(manifest: ModelManifest, *precisions: str | None) -> float:
    """How far answers in these precisions may lie apart."""
    golden = max((answer.tolerance for answer in manifest.golden), default=ROUNDING)
    changes = (
        effect.change_p99
        for precision, effect in manifest.precisions.items()
        if precision in precisions and precision != FULL
    )
    return golden + sum(changes)
