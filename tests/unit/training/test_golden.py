from pathlib import Path

import numpy as np
import pytest

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_image
from training.golden import GOLDEN_SIDE_PX, golden_answers, golden_images

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


def test_golden_pictures_are_always_the_same_three_different_ones() -> None:
    first, again = golden_images(), golden_images()
    assert all(image.shape == (GOLDEN_SIDE_PX, GOLDEN_SIDE_PX, 3) and image.dtype == np.uint8 for image in first)
    assert all(np.array_equal(one, two) for one, two in zip(first, again, strict=True))
    assert len({image.tobytes() for image in first}) == 3


def test_the_answers_are_those_of_the_files_and_all_labels() -> None:
    package = load_model_package(COMMITTED)
    answers, files = golden_answers(package, golden_images())
    assert [answer.file for answer in answers] == ["golden-1.png", "golden-2.png", "golden-3.png"] == list(files)
    assert sum(map(len, files.values())) < 600_000
    classifier = OpenVinoClassifier(package, threads=1)
    for answer, image in zip(answers, golden_images(), strict=True):
        picture = decode_image(files[answer.file])
        assert np.array_equal(picture, image)
        assert answer.probabilities == pytest.approx(classifier.classify(picture).probabilities, abs=1e-4)
    classifier.close()
