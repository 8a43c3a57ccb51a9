"""The `Classifier` on OpenVINO; no other module of the kiosk imports openvino."""

import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import ClassifierFailed, Prediction
from edge.inference.compiled_cache import CompiledCache
from edge.inference.device import CPU
from edge.inference.engine import Answer, Engine, Hint
from edge.inference.instruction_sets import sums_bytes_without_overflow
from edge.inference.model_package import ModelManifest, ModelPackage, ModelPackageMislabelled
from edge.inference.precision import CAPABILITY, FULL, Precision, PrecisionRefused
from edge.inference.preprocess import to_input

log = logging.getLogger(__name__)

LABELS_KEY: Final = ("model_info", "labels")
_CHANNELS: Final = 3
_IMPORTING: Final = threading.Lock()


def import_openvino() -> Any:
    """Import openvino without its telemetry, which would otherwise report each start to a service on the internet.

    Openvino falls back to its own silent stub when the telemetry package cannot be imported. Its first view of a
    tensor as an array sets up numpy for the whole process; two threads that do so at once wait for each other for
    ever (seen with 2026.4.1), so that it is done here, by one.
    """
    with _IMPORTING:
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is how an import is refused
        import openvino  # noqa: PLC0415  # slow to import, and only after the line above

        openvino.Tensor(np.zeros(1, np.uint8)).data  # noqa: B018  # the view itself is what is wanted
    return openvino


@dataclass(frozen=True)
class ComputeDevice:
    """What OpenVINO can compute on: `model` is the maker's name of it, `capabilities` what it computes in."""

    name: str
    model: str
    capabilities: tuple[str, ...]
    openvino_version: str


def compute_devices() -> dict[str, ComputeDevice]:
    """The devices of this machine by OpenVINO's name; a GPU is there only with Intel's driver for it.

    OpenVINO offers INT8 on every CPU. One whose sums overflow gave the melanoma model's first golden picture 0.70 where
    0.59 is right, and cost 0.006 of AUC (melanoma 0.4.0, AVX2): such a CPU is not said to compute in it.
    """
    openvino = import_openvino()
    core = openvino.Core()
    spoiled = set() if sums_bytes_without_overflow() else {(CPU, CAPABILITY["int8"])}
    return {
        name: ComputeDevice(
            name=name,
            model=str(core.get_property(name, "FULL_DEVICE_NAME")),
            capabilities=tuple(
                each for each in core.get_property(name, "OPTIMIZATION_CAPABILITIES") if (name, each) not in spoiled
            ),
            openvino_version=str(openvino.get_version()),
        )
        for name in core.available_devices
    }


