"""What a kiosk opens: device and precision as configured, or the best that the package and the machine allow."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import Inference
from edge.inference import openvino_classifier
from edge.inference.classifier import Classifier, ClassifierFailed, Prediction
from edge.inference.device import DeviceAbsent
from edge.inference.model_package import ModelPackage, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, compute_devices, read_network
from edge.inference.precision import PrecisionEffect, PrecisionRefused
from edge.inference.registry import measure_latency, open_classifier
from edge.inference.self_test import SelfTestFailed, self_test
from tests.unit.inference.networks import SCALP, half_safe_package, quantised, serialised

HARMLESS = PrecisionEffect(n=100, auc_change=0.0, ece_change=0.0, refused_change=0.0, tiers_changed=0.0, change_p99=0.1)
PICTURE = np.full((64, 64, 3), 170, np.uint8)


def _package(**changes: object) -> ModelPackage:
    package = quantised(load_model_package(SCALP))
    return replace(package, manifest=package.manifest.model_copy(update={"precisions": {}} | changes))


def _opened(package: ModelPackage, cache: Path, **settings: object) -> str:
    made = open_classifier(package, Inference(threads=1, **settings), cache_dir=cache)  # type: ignore[arg-type]
    try:
        return made.classify(PICTURE).precision
    finally:
        made.close()


def test_without_measured_effects_it_is_f32_and_nothing_is_tried(tmp_path: Path) -> None:
    assert _opened(_package(), tmp_path) == "f32"
    assert not list(tmp_path.glob("precision-*"))


@pytest.fixture
def with_vnni(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU whose sums do not overflow in int8; the networks here are too small to tell."""
    monkeypatch.setattr(openvino_classifier, "sums_bytes_without_overflow", lambda: True)


@pytest.mark.usefixtures("with_vnni")
def test_the_choice_is_measured_once_and_remembered(tmp_path: Path) -> None:
    package = _package(precisions={"int8": HARMLESS})
    chosen = _opened(package, tmp_path)
    (remembered,) = tmp_path.glob("precision-*.json")
    text = remembered.read_text()
    assert f'"chosen":"{chosen}"' in text
    assert '"f32":' in text
    remembered.write_text(text.replace(f'"chosen":"{chosen}"', '"chosen":"int8"'))
    assert _opened(package, tmp_path) == "int8"


@pytest.mark.usefixtures("with_vnni")
def test_a_precision_whose_network_does_not_work_here_is_passed_over(tmp_path: Path) -> None:
    package = _package(precisions={"int8": HARMLESS})
    graph, weights = serialised(read_network(package))
    assert _opened(replace(package, graph=graph, weights=weights), tmp_path) == "f32"


@pytest.mark.usefixtures("with_vnni")
def test_a_precision_that_fails_the_self_test_is_passed_over(tmp_path: Path) -> None:
    package = _package(precisions={"int8": HARMLESS})
    assert package.manifest.golden
    wrong = quantised(package, limit=0.01, steps=256)
    int8 = OpenVinoClassifier(wrong, precision="int8", threads=1)
    with pytest.raises(SelfTestFailed):
        self_test(int8, wrong)
    int8.close()
    assert _opened(wrong, tmp_path) == "f32"


@pytest.mark.usefixtures("with_vnni")
def test_a_configured_precision_must_be_allowed(tmp_path: Path) -> None:
    with pytest.raises(PrecisionRefused, match="does not say"):
        _opened(_package(), tmp_path, precision="int8")
    harmful = HARMLESS.model_copy(update={"auc_change": -0.02})
    with pytest.raises(PrecisionRefused, match="AUC"):
        _opened(_package(precisions={"int8": harmful}), tmp_path, precision="int8")
    assert _opened(_package(precisions={"int8": HARMLESS}), tmp_path, precision="int8") == "int8"


def test_int8_is_neither_tried_nor_accepted_where_its_sums_overflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino_classifier, "sums_bytes_without_overflow", lambda: False)
    package = _package(precisions={"int8": HARMLESS})
    assert _opened(package, tmp_path) == "f32"
    assert not list(tmp_path.glob("precision-*"))
    with pytest.raises(PrecisionRefused, match="not as exactly as it must"):
        _opened(package, tmp_path, precision="int8")


def test_int8_needs_a_network_for_it() -> None:
    with pytest.raises(PrecisionRefused, match="no int8 network"):
        OpenVinoClassifier(half_safe_package(), precision="int8")


def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeviceAbsent):
        _opened(_package(), tmp_path, device="GPU.7")


def test_auto_finds_a_device(tmp_path: Path) -> None:
    assert _opened(_package(), tmp_path, device="AUTO") == "f32"


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Classifier]], None]:
    """A machine with an Intel GPU on which a network is opened as the given function says."""

    def _with(open_on_gpu: Callable[..., Classifier]) -> None:
        devices = compute_devices()
        gpu = replace(devices["CPU"], name="GPU", model="Intel(R) UHD", capabilities=("FP32", "FP16", "INT8"))
        monkeypatch.setattr(openvino_classifier, "compute_devices", lambda: devices | {"GPU": gpu})

        def _open(package: ModelPackage, *, device: str, **settings: object) -> Classifier:
            opener = open_on_gpu if device == "GPU" else OpenVinoClassifier
            return opener(package, device="CPU", **settings)  # type: ignore[arg-type]

        monkeypatch.setattr(openvino_classifier, "OpenVinoClassifier", _open)

    return _with


def test_the_default_takes_an_intel_gpu_where_there_is_one(
    tmp_path: Path, with_gpu: Callable[[Callable[..., Classifier]], None]
) -> None:
    opened: list[str] = []

    def works(package: ModelPackage, **settings: object) -> Classifier:
        opened.append("GPU")
        return OpenVinoClassifier(package, **settings)  # type: ignore[arg-type]

    with_gpu(works)
    assert Inference().device == "AUTO"
    assert _opened(_package(), tmp_path) == "f32"
    assert opened == ["GPU"]
    assert _opened(_package(), tmp_path, device="CPU") == "f32"
    assert opened == ["GPU"]


def test_a_gpu_that_cannot_compile_the_network_leaves_it_to_the_cpu(
    tmp_path: Path, with_gpu: Callable[[Callable[..., Classifier]], None], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(package: ModelPackage, **settings: object) -> Classifier:
        raise ClassifierFailed("the network cannot be compiled for GPU")

    with_gpu(broken)
    assert _opened(_package(), tmp_path) == "f32"
    assert "using the CPU" in caplog.text
    with pytest.raises(ClassifierFailed):
        _opened(_package(), tmp_path, device="GPU")


def test_a_gpu_that_answers_wrongly_leaves_it_to_the_cpu(
    tmp_path: Path, with_gpu: Callable[[Callable[..., Classifier]], None], caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[bool] = []

    class Wrong(OpenVinoClassifier):
        def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
            said = super().classify(rgb)
            return replace(said, probabilities=dict.fromkeys(said.probabilities, 1 / len(said.probabilities)))

        def close(self) -> None:
            closed.append(True)
            super().close()

    with_gpu(Wrong)
    assert _opened(_package(), tmp_path) == "f32"
    assert "using the CPU" in caplog.text
    assert closed == [True]


def test_latency_is_measured_in_milliseconds_for_each() -> None:
    made = OpenVinoClassifier(load_model_package(SCALP), threads=1)
    measured = measure_latency({"f32": made}, runs=3)
    made.close()
    assert list(measured) == ["f32"]
    assert 0 < measured["f32"] < 60_000
