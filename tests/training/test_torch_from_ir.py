"""The engines that are compared run the same network: PyTorch answers as OpenVINO does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.torch_from_ir import NetworkFromIr
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino
from edge.inference.preprocess import to_input
from training.graph import with_compressed_weights

COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"


@pytest.mark.timeout(180)
@pytest.mark.parametrize("compressed", [False, True], ids=["as-committed", "weights-of-8-bits"])
def test_pytorch_answers_as_openvino_does(tmp_path: Path, *, compressed: bool) -> None:
    package = load_model_package(COMMITTED)
    if compressed:
        openvino = import_openvino()
        model = with_compressed_weights(openvino.Core().read_model(package.graph, package.weights))
        openvino.save_model(model, str(tmp_path / "model.xml"), compress_to_fp16=True)
        graph, weights = ((tmp_path / f"model.{ending}").read_bytes() for ending in ("xml", "bin"))
        package = replace(package, graph=graph, weights=weights)
    (tmp_path / "model.xml").write_bytes(package.graph)
    (tmp_path / "model.bin").write_bytes(package.weights)
    size = package.manifest.input
    network = NetworkFromIr(tmp_path / "model.xml").eval()
    classifier = OpenVinoClassifier(package, threads=1)
    for picture in np.random.default_rng(0).integers(90, 220, (3, 240, 320, 3), dtype=np.uint8):
        expected = classifier.classify(picture)
        with torch.inference_mode():
            outputs = network(torch.from_numpy(to_input(picture, width=size.width, height=size.height)))
        said = dict(zip(network.names, outputs, strict=True))
        np.testing.assert_allclose(said["probabilities"][0].numpy(), list(expected.probabilities.values()), atol=2e-3)
        np.testing.assert_allclose(said["cam"][0].numpy(), expected.cam, atol=2e-2)
    classifier.close()
