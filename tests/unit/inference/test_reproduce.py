"""The same network in the same arithmetic on the same pixels says the same; anything else is told apart."""

from collections.abc import Callable
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.registry import open_camera
from edge.inference.classifier import Prediction
from edge.inference.model_package import ModelManifest, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.precision import Precision, PrecisionEffect
from edge.inference.preprocess import ImageRefused, decode_for_analysis, decode_image
from edge.inference.reproduce import ROUNDING, reproduce
from protocol.events import AnalysisCompleted, ModelReference
from tests.unit.inference.conftest import COMMITTED

MANIFEST = load_model_package(COMMITTED).manifest
EFFECT = PrecisionEffect(n=9, auc_change=0, ece_change=0, refused_change=0, tiers_changed=0, change_p99=0.04)
STORED = dict.fromkeys(MANIFEST.labels, 0.0) | {"mel": 0.6, "nv": 0.4}


class _Says:
    """A classifier that says the stored probabilities, with `by` moved from one label to another."""

    def __init__(self, by: float, *, precision: Precision = "f32", manifest: ModelManifest = MANIFEST) -> None:
        self.manifest = manifest
        self._said = STORED | {"mel": 0.6 - by, "nv": 0.4 + by}
        self._precision: Precision = precision
        self.shapes: list[tuple[int, ...]] = []

    def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
        self.shapes.append(rgb.shape)
        return Prediction(
            probabilities=self._said, score=0.5, label="mel", ood_score=0.0, in_distribution=True, disagreement=None,
            views_agree=True, cam=np.zeros((2, 2), np.float32), model_name="m", model_version="1.0.0",
            model_sha256="a" * 64, stage_ms={}, precision=self._precision,
        )  # fmt: skip


def _stored(precision: str | None, probabilities: dict[str, float] | None = None) -> AnalysisCompleted:
    reference = ModelReference(
        name="melanoma", version="1.0.0", sha256="a" * 64, licence_of_use="tests", clinical=False, precision=precision
    )
    return AnalysisCompleted.model_construct(
        analysis_id=uuid4(), model=reference, probabilities=STORED if probabilities is None else probabilities
    )


@pytest.fixture(scope="module")
def photograph() -> bytes:
    camera = open_camera("sim://phantom?seed=2&width=2592&height=1944")
    try:
        return camera.capture().data
    finally:
        camera.close()


def _golden() -> float:
    return max(answer.tolerance for answer in MANIFEST.golden)


@pytest.mark.parametrize("precision", ["f32", "bf16", "f16", "int8"])
def test_the_same_arithmetic_must_give_the_same_to_within_rounding(photograph: bytes, precision: Precision) -> None:
    near = reproduce(_stored(precision), photograph, _Says(0.9 * ROUNDING, precision=precision))  # type: ignore[arg-type]
    far = reproduce(_stored(precision), photograph, _Says(1.1 * ROUNDING, precision=precision))  # type: ignore[arg-type]
    assert (near.tolerance, near.matches) == (ROUNDING, True)
    assert (far.tolerance, far.matches) == (ROUNDING, False)
    assert (far.made_in, far.precision) == (precision, precision)
    assert far.difference == pytest.approx(1.1 * ROUNDING)


def test_another_arithmetic_may_differ_by_what_it_was_measured_to_change(photograph: bytes) -> None:
    manifest = MANIFEST.model_copy(update={"precisions": {"int8": EFFECT, "bf16": EFFECT}})
    allowed = _golden() + EFFECT.change_p99
    for by, matches in ((0.9 * allowed, True), (1.1 * allowed, False)):
        result = reproduce(_stored("int8"), photograph, _Says(by, manifest=manifest))  # type: ignore[arg-type]
        assert (result.tolerance, result.matches) == (pytest.approx(allowed), matches)
        assert (result.made_in, result.precision) == ("int8", "f32")


def test_an_arithmetic_that_was_not_recorded_may_differ_as_between_machines(photograph: bytes) -> None:
    result = reproduce(_stored(None), photograph, _Says(0.9 * _golden()))  # type: ignore[arg-type]
    assert (result.tolerance, result.matches, result.made_in) == (_golden(), True, None)
    assert not reproduce(_stored(None), photograph, _Says(1.1 * _golden())).matches  # type: ignore[arg-type]


def test_a_package_without_golden_pictures_allows_rounding_alone(photograph: bytes) -> None:
    manifest = MANIFEST.model_copy(update={"golden": ()})
    assert reproduce(_stored(None), photograph, _Says(0.0, manifest=manifest)).tolerance == ROUNDING  # type: ignore[arg-type]


def test_a_label_that_is_missing_counts_as_nought(photograph: bytes) -> None:
    result = reproduce(_stored("f32", {"mel": 0.6}), photograph, _Says(0.0))  # type: ignore[arg-type]
    assert result.difference == pytest.approx(0.4)
    assert not result.matches


def test_the_picture_is_decoded_as_the_kiosk_decoded_it(photograph: bytes) -> None:
    now, before = _Says(0.0), _Says(0.0)
    reproduce(_stored("f32"), photograph, now)  # type: ignore[arg-type]
    reproduce(_stored(None), photograph, before)  # type: ignore[arg-type]
    assert now.shapes == [decode_for_analysis(photograph, input_px=MANIFEST.input.width).shape]
    # Kiosks of before decoded in full.
    assert before.shapes == [(1944, 2592, 3)]


def test_the_real_network_reproduces_itself(photograph: bytes, classifier: OpenVinoClassifier) -> None:
    rgb = decode_for_analysis(photograph, input_px=MANIFEST.input.width)
    result = reproduce(_stored("f32", classifier.classify(rgb).probabilities), photograph, classifier)
    assert result.matches
    assert result.tolerance == ROUNDING
    in_full = classifier.classify(decode_image(photograph)).probabilities
    assert reproduce(_stored(None, in_full), photograph, classifier).difference < ROUNDING


def test_a_picture_that_cannot_be_read_is_refused(encode: Callable[..., bytes]) -> None:
    data = encode(np.zeros((90, 90, 3), np.uint8))
    with pytest.raises(ImageRefused):
        reproduce(_stored("f32"), data[: len(data) // 2], _Says(0.0))  # type: ignore[arg-type]
