from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.inference.model_package import ModelPackage, load_model_package
from edge.inference.openvino_classifier import compute_devices, import_openvino, read_network
from edge.inference.precision import CAPABILITY, REDUCED, PrecisionBounds, allowed
from tests.unit.inference.conftest import COMMITTED
from tests.unit.inference.networks import half_safe_package, quantised, serialised
from training import precision_effects
from training.precision_effects import Answers, changes, measure_effects

ops: Any = import_openvino().opset13
MANIFEST = load_model_package(COMMITTED).manifest


def _answers(malignant: list[float], ood: list[float], disagreement: float = 0.0) -> Answers:
    """The score all on one malignant label, the rest all on one benign label."""
    probabilities = np.zeros((len(malignant), len(MANIFEST.labels)))
    probabilities[:, MANIFEST.labels.index("mel")] = malignant
    probabilities[:, MANIFEST.labels.index("nv")] = 1 - np.array(malignant)
    return Answers(probabilities, np.array(ood), np.full(len(ood), disagreement))


def _targets(*labels: str) -> np.ndarray:
    return np.array([MANIFEST.labels.index(label) for label in labels])


@pytest.fixture(scope="module")
def half_safe() -> ModelPackage:
    return half_safe_package()


TRUTH = _targets("mel", "mel", "nv", "nv")
LIMIT = MANIFEST.thresholds.ood


def test_equal_answers_change_nothing() -> None:
    answers = _answers([0.9, 0.8, 0.1, 0.01], [1.0, 2.0, 3.0, LIMIT + 1])
    same = changes(answers, answers, TRUTH, MANIFEST)
    assert (same.auc, same.ece, same.refused, same.tiers, same.p99) == (0, 0, 0, 0, 0)


def test_each_change_is_seen() -> None:
    before = _answers([0.9, 0.8, 0.01, 0.01], [1.0, 2.0, 3.0, 4.0])
    after = _answers([0.9, 0.005, 0.01, 0.01], [1.0, 2.0, 3.0, LIMIT + 1])
    found = changes(before, after, TRUTH, MANIFEST)
    assert found.auc == pytest.approx(-0.5)
    assert found.ece > 0.1
    assert found.refused == pytest.approx(0.25)
    assert found.tiers == pytest.approx(0.5)
    assert found.p99 == pytest.approx(0.795, abs=0.03)


def test_a_strange_picture_that_is_no_longer_refused_is_seen() -> None:
    scores = [0.9, 0.8, 0.01, 0.01]
    found = changes(_answers(scores, [1, 2, 3, LIMIT + 1]), _answers(scores, [1, 2, 3, LIMIT - 1]), TRUTH, MANIFEST)
    assert found.refused == pytest.approx(-0.25)
    assert (found.auc, found.ece) == (0, 0)


def test_views_that_disagree_only_then_are_seen_as_refused() -> None:
    limit = MANIFEST.thresholds.disagreement
    assert limit is not None
    scores, ood = [0.9, 0.8, 0.01, 0.01], [1.0, 2.0, 3.0, 4.0]
    steady, unsteady = _answers(scores, ood, 0.9 * limit), _answers(scores, ood, 1.1 * limit)
    found = changes(steady, unsteady, TRUTH, MANIFEST)
    assert (found.refused, found.tiers, found.auc) == (1, 1, 0)
    unlimited = MANIFEST.model_copy(
        update={"thresholds": MANIFEST.thresholds.model_copy(update={"disagreement": None})}
    )
    assert changes(steady, unsteady, TRUTH, unlimited).refused == 0


def test_one_class_alone_has_no_auc_to_change() -> None:
    found = changes(_answers([0.9], [1]), _answers([0.8], [1]), _targets("mel"), MANIFEST)
    assert found.auc == 0


def test_what_this_machine_computes_in_is_measured_and_what_other_kiosks_do_always(half_safe: ModelPackage) -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 90, 120, 3), dtype=np.uint8))
    effects = measure_effects(quantised(half_safe), pictures, TRUTH, threads=1)
    capable = {name for name in REDUCED if CAPABILITY[name] in compute_devices()["CPU"].capabilities}
    assert set(effects) == capable | {"f16", "int8"}
    assert {name for name, effect in effects.items() if effect.emulated} == {"f16", "int8"} - capable
    # It has 65,536 steps where NNCF's have 256.
    assert effects["int8"].change_p99 < 0.01
    assert 0 < effects["f16"].change_p99 < 0.02
    assert {effect.n for effect in effects.values()} == {4}


def test_an_effect_by_emulation_lets_a_machine_with_half_precision_use_it(
    half_safe: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = compute_devices()["CPU"]
    monkeypatch.setattr(precision_effects, "compute_devices", lambda: {"CPU": replace(cpu, capabilities=("FP32",))})
    pictures = list(np.random.default_rng(1).integers(0, 256, (4, 90, 120, 3), dtype=np.uint8))
    effects = measure_effects(half_safe, pictures, TRUTH, threads=1)
    assert list(effects) == ["f16"]
    assert effects["f16"].emulated
    bounds = PrecisionBounds(auc=0.9, ece=0.9, refused=0.9)
    assert allowed(effects, bounds, capabilities=("FP32", "FP16")) == ("f32", "f16")


def test_a_network_that_leaves_the_range_of_half_precision_is_not_said_to_keep_its_answers(
    half_safe: ModelPackage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cpu = compute_devices()["CPU"]
    monkeypatch.setattr(precision_effects, "compute_devices", lambda: {"CPU": replace(cpu, capabilities=("FP32",))})
    model = read_network(half_safe)
    (distance,) = [output for output in model.outputs if output.get_any_name() == half_safe.manifest.outputs.ood]
    # Times a million and back: the same in f32, infinite in half precision.
    source = distance.get_node().input(0).get_source_output()
    far = ops.divide(ops.multiply(source, np.float32(1e6)), np.float32(1e6)).output(0)
    far.get_tensor().set_names(source.get_tensor().get_names())
    distance.get_node().input(0).replace_source_output(far)
    spoiled = replace(half_safe, **dict(zip(("graph", "weights"), serialised(model), strict=True)))
    pictures = list(np.random.default_rng(2).integers(0, 256, (4, 90, 120, 3), dtype=np.uint8))
    assert measure_effects(spoiled, pictures, TRUTH, threads=1) == {}
    assert "f16 is left out" in caplog.text
