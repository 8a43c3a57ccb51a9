"""A package whose convolution weights take 8 bits each is used like any other; they are decompressed at the load."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.capture.registry import open_camera
from edge.config import Inference
from edge.inference.model_package import ModelPackage, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino, read_network
from edge.inference.precision import PrecisionEffect
from edge.inference.preprocess import decode_image
from edge.inference.registry import open_classifier
from tests.unit.inference.networks import COMMITTED, serialised, with_weights_of_8_bits
from training.golden import golden_answers, golden_images

HARMLESS = PrecisionEffect(n=9, auc_change=0, ece_change=0, refused_change=0, tiers_changed=0, change_p99=0.1)


@pytest.fixture(scope="module")
def compressed() -> ModelPackage:
    package = with_weights_of_8_bits(load_model_package(COMMITTED))
    # As an export does, which asks the finished network.
    answers, files = golden_answers(package, golden_images())
    return replace(package, manifest=package.manifest.model_copy(update={"golden": answers}), golden=files)


@pytest.fixture(scope="module")
def picture() -> NDArray[np.uint8]:
    camera = open_camera("sim://phantom?seed=5&width=640&height=480")
    try:
        return decode_image(camera.capture().data)
    finally:
        camera.close()


def test_the_weights_are_bytes_in_the_file(compressed: ModelPackage) -> None:
    model = import_openvino().Core().read_model(compressed.graph, compressed.weights)
    kinds = {node.get_element_type().get_type_name() for node in model.get_ordered_ops() if not node.inputs()}
    assert kinds & {"i8", "u8"}
    assert len(compressed.weights) <= len(load_model_package(COMMITTED).weights)


def test_it_answers_as_the_same_weights_would_uncompressed(
    compressed: ModelPackage, picture: NDArray[np.uint8], classifier: OpenVinoClassifier
) -> None:
    graph, weights = serialised(read_network(compressed))
    made = OpenVinoClassifier(compressed, threads=1)
    plain = OpenVinoClassifier(replace(compressed, graph=graph, weights=weights), threads=1)
    said, expected = made.classify(picture), plain.classify(picture)
    (many,) = made.classify_many([picture])
    made.close()
    plain.close()
    assert len(weights) > len(compressed.weights)
    assert said.probabilities == pytest.approx(expected.probabilities, abs=5e-3)
    assert many.probabilities == pytest.approx(said.probabilities, abs=1e-5)
    before = classifier.classify(picture)
    assert said.cam.shape == before.cam.shape
    # What the rounding of the weights costs is for training to measure; here it must only be the same network.
    assert said.score == pytest.approx(before.score, abs=0.15)


def test_its_compiled_form_is_kept_and_a_damaged_one_is_made_again(
    compressed: ModelPackage, picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    scores = []
    for damage in (False, False, True):
        blobs = sorted(tmp_path.glob("*.blob"))
        if damage:
            (blob,) = blobs
            content = bytearray(blob.read_bytes())
            content[len(content) // 2] ^= 0xFF
            blob.write_bytes(content)
        made = OpenVinoClassifier(compressed, threads=1, cache_dir=tmp_path)
        scores.append(made.classify(picture).score)
        made.close()
        assert len(list(tmp_path.glob("*.blob"))) == 1
    assert scores == pytest.approx([scores[0]] * 3, abs=1e-6)


def test_its_precision_is_chosen_like_any_others(
    compressed: ModelPackage, picture: NDArray[np.uint8], tmp_path: Path
) -> None:
    manifest = compressed.manifest.model_copy(update={"precisions": {"bf16": HARMLESS, "f16": HARMLESS}})
    made = open_classifier(replace(compressed, manifest=manifest), Inference(threads=1), cache_dir=tmp_path)
    said = made.classify(picture)
    made.close()
    full = OpenVinoClassifier(compressed, threads=1)
    assert said.precision in {"f32", "bf16", "f16"}
    assert said.score == pytest.approx(full.classify(picture).score, abs=0.1)
    full.close()
