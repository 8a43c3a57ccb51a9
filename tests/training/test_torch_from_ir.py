"""The engines that are compared run the same network: PyTorch answers as OpenVINO does."""

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.full_precision import save_in_full
from benchmarks.torch_from_ir import NetworkFromIr
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import to_input

COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"


@pytest.mark.timeout(180)
def test_pytorch_answers_as_openvino_does(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    network = NetworkFromIr(save_in_full(package, tmp_path)).eval()
    size = package.manifest.input
    classifier = OpenVinoClassifier(package, threads=1)
    for picture in np.random.default_rng(0).integers(90, 220, (3, 240, 320, 3), dtype=np.uint8):
        expected = classifier.classify(picture)
        with torch.inference_mode():
            outputs = network(torch.from_numpy(to_input(picture, width=size.width, height=size.height)))
        said = dict(zip(network.names, outputs, strict=True))
        np.testing.assert_allclose(said["probabilities"][0].numpy(), list(expected.probabilities.values()), atol=2e-3)
        np.testing.assert_allclose(said["cam"][0].numpy(), expected.cam, atol=2e-2)
    classifier.close()
