"""INT8 by NNCF, on a network of one convolution whose score is how red a picture is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from edge.inference.model_package import InputSpec, ModelPackage, load_model_package
from edge.inference.openvino_classifier import LABELS_KEY, OpenVinoClassifier, import_openvino, read_network
from edge.inference.precision import PrecisionBounds
from training.data import HAM10000_LABELS, Record
from training.graph import OUTPUTS, convert, with_compressed_weights
from training.images import CachedImage, load_square
from training.packaging import write_package
from training.precision_effects import measure_effects
from training.quantise import MIN_CALIBRATION, TooFewCalibrationImages, quantise, with_precisions

pytestmark = pytest.mark.timeout(300)
SIDE = 32
COMMITTED = Path(__file__).parents[2] / "models" / "melanoma"


class _Redness(torch.nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution = torch.nn.Conv2d(3, 8, 3, stride=2, padding=1)
        head = torch.zeros(classes, 8)
        with torch.no_grad():
            self.convolution.weight.abs_()
            self.convolution.weight[:, 1:].neg_()
            self.convolution.bias.zero_()
            head[0] = 1.0
        self.register_buffer("head", head)

    def forward(self, image: Any) -> Any:
        features = self.convolution(image.float().permute(0, 3, 1, 2) / 255).clamp(0, 6)
        pooled = features.mean((2, 3))
        logits = 3 * (pooled @ self.head.T) - 1
        return torch.softmax(logits, 1), features.sum(1), pooled.square().sum(1).sqrt(), pooled.std(1)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    committed = load_model_package(COMMITTED)
    manifest = committed.manifest
    model = convert(_Redness(len(manifest.labels)), size_px=SIDE)
    for output, name in zip(model.outputs, OUTPUTS.model_dump().values(), strict=True):
        output.get_tensor().set_names({name})
    model.set_rt_info(" ".join(manifest.labels), list(LABELS_KEY))
    path = tmp_path_factory.mktemp("graph") / "model.xml"
    import_openvino().save_model(model, str(path))
    described = manifest.model_copy(
        update={
            "input": InputSpec(width=SIDE, height=SIDE, colour="RGB", crop="centre-square", resize="area"),
            "outputs": OUTPUTS,
            "thresholds": manifest.thresholds.model_copy(update={"ood": 100.0}),
            "precisions": {},
            "golden": (),
        }
    )
    graph, weights = path.read_bytes(), path.with_suffix(".bin").read_bytes()
    return replace(committed, manifest=described, graph=graph, weights=weights, golden={})


def _pictures(count: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.int64]]:
    """Red pictures of the first label (positive) and pale ones of the sixth."""
    rng = np.random.default_rng(0)
    red = np.arange(count) % 2 == 0
    pictures = [
        rng.integers((150, 20, 20) if is_red else (90, 90, 90), (255, 90, 90) if is_red else (160, 160, 160),
                     (SIDE, SIDE, 3)).astype(np.uint8)
        for is_red in red
    ]  # fmt: skip
    return pictures, np.where(red, 0, 5)


def _kinds(model: Any) -> set[str]:
    return {node.get_type_name() for node in model.get_ops()}


def _leads_to_a_convolution(node: Any) -> bool:
    followers = [target.get_node() for output in node.outputs() for target in output.get_target_inputs()]
    return node.get_type_name() == "Convolution" or any(_leads_to_a_convolution(each) for each in followers)


def _records(root: Path, count: int) -> list[Record]:
    """The pictures as files of a data set, the larger so that the kiosk would not call them too small."""
    records = []
    for number, (picture, target) in enumerate(zip(*_pictures(count), strict=True)):
        file = f"{number}.png"
        Image.fromarray(picture).resize((96, 96), Image.Resampling.NEAREST).save(root / file)
        records.append(Record(file, "", "made", "val", HAM10000_LABELS[target], f"lesion {number}", f"group {number}"))
    return records


def test_a_quantised_package_gets_its_limits_and_golden_answers_again(package: ModelPackage, tmp_path: Path) -> None:
    records = _records(tmp_path, MIN_CALIBRATION)
    before = package.manifest.thresholds
    done = with_precisions(package, root=tmp_path, calibration=records, validation=records[:60])
    assert done.weights != package.weights
    assert done.manifest.metrics == ()
    assert done.manifest.thresholds.ood < before.ood
    assert "int8" in done.manifest.precisions
    refused = [CachedImage(load_square(tmp_path, each.file, dataset="made"), None, 0).best for each in records[:60]]
    classifier = OpenVinoClassifier(done, threads=1)
    strange = sum(not classifier.classify(picture).in_distribution for picture in refused)
    classifier.close()
    assert 1 <= strange <= 2  # 2.5 % of 60


def test_only_measured_the_network_stays_as_it_is(package: ModelPackage, tmp_path: Path) -> None:
    records = _records(tmp_path, 60)
    done = with_precisions(package, root=tmp_path, calibration=None, validation=records)
    assert (done.graph, done.weights) == (package.graph, package.weights)
    assert (done.manifest.metrics, done.manifest.thresholds) == (package.manifest.metrics, package.manifest.thresholds)
    assert "int8" not in done.manifest.precisions
    assert "f16" in done.manifest.precisions


def test_too_few_calibration_images_are_refused(package: ModelPackage) -> None:
    pictures, targets = _pictures(MIN_CALIBRATION - 1)
    with pytest.raises(TooFewCalibrationImages, match="299 calibration images, at least 300"):
        quantise(package, calibration=pictures, validation=pictures[:10], targets=targets[:10])


def test_validation_needs_a_label_for_each_picture(package: ModelPackage) -> None:
    pictures, targets = _pictures(MIN_CALIBRATION)
    with pytest.raises(ValueError, match="needs its label"):
        quantise(package, calibration=pictures, validation=pictures[:10], targets=targets[:9])


def test_the_quantised_network_is_quantised_and_answers_nearly_the_same(package: ModelPackage, tmp_path: Path) -> None:
    pictures, targets = _pictures(MIN_CALIBRATION)
    quantised = quantise(package, calibration=pictures, validation=pictures[:60], targets=targets[:60])
    assert quantised is not None
    assert "FakeQuantize" in _kinds(read_network(quantised, "int8"))
    assert "FakeQuantize" not in _kinds(read_network(quantised, "f32"))
    effects = measure_effects(quantised, pictures[:60], targets[:60], threads=1)
    assert not PrecisionBounds().exceeded_by(effects["int8"])
    # The distance and the other sums after the last convolution are computed in full.
    model = read_network(quantised, "int8")
    rounding = [node for node in model.get_ops() if node.get_type_name() == "FakeQuantize"]
    assert all(_leads_to_a_convolution(node) for node in rounding)
    complete = package.manifest.model_copy(update={"precisions": effects})
    write_package(complete, graph=quantised.graph, weights=quantised.weights, out=tmp_path / "package")
    card = (tmp_path / "package" / "card.md").read_text(encoding="utf-8")
    assert "| int8 | yes | 60 |" in card
    loaded = load_model_package(tmp_path / "package")
    classifier = OpenVinoClassifier(loaded, precision="int8", threads=1)
    assert classifier.classify(pictures[0]).score > classifier.classify(pictures[1]).score
    classifier.close()


def test_a_package_with_weights_of_8_bits_is_quantised_like_any_other(package: ModelPackage, tmp_path: Path) -> None:
    openvino = import_openvino()
    model = with_compressed_weights(openvino.Core().read_model(package.graph, package.weights))
    openvino.save_model(model, str(tmp_path / "model.xml"), compress_to_fp16=True)
    graph, weights = ((tmp_path / f"model.{ending}").read_bytes() for ending in ("xml", "bin"))
    assert any(node.get_element_type().get_type_name() == "u8" for node in model.get_ops() if not node.inputs())
    compressed = replace(package, graph=graph, weights=weights)
    pictures, targets = _pictures(MIN_CALIBRATION)
    quantised = quantise(compressed, calibration=pictures, validation=pictures[:60], targets=targets[:60])
    assert quantised is not None
    effects = measure_effects(quantised, pictures[:60], targets[:60], threads=1)
    assert {"int8", "f16"} <= set(effects)
    for effect in effects.values():
        assert not PrecisionBounds().exceeded_by(effect)


def test_a_network_that_cannot_be_held_within_the_bounds_is_not_quantised_beyond_them(package: ModelPackage) -> None:
    pictures, targets = _pictures(MIN_CALIBRATION)
    strict = package.manifest.model_copy(update={"precision_bounds": PrecisionBounds(auc=1e-9, ece=1e-9, refused=1e-9)})
    quantised = quantise(
        replace(package, manifest=strict), calibration=pictures, validation=pictures[:60], targets=targets[:60]
    )
    if quantised is not None:
        effects = measure_effects(quantised, pictures[:60], targets[:60], threads=1)
        assert effects["int8"].auc_change == effects["int8"].ece_change == 0
