"""The scalp model's card can be reproduced from the repository alone: its pictures are drawn again."""

from pathlib import Path

import pytest

from edge.inference.model_package import load_model_package
from training.data import read_manifest
from training.evaluate import evaluate
from training.scalp_phantom import DATASET, render_dataset
from training.tasks import SCALP

PACKAGE = Path(__file__).parents[2] / "models" / "scalp"


@pytest.mark.timeout(600)
def test_drawing_the_test_pictures_again_gives_the_card_s_figures(tmp_path: Path) -> None:
    manifest = render_dataset(tmp_path, count=2400, seed=7, splits=["test"])
    package = load_model_package(PACKAGE, expected_name="scalp")
    (recorded,) = (entry for entry in package.manifest.metrics if entry.split == f"{DATASET} test")
    records = read_manifest(manifest, dataset=DATASET, labels=SCALP.labels)
    result = evaluate(package, records, root=tmp_path, data="test").result
    assert result.n == recorded.n == 247
    psoriasis = result.tasks["psoriasis"]
    for name, estimate in {
        "auc_psoriasis": psoriasis.roc_auc,
        "sensitivity_moderate": psoriasis.estimates["sensitivity"],
        "specificity_moderate": psoriasis.estimates["specificity"],
        "calibration_error_psoriasis": psoriasis.estimates["ece"],
    }.items():
        # Another processor rounds otherwise, and may put a picture or two on the other side of a limit.
        assert estimate.value == pytest.approx(recorded.figures[name].value, abs=0.02), name
