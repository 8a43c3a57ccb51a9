"""Table 1 with torch at hand: PyTorch and onnxruntime run the same network and get the same kind of figures."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.table1 import measure_table1, phantom_pictures, table_lines
from benchmarks.torch_from_ir import NetworkFromIr
from edge.inference.model_package import RiskCurve, load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier, import_openvino
from training.graph import RiskCurveLayer

COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"


@pytest.mark.timeout(300)
def test_every_row_has_its_figures_or_its_reason(tmp_path: Path) -> None:
    package = load_model_package(COMMITTED)
    classifier = OpenVinoClassifier(package)
    table = measure_table1(
        classifier, classifier, package, phantom_pictures(5), folder=tmp_path, runs=2, peer=Path(sys.executable)
    )
    classifier.close()
    for row in (table, table["f32"], table["pytorch"], table["onnxruntime"]):
        assert all(set(row[name]) == {"mean", "sd"} for name in ("one_image_ms", "images_136_s")), row
    for name in ("pytorch", "onnxruntime"):
        assert table[name]["largest_difference"] < 0.01
    if torch.cuda.is_available():
        assert table["pytorch_gpu"]["gpu"]
    else:
        assert table["pytorch_gpu"]["reason"] == "PyTorch sees no CUDA GPU here"
    assert "setup-training" not in "\n".join(table_lines(table))


def test_a_calibration_curve_in_the_graph_is_translated_too(tmp_path: Path) -> None:
    curve = RiskCurve(knots=(-2.0, 0.0, 1.0), offset=-1.5, slopes=(0.8, 1.1, 0.9, 1.2))
    layer = RiskCurveLayer(curve, positive=[0, 2], classes=4)
    with warnings.catch_warnings():
        # OpenVINO's converter still traces; torch calls that deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        model = import_openvino().convert_model(layer, example_input=torch.full((1, 4), 0.25), input=[1, 4])
    model.outputs[0].get_tensor().set_names({"risk"})
    import_openvino().save_model(model, str(tmp_path / "model.xml"), compress_to_fp16=False)
    network = NetworkFromIr(tmp_path / "model.xml").eval()
    for probabilities in torch.softmax(torch.randn((6, 4), generator=torch.Generator().manual_seed(0)), 1):
        with torch.inference_mode():
            (said,) = network(probabilities[None])
        np.testing.assert_allclose(said.numpy(), layer(probabilities[None]).numpy(), atol=1e-5)
