"""The packages that ship keep their score when a camera's JPEG is decoded at reduced scale.

tests/data/test_reduced_decode.py asks the same of real lesions; these are rendered, so that every checkout can.
"""

from pathlib import Path

import numpy as np
import pytest

from edge.capture.registry import open_camera
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import decode_for_analysis, decode_image

MODELS = Path(__file__).parents[3] / "models"
LARGEST, MEAN = 0.03, 0.01


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("name", "subject", "pictures"), [("melanoma", "phantom", 5), ("scalp", "scalp", 2)])
def test_the_score_hardly_moves(name: str, subject: str, pictures: int) -> None:
    classifier = OpenVinoClassifier(load_model_package(MODELS / name), threads=1)
    moved = []
    for seed in range(pictures):
        camera = open_camera(f"sim://{subject}?seed={seed}&width=2592&height=1944")
        data = camera.capture().data
        camera.close()
        reduced = decode_for_analysis(data, input_px=classifier.manifest.input.width)
        full = decode_image(data)
        assert reduced.size < full.size
        moved.append(abs(classifier.classify(reduced).score - classifier.classify(full).score))
    classifier.close()
    assert max(moved) < LARGEST
    assert np.mean(moved) < MEAN
