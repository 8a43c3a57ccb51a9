import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.data import astronaut

from edge.inference.classifier import Classifier, ClassifierFailed
from edge.inference.model_package import ModelPackageMislabelled, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino, read_network
from tests.unit.inference.networks import serialised


def _noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)


def test_probabilities_sum_to_one_and_add_up_to_the_scores(classifier: OpenVinoClassifier) -> None:
    for picture in (astronaut(), _noise()):
        prediction = classifier.classify(picture)
        assert sum(prediction.probabilities.values()) == pytest.approx(1, abs=1e-5)
        malignant = sum(prediction.probabilities[label] for label in ("mel", "bcc", "akiec"))
        assert prediction.score == pytest.approx(malignant)
        weighted = {
            label: value * classifier.manifest.decision_weights.get(label, 1.0)
            for label, value in prediction.probabilities.items()
        }
        assert prediction.label == max(weighted, key=weighted.__getitem__)


def test_the_same_picture_always_gets_the_same_answer(classifier: OpenVinoClassifier) -> None:
    first, _, again = (classifier.classify(picture) for picture in (astronaut(), _noise(), astronaut()))
    assert first.probabilities == again.probabilities
    assert first.ood_score == again.ood_score
    np.testing.assert_array_equal(first.cam, again.cam)


def test_a_prediction_names_the_model_that_made_it(classifier: OpenVinoClassifier, package_dir: Path) -> None:
    prediction = classifier.classify(astronaut())
    package = load_model_package(package_dir)
    assert prediction.model_sha256 == package.sha256
    assert (prediction.model_name, prediction.model_version) == (package.manifest.name, package.manifest.version)
    assert set(prediction.stage_ms) == {"preprocess", "inference"}


def test_noise_and_a_portrait_are_out_of_distribution(classifier: OpenVinoClassifier) -> None:
    assert not classifier.classify(_noise()).in_distribution
    assert not classifier.classify(astronaut()).in_distribution


def test_a_later_answer_leaves_an_earlier_one_alone(classifier: OpenVinoClassifier) -> None:
    first = classifier.classify(astronaut())
    kept = first.cam.copy()
    classifier.classify(_noise())
    np.testing.assert_array_equal(first.cam, kept)


def test_the_activation_map_explains_the_score(classifier: OpenVinoClassifier) -> None:
    # The map is the log-odds spread over the picture: its mean follows them up to the network's constant part.
    rng = np.random.default_rng(1)
    pictures = [rng.integers(low, low + 90, (200, 200, 3), dtype=np.uint8) for low in (0, 60, 120)] + [astronaut()]
    predictions = [classifier.classify(picture) for picture in pictures]
    assert all(p.cam.ndim == 2 and p.cam.dtype == np.float32 for p in predictions)
    odds = [np.log(p.score / (1 - p.score)) for p in predictions]
    means = [p.cam.mean() for p in predictions]
    assert np.corrcoef(odds, means)[0, 1] > 0.8


def test_a_prediction_can_cross_to_another_process(classifier: OpenVinoClassifier) -> None:
    prediction = classifier.classify(astronaut())
    copy = pickle.loads(pickle.dumps(prediction))
    assert copy.probabilities == prediction.probabilities
    np.testing.assert_array_equal(copy.cam, prediction.cam)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((100, 100), np.uint8),
        np.zeros((100, 100, 4), np.uint8),
        np.zeros((100, 100, 3), np.float32),
        np.zeros((0, 100, 3), np.uint8),
    ],
    ids=["grey", "alpha", "float", "empty"],
)
def test_an_array_that_is_no_rgb_picture_is_an_error(classifier: OpenVinoClassifier, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="RGB"):
        classifier.classify(wrong)


def test_the_adapter_is_a_classifier(package_dir: Path, tmp_path: Path) -> None:
    made: Classifier = OpenVinoClassifier(load_model_package(package_dir), cache_dir=tmp_path / "cache", threads=1)
    made.warm_up()
    assert made.manifest.name == "melanoma"
    made.close()


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ("akiec", "bcc", "bkl", "df", "mel", "nv")},
        {"labels": ("akiec", "bcc", "bkl", "df", "nv", "mel", "vasc")},
        {"input": {"width": 128}},
        {"outputs": {"cam": "heat"}},
    ],
    ids=["fewer labels", "swapped labels", "input size", "output name"],
)
def test_a_manifest_that_describes_another_network_is_mislabelled(package_dir: Path, change: dict) -> None:
    package = load_model_package(package_dir)
    values = {
        name: getattr(package.manifest, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in change.items()
    }
    relabelled = dataclasses.replace(package, manifest=package.manifest.model_copy(update=values))
    with pytest.raises(ModelPackageMislabelled):
        OpenVinoClassifier(relabelled)


def test_an_output_may_have_several_names(package_dir: Path) -> None:
    package = load_model_package(package_dir)
    model = read_network(package)
    for output in model.outputs:
        # Before the others in order, which is what any one name would be.
        output.get_tensor().add_names({f"0 {output.get_any_name()}"})
    graph, weights = serialised(model)
    OpenVinoClassifier(dataclasses.replace(package, graph=graph, weights=weights)).close()


@pytest.mark.parametrize("shapes", [[], [[-1, -1, -1, 3]], [[1, 224, 224, 3]] * 2], ids=["none", "any size", "two"])
def test_a_network_that_takes_other_inputs_is_mislabelled(package_dir: Path, shapes: list[list[int]]) -> None:
    openvino = import_openvino()
    package = load_model_package(package_dir)
    names, labels = package.manifest.outputs, package.manifest.labels
    answer = openvino.opset13.constant(np.zeros((1, len(labels)), np.float32))
    results = [openvino.opset13.result(answer)]
    results[0].input(0).get_source_output().get_tensor().set_names(
        {names.probabilities, names.cam, names.ood, str(names.disagreement)}
    )
    parameters = [openvino.opset13.parameter(shape, np.uint8) for shape in shapes]
    graph, weights = serialised(openvino.Model(results, parameters, "made"))
    with pytest.raises(ModelPackageMislabelled, match="the network takes"):
        OpenVinoClassifier(dataclasses.replace(package, graph=graph, weights=weights))


def test_a_graph_that_is_none_is_reported(package_dir: Path) -> None:
    package = load_model_package(package_dir)
    with pytest.raises(ClassifierFailed):
        OpenVinoClassifier(dataclasses.replace(package, graph=b"<net/>"))


def test_openvino_tells_nobody_that_it_was_started(tmp_path: Path) -> None:
    program = (
        "import sys; from edge.inference.openvino_classifier import import_openvino; import_openvino();"
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)"
    )
    # Without CI in the environment: its presence would silence the telemetry by itself.
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    repository = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, cwd=repository)
    assert list(tmp_path.iterdir()) == []


_TWO_THREADS_FIRST = """
import threading
import numpy as np
from edge.inference.openvino_classifier import import_openvino
openvino = import_openvino()
tensors = [openvino.Tensor(openvino.Type.u8, openvino.Shape([4])) for _ in range(2)]
together = threading.Barrier(2)
def view(tensor):
    together.wait()
    tensor.data[:] = np.ones(4, np.uint8)
threads = [threading.Thread(target=view, args=(tensor,)) for tensor in tensors]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_two_threads_may_be_the_first_to_use_openvino() -> None:
    for _ in range(3):
        subprocess.run([sys.executable, "-c", _TWO_THREADS_FIRST], check=True, timeout=120)  # our own code
