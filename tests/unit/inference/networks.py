"""The committed networks, put into other forms that packages may come in."""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edge.inference.model_package import ModelPackage, load_model_package
from edge.inference.openvino_classifier import import_openvino, read_network

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"
SCALP = COMMITTED.with_name("scalp")
"""Half as much to compute."""


def serialised(model: Any) -> tuple[bytes, bytes]:
    """Graph and weights as files hold them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        import_openvino().save_model(model, str(path), compress_to_fp16=True)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def half_safe_package() -> ModelPackage:
    """The committed package within the range of half precision, as exports are now.

    Its standard deviations lose the correction for samples; the distance is scaled before it is squared.
    """
    ops: Any = import_openvino().opset13
    package = load_model_package(COMMITTED)
    model = read_network(package)
    for node in model.get_ordered_ops():
        if node.get_friendly_name().startswith("aten::std/Divide"):
            uncorrected = node.input(0).get_source_output().get_node().input(0).get_source_output()
            for target in list(node.output(0).get_target_inputs()):
                target.replace_source_output(uncorrected)
    (distance,) = (each for each in model.outputs if each.get_any_name() == package.manifest.outputs.ood)
    root = distance.get_node().input(0).get_source_output()
    if root.get_node().get_type_name() == "Sqrt":
        square = root.get_node().input(0).get_source_output().get_node().input(0).get_source_output().get_node()
        square.input(0).replace_source_output(ops.divide(square.input(0).get_source_output(), np.float32(64)).output(0))
        scaled = ops.multiply(root, np.float32(64)).output(0)
        names = root.get_tensor().get_names()
        distance.get_node().input(0).replace_source_output(scaled)
        root.get_tensor().set_names(set())
        scaled.get_tensor().set_names(names)
    graph, weights = serialised(model)
    return replace(package, graph=graph, weights=weights)


def quantised(package: ModelPackage, *, limit: float = 64.0, steps: int = 65_536) -> ModelPackage:
    """The package with rounded inputs of its convolutions, as int8 has them, but in 65,536 steps: almost the same.

    A small `limit`, at which values are cut off, makes it answer wrongly in int8 alone; with 256 steps, as the CPU
    plugin leaves out what has more.
    """
    ops: Any = import_openvino().opset13
    model = read_network(package)
    for node in model.get_ordered_ops():
        if node.get_type_name() in ("Convolution", "GroupConvolution"):
            source = node.input(0).get_source_output()
            low, high = np.float32(-limit), np.float32(limit)
            node.input(0).replace_source_output(ops.fake_quantize(source, low, high, low, high, steps).output(0))
    graph, weights = serialised(model)
    return replace(package, graph=graph, weights=weights)


def with_weights_of_8_bits(package: ModelPackage) -> ModelPackage:
    """The package with convolution weights of 8 bits, one scale and zero for each output channel, as NNCF writes them.

    NNCF itself is no part of this environment; tests/training compresses with it.
    """
    openvino = import_openvino()
    ops: Any = openvino.opset13
    model = read_network(package)
    for node in model.get_ordered_ops():
        if node.get_type_name() not in ("Convolution", "GroupConvolution"):
            continue
        source = node.input(1).get_source_output().get_node()
        # The file's 16 bits, brought to 32.
        constant = source.input(0).get_source_output().get_node() if source.get_type_name() == "Convert" else source
        if constant.get_type_name() != "Constant":
            # Compressed already.
            continue
        values = constant.get_data().astype(np.float32)
        channel_axes = 1 if node.get_type_name() == "Convolution" else 2
        axes = tuple(range(channel_axes, values.ndim))
        low = np.minimum(values.min(axis=axes, keepdims=True), 0)
        high = np.maximum(values.max(axis=axes, keepdims=True), 0)
        scale = np.maximum(high - low, 1e-6) / 255
        zero = np.clip(np.round(-low / scale), 0, 255)
        steps = np.clip(np.round(values / scale) + zero, 0, 255)
        parts = [ops.convert(ops.constant(part.astype(np.uint8)), openvino.Type.f16) for part in (steps, zero)]
        back = ops.multiply(ops.subtract(*parts), ops.constant(scale.astype(np.float16)))
        node.input(1).replace_source_output(ops.convert(back, openvino.Type.f32).output(0))
    model.validate_nodes_and_infer_types()
    graph, weights = serialised(model)
    return replace(package, graph=graph, weights=weights)
