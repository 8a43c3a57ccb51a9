"""Turn a trained run into a model package: one OpenVINO graph from bytes to all that the kiosk asks for."""

import json
import tempfile
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter
from sklearn.covariance import LedoitWolf

from edge.inference.model_package import (
    TASK,
    InputSpec,
    ModelManifest,
    ModelPackage,
    OutputNames,
    Source,
    Thresholds,
    TrainingData,
)
from edge.inference.openvino_classifier import LABELS_KEY, import_openvino
from edge.inference.preprocess import to_input
from training.calibrate import choose_thresholds, fit_temperature
from training.data import HAM10000_LABELS, HAM10000_MALIGNANT, fingerprint, of_split, read_manifest
from training.evaluate import metrics_of, score_records
from training.images import CachedImage, load_images
from training.network import build_network, normalise
from training.packaging import write_package
from training.recipes import Recipe
from training.train import CHECKPOINT

OUTPUTS: Final = OutputNames(probabilities="probabilities", cam="cam", ood="ood")
# Replaced by the calibrated ones before the package is written.
_PROVISIONAL: Final = Thresholds(moderate=0.25, high=0.75, ood=1e9)
LICENCE_OF_USE: Final = (
    "Research, education and non-commercial use only. The weights were trained on HAM10000, which is, as far as known, "
    "under CC BY-NC 4.0; they start from EfficientNet-Lite0 ImageNet weights under Apache-2.0."
)
INTENDED_USE: Final = (
    "Estimates from one dermoscopic picture of one pigmented skin lesion of an adult whether it should be seen by a "
    "specialist. It informs and refers; it does not diagnose."
)
LIMITS: Final = (
    "Not a medical device and not clinically validated.",
    "Trained on dermoscopic pictures only: ordinary photographs, scalp, nails, mucosa, palms and soles are outside.",
    "Nearly all training pictures show light skin from two clinics; on darker skin its figures are unknown.",
    (
        "On pictures of another source it is markedly less accurate than on its own test split, "
        "as the measured figures show."
    ),
    "A low score does not exclude melanoma: some of the malignant test lesions lie below the moderate threshold.",
    "Most benign moles in the data were judged by follow-up or consensus, not by biopsy.",
    "The out-of-distribution check catches many but not all unsuitable pictures.",
)


@dataclass(frozen=True)
class FeatureSpace:
    """Where training features lie: distance to the nearest class mean after whitening (Lee et al. 2018)."""

    whitening: NDArray[np.float32]
    means: NDArray[np.float32]