class OpenVinoClassifier:
    """A model package compiled for one device in one precision; not for use by two threads at once, but for `close`."""

    def __init__(
        self,
        package: ModelPackage,
        *,
        device: str = "CPU",
        precision: Precision = FULL,
        cache_dir: Path | None = None,
        threads: int | None = None,
    ) -> None:
        """Compile the package's network.

        It computes in any precision that is asked for: whether a patient may get the answer, `edge.inference.registry`
        decides.

        Raises:
            ModelPackageMislabelled: the network is not the one that the manifest describes.
            PrecisionRefused: int8, and the network is not quantised.
            ClassifierFailed: OpenVINO cannot read or compile it.
        """
        # The int8 network says by itself which parts are not quantised; those are computed in full.
        hint = FULL if precision == "int8" else precision
        settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": hint}
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        core = import_openvino().Core()
        model = read_network(package, precision)
        _check_graph(model, package.manifest)

        def compile_for(hint: Hint) -> Any:
            return _compile(core, model, device, settings | {"PERFORMANCE_HINT": hint}, cache_dir=cache_dir)

        self._engine = Engine(compile_for)
        self._package = package
        self._precision: Precision = precision

    @property
    def manifest(self) -> ModelManifest:
        """The manifest of the model in use."""
        return self._package.manifest

    def classify(self, rgb: NDArray[np.uint8]) -> Prediction:
        """Classify an upright RGB picture [H, W, 3]."""
        tensor, preprocess_ms = self._prepare(rgb)
        return self._prediction(self._engine.infer(tensor), preprocess_ms)

    def classify_many(self, rgb: Iterable[NDArray[np.uint8]]) -> Iterator[Prediction]:
        """Classify pictures in order, several under way at once."""
        preprocess_ms: deque[float] = deque()

        def tensors() -> Iterator[NDArray[np.uint8]]:
            for picture in rgb:
                tensor, took_ms = self._prepare(picture)
                preprocess_ms.append(took_ms)
                yield tensor

        for answer in self._engine.infer_many(tensors()):
            yield self._prediction(answer, preprocess_ms.popleft())

    def warm_up(self) -> None:
        """Run once on an empty picture."""
        size = self.manifest.input
        self.classify(np.zeros((size.height, size.width, _CHANNELS), dtype=np.uint8))

    def close(self) -> None:
        """Release the network; an inference that another thread waits for ends with `ClassifierFailed`."""
        self._engine.close()

    def _prepare(self, rgb: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
        if rgb.dtype != np.uint8 or rgb.ndim != _CHANNELS or rgb.shape[2] != _CHANNELS or 0 in rgb.shape:
            raise ValueError(f"expected RGB bytes [H, W, 3], not {rgb.dtype} {rgb.shape}")
        started = time.perf_counter()
        tensor = to_input(rgb, width=self.manifest.input.width, height=self.manifest.input.height)
        return tensor, (time.perf_counter() - started) * 1e3

    def _prediction(self, answer: Answer, preprocess_ms: float) -> Prediction:
        manifest, outputs = self.manifest, answer.outputs
        probabilities = outputs[manifest.outputs.probabilities][0].astype(float)
        cam = outputs[manifest.outputs.cam][0]
        ood_score = float(outputs[manifest.outputs.ood][0])
        named = manifest.outputs.disagreement
        disagreement = None if named is None else float(outputs[named][0])
        limit = manifest.thresholds.disagreement
        if not np.isfinite([*probabilities, cam.min(), cam.max(), ood_score, disagreement or 0.0]).all():
            raise ClassifierFailed("the network's answer is not finite")
        by_label = dict(zip(manifest.labels, probabilities.tolist(), strict=True))
        return Prediction(
            probabilities=by_label,
            score=sum(by_label[label] for label in manifest.positive),
            label=max(by_label, key=lambda label: by_label[label] * manifest.decision_weights.get(label, 1.0)),
            ood_score=ood_score,
            in_distribution=ood_score <= manifest.thresholds.ood,
            disagreement=disagreement,
            views_agree=disagreement is None or limit is None or disagreement <= limit,
            cam=cam,
            model_name=manifest.name,
            model_version=manifest.version,
            model_sha256=self._package.sha256,
            stage_ms={"preprocess": preprocess_ms, "inference": answer.inference_ms},
            precision=self._precision,
        )


def read_network(package: ModelPackage, precision: Precision = FULL) -> Any:
    """Return the OpenVINO model to compute in a precision: for any but int8, without rounding activations to 8 bits.

    One file serves all: its weights may have 8 bits for each, and only int8 computes with so few. For the others they
    are brought back here, once: left to the CPU plugin (2026.4.1), with two pictures under way at once it computed
    with weights that were not there yet, and answered anything.

    Raises:
        PrecisionRefused: int8, and the network is not quantised.
        ClassifierFailed: OpenVINO cannot read it.
    """
    try:
        model = import_openvino().Core().read_model(package.graph, package.weights)
    except RuntimeError as error:
        raise ClassifierFailed("the network cannot be read") from error
    quantisers = [node for node in model.get_ops() if node.get_type_name() == "FakeQuantize"]
    if precision == "int8":
        if not quantisers:
            raise PrecisionRefused("the model package has no int8 network")
        return model
    for node in quantisers:
        before = node.input_value(0)
        for target in list(node.output(0).get_target_inputs()):
            target.replace_source_output(before)
    from openvino.passes import ConstantFolding, Manager  # noqa: PLC0415  # after openvino's own import

    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)
    return model


def _compile(core: Any, model: Any, device: str, settings: dict[str, Any], *, cache_dir: Path | None) -> Any:
    """Compile, from the cache where it holds this very network; a cache that is of no use only costs time."""
    cache = None if cache_dir is None else CompiledCache(cache_dir)
    if cache is not None and cache.purge():
        try:
            compiled = core.compile_model(model, device, settings | {"CACHE_DIR": str(cache_dir)})
        except RuntimeError:
            log.warning("the network cannot be compiled with the cache %s; trying without", cache_dir)
        else:
            cache.seal()
            return compiled
    try:
        return core.compile_model(model, device, settings)
    except RuntimeError as error:
        raise ClassifierFailed(f"the network cannot be compiled for {device}") from error


def _check_graph(model: Any, manifest: ModelManifest) -> None:
    """Compare the network with its manifest: names, sizes and the labels that were stored in it at export."""
    wanted = manifest.outputs
    # A converted network may give one output several names.
    outputs = {name: output for output in model.outputs for name in output.get_names()}
    named = {wanted.probabilities, wanted.cam, wanted.ood, wanted.disagreement} - {None}
    missing = named - set(outputs)
    if missing:
        raise ModelPackageMislabelled(f"the network has no output named {', '.join(sorted(map(str, missing)))}")
    answered = outputs[wanted.probabilities].get_partial_shape().to_string()
    if answered != f"[1,{len(manifest.labels)}]":
        raise ModelPackageMislabelled(
            f"the network answers {answered} probabilities, the manifest has {len(manifest.labels)} labels"
        )
    expected = f"[1,{manifest.input.height},{manifest.input.width},{_CHANNELS}] u8"
    actual = ", ".join(f"{i.get_partial_shape().to_string()} {i.element_type.get_type_name()}" for i in model.inputs)
    if actual != expected:
        raise ModelPackageMislabelled(f"the network takes {actual or 'nothing'}, the manifest says {expected}")
    # The graph carries its own label order: swapped labels in a manifest would turn every result upside down.
    if not model.has_rt_info(list(LABELS_KEY)):
        raise ModelPackageMislabelled("the network does not carry its labels")
    stored = tuple(str(model.get_rt_info(list(LABELS_KEY)).value).split())
    if stored != manifest.labels:
        raise ModelPackageMislabelled(f"the network's labels are {stored}, the manifest's {manifest.labels}")
