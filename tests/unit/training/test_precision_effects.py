import numpy as np
import pytest

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import compute_devices
from edge.inference.precision import CAPABILITY
from tests.unit.inference.conftest import COMMITTED
from training.precision_effects import Answers, changes, measure_effects

MANIFEST = load_model_package(COMMITTED).manifest


def _answers(malignant: list[float], ood: list[float]) -> Answers:
    """The score all on one malignant label, the rest all on one benign label."""
    probabilities = np.zeros((len(malignant), len(MANIFEST.labels)))
    probabilities[:, MANIFEST.labels.index("mel")] = malignant
    probabilities[:, MANIFEST.labels.index("nv")] = 1 - np.array(malignant)
    return Answers(probabilities, np.array(ood))


def _targets(*labels: str) -> np.ndarray:
    return np.array([MANIFEST.labels.index(label) for label in labels])


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


def test_one_class_alone_has_no_auc_to_change() -> None:
    found = changes(_answers([0.9], [1]), _answers([0.8], [1]), _targets("mel"), MANIFEST)
    assert found.auc == 0


def test_what_this_machine_computes_in_is_measured() -> None:
    package = load_model_package(COMMITTED)
    pictures = list(np.random.default_rng(0).integers(0, 256, (4, 90, 120, 3), dtype=np.uint8))
    effects = measure_effects(package, pictures, TRUTH, int8=(package.graph, package.weights), threads=1)
    capabilities = compute_devices()["CPU"].capabilities
    assert set(effects) == {name for name in ("bf16", "f16", "int8") if CAPABILITY[name] in capabilities}
    if "int8" in effects:
        # The f32 network stood in for it.
        assert effects["int8"].change_p99 == 0
    assert {effect.n for effect in effects.values()} <= {4}