class ExportGraph(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """The whole kiosk-side computation, from bytes [1, S, S, 3] to probabilities, activation map and distance."""

    def __init__(self, network: Any, *, temperature: float, space: FeatureSpace) -> None:
        super().__init__()
        self.network = network
        malignant = [HAM10000_LABELS.index(label) for label in HAM10000_MALIGNANT]
        benign = [index for index in range(len(HAM10000_LABELS)) if index not in malignant]
        self.malignant, self.benign = malignant, benign
        weight = network._fc.weight.detach() / temperature  # noqa: SLF001  # the package's name for its head
        self.register_buffer("weight", weight)
        self.register_buffer("bias", network._fc.bias.detach() / temperature)  # noqa: SLF001
        self.register_buffer("whitening", torch.from_numpy(space.whitening))
        self.register_buffer("means", torch.from_numpy(space.means))

    def forward(self, image: Any) -> Any:
        """Return the three outputs; `cam` sums each place's part in the log-odds of malignant against benign."""
        features = self.network.extract_features(normalise(image))
        pooled = features.mean((2, 3))
        logits = pooled @ self.weight.T + self.bias
        # Gradient of log(P_malignant / P_benign) by the logits: shares within each side, with opposite signs.
        towards = torch.softmax(logits[:, self.malignant], 1) @ self.weight[self.malignant]
        away = torch.softmax(logits[:, self.benign], 1) @ self.weight[self.benign]
        cam = ((towards - away)[:, :, None, None] * features).sum(1)
        gaps = (pooled @ self.whitening)[:, None, :] - self.means
        return torch.softmax(logits, 1), cam, gaps.square().sum(2).sqrt().amin(1)


def export_run(*, run_dir: Path, manifest: Path, out: Path, name: str, version: str) -> ModelManifest:
    """Export, calibrate on `val` and write the package; the test split is not touched."""
    settings = json.loads((run_dir / "settings.json").read_text(encoding="utf-8"))
    recipe = TypeAdapter(Recipe).validate_python(settings["recipe"])
    records = read_manifest(manifest)
    train_records, val_records = of_split(records, "train"), of_split(records, "val")
    used = fingerprint([*train_records, *val_records])
    if used != settings["data"]["fingerprint"]:
        raise ValueError("the manifest is not the one that this run was trained on")
    network = load_network(run_dir, recipe)
    print("features of the training and validation images", flush=True)
    train_images = load_images(train_records, root=manifest.parent, labels=HAM10000_LABELS)
    val_images = load_images(val_records, root=manifest.parent, labels=HAM10000_LABELS)
    train_features, _ = _features(network, train_images, size_px=recipe.size_px)
    _, val_logits = _features(network, val_images, size_px=recipe.size_px)
    temperature = fit_temperature(val_logits, np.array([image.target for image in val_images]))
    space = fit_space(train_features, np.array([image.target for image in train_images]))
    graph, weights = to_openvino(ExportGraph(network, temperature=temperature, space=space), size_px=recipe.size_px)
    described = ModelManifest(
        format=1,
        name=name,
        version=version,
        task=TASK,
        labels=HAM10000_LABELS,
        malignant=HAM10000_MALIGNANT,
        input=InputSpec(width=recipe.size_px, height=recipe.size_px, colour="RGB", crop="centre-square", resize="area"),
        outputs=OUTPUTS,
        thresholds=_PROVISIONAL,
        temperature=temperature,
        files={"model.xml": "0" * 64, "model.bin": "0" * 64},
        training_data=TrainingData(
            fingerprint=used,
            sources=(Source(name="HAM10000", licence="CC BY-NC 4.0, as far as known"),),
            counts=dict(Counter(record.split for record in (*train_records, *val_records))),
        ),
        licence_of_use=LICENCE_OF_USE,
        intended_use=INTENDED_USE,
        limits=LIMITS,
        clinical=False,
        simulation_only=False,
        metrics=(),
        created_at=datetime.now(UTC),
    )
    # Thresholds come from what the kiosk will compute, half-precision weights included, not from torch.
    package = ModelPackage(manifest=described, directory=out, sha256="", graph=graph, weights=weights)
    scores = score_records(package, val_records, root=manifest.parent)
    thresholds = choose_thresholds(scores)
    complete = described.model_copy(
        update={"thresholds": thresholds, "metrics": (metrics_of(scores, split="val", thresholds=thresholds),)},
    )
    write_package(complete, graph=graph, weights=weights, out=out)
    return complete


def load_network(run_dir: Path, recipe: Recipe) -> Any:
    """Return the run's averaged network, ready to infer."""
    network = build_network(replace(recipe, dropout=0.0, drop_connect=0.0), classes=len(HAM10000_LABELS))
    network.load_state_dict(torch.load(run_dir / CHECKPOINT, weights_only=True)["ema"])
    return network.eval()


def fit_space(features: NDArray[np.float32], targets: NDArray[np.int64]) -> FeatureSpace:
    """Fit class means and one shared covariance, shrunk by Ledoit and Wolf's estimate."""
    means = np.stack([features[targets == label].mean(axis=0) for label in np.unique(targets)])
    centred = features - means[np.searchsorted(np.unique(targets), targets)]
    values, vectors = np.linalg.eigh(LedoitWolf(assume_centered=True).fit(centred).covariance_)
    whitening = vectors / np.sqrt(values)
    return FeatureSpace(whitening=whitening.astype(np.float32), means=(means @ whitening).astype(np.float32))


def to_openvino(graph: ExportGraph, *, size_px: int) -> tuple[bytes, bytes]:
    """Convert to an OpenVINO IR with named outputs, its labels inside and half-precision weights."""
    model = _convert(graph, size_px=size_px)
    model.inputs[0].get_tensor().set_names({"image"})
    for output, output_name in zip(model.outputs, (OUTPUTS.probabilities, OUTPUTS.cam, OUTPUTS.ood), strict=True):
        output.get_tensor().set_names({output_name})
    model.set_rt_info(" ".join(HAM10000_LABELS), list(LABELS_KEY))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        import_openvino().save_model(model, str(path), compress_to_fp16=True)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def _features(
    network: Any, images: list[CachedImage], *, size_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return pooled features [N, 1280] and logits, by OpenVINO: several times faster here than torch."""
    request = _compile(_FeatureGraph(network), size_px=size_px)
    pooled, logits = [], []
    for image in images:
        results = request.infer([to_input(image.best, width=size_px, height=size_px)])
        pooled.append(results[0][0].copy())
        logits.append(results[1][0].copy())
    return np.stack(pooled), np.stack(logits)


class _FeatureGraph(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Any) -> Any:
        pooled = self.network.extract_features(normalise(image)).mean((2, 3))
        return pooled, self.network._fc(pooled)  # noqa: SLF001  # the package's name for its head


def _convert(graph: Any, *, size_px: int) -> Any:
    example = torch.zeros((1, size_px, size_px, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        # OpenVINO's converter still traces; torch calls that deprecated.
        warnings.simplefilter("ignore", DeprecationWarning)
        return import_openvino().convert_model(graph.eval(), example_input=example, input=[1, size_px, size_px, 3])


def _compile(graph: Any, *, size_px: int) -> Any:
    core = import_openvino().Core()
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(_convert(graph, size_px=size_px), "CPU", settings).create_infer_request()
