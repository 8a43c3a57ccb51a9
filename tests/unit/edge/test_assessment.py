"""What the kiosk does with a picture's bytes; the benchmark goes the same way."""

import hashlib
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.assessment import Finding, Stopwatch, assess_picture
from edge.capture.registry import open_camera
from edge.inference.classifier import Prediction
from edge.inference.model_package import ModelManifest, load_model_package
from edge.inference.preprocess import ImageRefused
from edge.inference.rules import Circumstances, load_rules
from protocol.events import BodySite

NOW = datetime(2026, 1, 2, tzinfo=UTC)
COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"
CAMERA = "sim://phantom?seed=4&width={}&height={}"


class _Recorder:
    """Stands for a classifier with a given input; keeps the shapes of the pictures that it was asked about."""

    def __init__(self, manifest: Any) -> None:
        self.manifest = manifest
        self.shapes: list[tuple[int, ...]] = []

    def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
        self.shapes.append(rgb.shape)
        labels = self.manifest.labels
        return Prediction(
            probabilities=dict.fromkeys(labels, 1 / len(labels)), score=0.5, label=labels[0], ood_score=0.0,
            in_distribution=True, disagreement=None, views_agree=True, cam=np.ones((4, 4), np.float32),
            model_name="recorder", model_version="1.0.0", model_sha256="a" * 64,
            stage_ms={"preprocess": 1.0, "inference": 2.0},
        )  # fmt: skip


def _with_input(side_px: int) -> ModelManifest:
    manifest = load_model_package(COMMITTED).manifest
    return manifest.model_copy(
        update={"input": manifest.input.model_copy(update={"width": side_px, "height": side_px})}
    )


@pytest.fixture
def recorder() -> _Recorder:
    return _Recorder(_with_input(224))


def _photograph(width: int, height: int) -> bytes:
    camera = open_camera(CAMERA.format(width, height))
    try:
        return camera.capture().data
    finally:
        camera.close()


@pytest.fixture(scope="module")
def camera_jpeg() -> bytes:
    return _photograph(2592, 1944)


def _assess(data: bytes, classifier: Any, **changes: Any) -> tuple[Finding, Stopwatch]:
    watch = Stopwatch()
    values = {
        "circumstances": Circumstances(BodySite.BACK, age_years=60),
        "previous_sha256": None,
        "simulated": False,
    } | changes
    finding = assess_picture(data, classifier=classifier, rules=load_rules(), now=NOW, watch=watch, **values)
    return finding, watch


def test_a_camera_jpeg_reaches_the_network_at_reduced_scale(camera_jpeg: bytes, recorder: _Recorder) -> None:
    finding, watch = _assess(camera_jpeg, recorder)
    assert recorder.shapes == [(972, 1296, 3)]
    assert finding.assessment is not None
    assert finding.heat_map is not None
    assert set(watch.stage_ms) == {"decode", "quality", "preprocess", "inference", "explain"}
    with Image.open(io.BytesIO(finding.heat_map)) as shown:
        assert shown.size == (640, 480)


def test_a_network_with_a_larger_input_gets_more_pixels(camera_jpeg: bytes) -> None:
    larger = _Recorder(_with_input(512))
    _assess(camera_jpeg, larger)
    assert larger.shapes == [(1944, 2592, 3)]


def test_a_small_picture_is_decoded_in_full(recorder: _Recorder) -> None:
    _assess(_photograph(640, 480), recorder)
    assert recorder.shapes == [(480, 640, 3)]


def test_the_quality_gate_sees_at_reduced_scale_what_it_sees_in_full(camera_jpeg: bytes, recorder: _Recorder) -> None:
    with Image.open(io.BytesIO(camera_jpeg)) as image:
        buffer = io.BytesIO()
        # A PNG has no scales: it is decoded in full.
        image.save(buffer, "PNG", compress_level=1)
    (reduced, _), (full, _) = (_assess(data, recorder) for data in (camera_jpeg, buffer.getvalue()))
    assert recorder.shapes == [(972, 1296, 3), (1944, 2592, 3)]
    assert reduced.report.faults == full.report.faults == ()
    for name, value in full.report.measures.items():
        assert reduced.report.measures[name] == pytest.approx(value, rel=0.05, abs=0.01), name


def test_no_model_is_asked_about_an_excluded_spot(recorder: _Recorder) -> None:
    circumstances = Circumstances(BodySite.BACK, age_years=10)
    finding, watch = _assess(_photograph(640, 480), recorder, circumstances=circumstances)
    assert finding.exclusions
    assert finding.assessment is not None
    assert (finding.prediction, finding.heat_map, recorder.shapes) == (None, None, [])
    assert set(watch.stage_ms) == {"decode", "quality"}


def test_without_a_model_there_is_an_assessment_without_a_prediction() -> None:
    finding, _ = _assess(_photograph(640, 480), None)
    assert finding.prediction is None
    assert finding.assessment is not None


def test_what_the_quality_gate_refuses_is_asked_about_nowhere(recorder: _Recorder) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((480, 640, 3), np.uint8)).save(buffer, "JPEG")
    finding, _ = _assess(buffer.getvalue(), recorder)
    assert not finding.report.accepted
    assert (finding.assessment, finding.prediction, recorder.shapes) == (None, None, [])


def test_the_same_bytes_as_before_are_a_camera_that_hangs(recorder: _Recorder) -> None:
    data = _photograph(640, 480)
    finding, _ = _assess(data, recorder, previous_sha256=hashlib.sha256(data).hexdigest())
    assert not finding.report.accepted
    assert recorder.shapes == []


def test_bytes_that_are_no_picture_are_refused(recorder: _Recorder) -> None:
    with pytest.raises(ImageRefused):
        _assess(b"no picture", recorder)
