"""The committed melanoma package on real pictures: its figures can be reproduced, and it refuses what it never saw."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from edge.inference.model_package import Metrics, ModelPackage, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_image
from training.data import fingerprint, of_split, read_manifest
from training.evaluate import score_records
from training.metrics import auc

PACKAGE = Path(__file__).parents[2] / "models" / "melanoma"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def package() -> ModelPackage:
    return load_model_package(PACKAGE, expected_name="melanoma")


@pytest.fixture(scope="module")
def classifier(package: ModelPackage) -> Iterator[OpenVinoClassifier]:
    made = OpenVinoClassifier(package)
    yield made
    made.close()


def _recorded(package: ModelPackage, split: str) -> Metrics:
    return next(entry for entry in package.manifest.metrics if entry.split == split)


def _refused(classifier: OpenVinoClassifier, files: Sequence[Path]) -> float:
    predictions = [classifier.classify(decode_image(file.read_bytes())) for file in files]
    return sum(not prediction.in_distribution for prediction in predictions) / len(predictions)


def test_the_test_split_gives_the_figures_in_the_manifest(package: ModelPackage, data_root: Path) -> None:
    path = data_root / "melanoma" / "manifest.csv"
    recorded = _recorded(package, "test")
    records = of_split(read_manifest(path), "test")
    assert len(records) == recorded.n == 1502
    scores = score_records(package, records, root=path.parent)
    malignant = auc(scores.is_malignant, scores.malignant)
    melanoma = auc(scores.is_label("mel"), scores.probabilities[:, scores.labels.index("mel")])
    assert malignant == pytest.approx(recorded.figures["auc_malignant"].value, abs=0.002)
    assert melanoma == pytest.approx(recorded.figures["auc_melanoma"].value, abs=0.002)
    threshold = package.manifest.thresholds.moderate
    sensitivity = (scores.malignant[scores.is_malignant] >= threshold).mean()
    assert sensitivity == pytest.approx(recorded.figures["sensitivity_moderate"].value, abs=0.005)


def test_the_network_beats_hand_made_features(package: ModelPackage) -> None:
    # Gradient boosting on colour and shape features: 0.935 malignant and 0.903 melanoma on the same split.
    figures = _recorded(package, "test").figures
    assert figures["auc_malignant"].value > 0.935
    assert figures["auc_melanoma"].value > 0.903


def test_the_fingerprint_is_that_of_the_data(package: ModelPackage, data_root: Path) -> None:
    records = read_manifest(data_root / "melanoma" / "manifest.csv")
    used = [*of_split(records, "train"), *of_split(records, "val")]
    assert fingerprint(used) == package.manifest.training_data.fingerprint


def test_faces_are_mostly_refused(classifier: OpenVinoClassifier, data_root: Path) -> None:
    files = sorted((data_root / "faces" / "lfw").rglob("*.jpg"))[::10]
    assert len(files) > 250
    assert _refused(classifier, files) > 0.85


def test_scalp_frames_are_mostly_refused(classifier: OpenVinoClassifier, data_root: Path) -> None:
    files = sorted((data_root / "scalp_camera" / "images").glob("*.jpg"))
    assert len(files) == 315
    assert _refused(classifier, files) > 0.6
