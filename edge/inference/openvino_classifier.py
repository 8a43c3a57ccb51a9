"""The `Classifier` on OpenVINO; no other module of the kiosk imports openvino."""

import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import MELANOMA_LABEL, ClassifierFailed, Prediction
from edge.inference.model_package import ModelManifest, ModelPackage, ModelPackageMislabelled
from edge.inference.preprocess import to_input

LABELS_KEY: Final = ("model_info", "labels")
_CHANNELS: Final = 3


def import_openvino() -> Any:
    """Import openvino without its telemetry, which would otherwise report each start to a service on the internet.

    Openvino falls back to its own silent stub when the telemetry package cannot be imported.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how an import is refused
    import openvino  # noqa: PLC0415  # slow to import, and only after the line above

    return openvino


class OpenVinoClassifier:
    """A model package compiled for one device; not for use by two threads at once."""

    def __init__(
        self, package: ModelPackage, *, device: str = "CPU", cache_dir: Path | None = None, threads: int | None = None
    ) -> None:
        """Compile the package's network.

        Raises:
            ModelPackageMislabelled: the network is not the one that the manifest describes.
            ClassifierFailed: OpenVINO cannot read or compile it.
        """
        openvino = import_openvino()
        # Full precision: the same picture then gets the same score on every kind of kiosk.
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
        if cache_dir is not None:
            settings["CACHE_DIR"] = str(cache_dir)
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            core = openvino.Core()
            model = core.read_model(package.graph, package.weights)
        except RuntimeError as error:
            raise ClassifierFailed("the network cannot be read") from error
        _check_graph(model, package.manifest)
        try:
            self._request = core.compile_model(model, device, settings).create_infer_request()
        except RuntimeError as error:
            raise ClassifierFailed(f"the network cannot be compiled for {device}") from error
        self._package = package

    @property
    def manifest(self) -> ModelManifest:
        """The manifest of the model in use."""
        return self._package.manifest

    def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
        """Classify an upright RGB picture [H, W, 3]."""
        if rgb.dtype != np.uint8 or rgb.ndim != _CHANNELS or rgb.shape[2] != _CHANNELS or 0 in rgb.shape:
            raise ValueError(f"expected RGB bytes [H, W, 3], not {rgb.dtype} {rgb.shape}")
        manifest = self.manifest
        started = time.perf_counter()
        tensor = to_input(rgb, width=manifest.input.width, height=manifest.input.height)
        prepared = time.perf_counter()
        try:
            results = self._request.infer([tensor])
        except RuntimeError as error:
            raise ClassifierFailed("inference failed") from error
        probabilities = results[manifest.outputs.probabilities][0].astype(float)
        cam = results[manifest.outputs.cam][0].copy()
        ood_score = float(results[manifest.outputs.ood][0])
        finished = time.perf_counter()
        if not (np.isfinite(probabilities).all() and np.isfinite(cam).all() and np.isfinite(ood_score)):
            raise ClassifierFailed("the network's answer is not finite")
        by_label = dict(zip(manifest.labels, probabilities.tolist(), strict=True))
        return Prediction(
            probabilities=by_label,
            malignant=sum(by_label[label] for label in manifest.malignant),
            melanoma=by_label.get(MELANOMA_LABEL),
            ood_score=ood_score,
            in_distribution=ood_score <= manifest.thresholds.ood,
            cam=cam,
            model_name=manifest.name,
            model_version=manifest.version,
            model_sha256=self._package.sha256,
            stage_ms={"preprocess": (prepared - started) * 1e3, "inference": (finished - prepared) * 1e3},
        )

    def warm_up(self) -> None:
        """Run once on an empty picture."""
        size = self.manifest.input
        self.classify(np.zeros((size.height, size.width, _CHANNELS), dtype=np.uint8))

    def close(self) -> None:
        """Release the network."""
        self._request = None


def _check_graph(model: Any, manifest: ModelManifest) -> None:
    """Compare the network with its manifest: names, sizes and the labels that were stored in it at export."""
    wanted = manifest.outputs
    outputs = {output.get_any_name(): output for output in model.outputs}
    missing = {wanted.probabilities, wanted.cam, wanted.ood} - set(outputs)
    if missing:
        raise ModelPackageMislabelled(f"the network has no output named {', '.join(sorted(missing))}")
    width = outputs[wanted.probabilities].shape[1]
    if width != len(manifest.labels):
        raise ModelPackageMislabelled(f"the network has {width} classes, the manifest {len(manifest.labels)} labels")
    expected = [1, manifest.input.height, manifest.input.width, _CHANNELS]
    actual = list(model.inputs[0].shape)
    if len(model.inputs) != 1 or actual != expected or model.inputs[0].element_type.get_type_name() != "u8":
        raise ModelPackageMislabelled(f"the network's input is {actual}, the manifest says {expected} bytes")
    # The graph carries its own label order: swapped labels in a manifest would turn every result upside down.
    if not model.has_rt_info(list(LABELS_KEY)):
        raise ModelPackageMislabelled("the network does not carry its labels")
    stored = tuple(str(model.get_rt_info(list(LABELS_KEY)).value).split())
    if stored != manifest.labels:
        raise ModelPackageMislabelled(f"the network's labels are {stored}, the manifest's {manifest.labels}")
