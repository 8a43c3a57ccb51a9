"""What ships: signed with a key that kiosks trust, and no worse on its own card than the product promises."""

from pathlib import Path

import pytest

from edge.inference.model_package import Estimate, ModelManifest, load_model_package
from edge.inference.package_signature import Trust, read_trusted_keys

MODELS = Path(__file__).parents[3] / "models"
STRANGE = (
    "faces (LFW)",
    "printed and live faces (NUAA)",
    "scalp camera frames",
    "everyday photographs",
    "blank frames",
    "noise frames",
)


def shipped(name: str) -> ModelManifest:
    trust = Trust(read_trusted_keys(MODELS / "trusted-keys"), signature_required=True)
    return load_model_package(MODELS / name, expected_name=name, trust=trust).manifest


def figure(manifest: ModelManifest, split: str, name: str) -> Estimate:
    (entry,) = (entry for entry in manifest.metrics if entry.split == split)
    return entry.figures[name]


@pytest.mark.parametrize("name", ["melanoma", "scalp"])
def test_it_is_signed_with_a_trusted_key(name: str) -> None:
    assert shipped(name).name == name


def test_the_melanoma_model_s_probabilities_may_be_read_as_such() -> None:
    assert figure(shipped("melanoma"), "ham10000 test", "calibration_error_malignant").value <= 0.03


def test_the_melanoma_model_tells_melanoma_better_than_the_paper_and_than_calling_nothing_melanoma() -> None:
    manifest = shipped("melanoma")
    accuracy = figure(manifest, "ham10000 test", "melanoma_accuracy_by_melanoma_probability_high")
    assert accuracy.low > 0.85
    assert accuracy.low > figure(manifest, "ham10000 test", "melanoma_always_negative_accuracy").value


def test_the_melanoma_model_in_int8_answers_as_in_full() -> None:
    manifest = shipped("melanoma")
    assert abs(manifest.precisions["int8"].auc_change) <= 0.005
    assert not manifest.precision_bounds.exceeded_by(manifest.precisions["int8"])


@pytest.mark.parametrize("rival", ["random", "centred"])
def test_the_melanoma_model_s_heat_maps_point_at_what_decides(rival: str) -> None:
    advantage = figure(shipped("melanoma"), "faithfulness on ham10000 val", f"overall_advantage_over_{rival}_maps")
    assert advantage.low > 0


@pytest.mark.parametrize(("name", "own"), [("melanoma", "ham10000 val"), ("scalp", "scalp-phantom val")])
def test_few_pictures_of_the_kind_and_most_others_are_refused(name: str, own: str) -> None:
    manifest = shipped(name)
    assert figure(manifest, f"refusal: {own}, which should be judged", "refused").value <= 0.05
    for source in STRANGE:
        assert figure(manifest, f"refusal: {source}", "auroc").value > 0.95, source
        assert figure(manifest, f"refusal: {source}", "refused").value > 0.85, source
