"""A network as a machine with half-precision arithmetic computes it, on a machine that has none; needs no torch.

Every value that such a machine keeps is rounded to binary16 here: weights, and what each operation hands on once its
bias and activation are done. Beyond the range it becomes infinite, as there. Two things stay unlike: sums inside one
operation are kept in 32 bits here, which some kernels of arm64 do not, and values below 6e-5 keep more digits here.
The golden pictures that a kiosk classifies before it uses a precision are what finds a machine that is worse.
"""

from typing import Any, Final

import numpy as np

from edge.inference.openvino_classifier import import_openvino

_MOVES: Final = frozenset(
    {"Concat", "Gather", "Parameter", "Reshape", "Result", "Slice", "Split", "Squeeze", "Transpose", "Unsqueeze"}
)
"""What hands on values that are rounded already."""
_FUSED: Final = frozenset({"Add", "Clamp", "HSwish", "Multiply", "PRelu", "Relu", "Subtract", "Swish"})
"""What an engine computes in the registers of the operation before it, when its other operand is constant."""
_SPLIT: Final = float(2**13 + 1)
"""Leaves 11 of the 24 binary digits of f32, those of f16 (Veltkamp 1968; Dekker 1971)."""
_TOO_LARGE: Final = 65_520.0
"""From here on the nearest number of f16 is infinity."""


def with_half_precision(model: Any) -> Any:
    """Return the OpenVINO model with roundings put in; compile it with f32. The given model is changed.

    Its weights are brought back already, as `read_network` does: it is they that are rounded and not their parts.
    """
    openvino = import_openvino()
    for node in model.get_ordered_ops():
        for output in node.outputs():
            if output.get_element_type() != openvino.Type.f32 or node.get_type_name() in _MOVES or _is_fused(output):
                continue
            # The targets are asked for first: the rounding itself will be another one.
            targets, names = list(output.get_target_inputs()), output.get_tensor().get_names()
            rounded = _rounded(output)
            for target in targets:
                target.replace_source_output(rounded)
            rounded.get_tensor().set_names(names)
    model.validate_nodes_and_infer_types()
    return model


def _is_fused(output: Any) -> bool:
    targets = list(output.get_target_inputs())
    if len(targets) != 1 or output.get_node().get_type_name() == "Constant":
        return False
    consumer, place = targets[0].get_node(), targets[0].get_index()
    others = [each.get_source_output().get_node() for each in consumer.inputs() if each.get_index() != place]
    return consumer.get_type_name() in _FUSED and all(other.get_type_name() == "Constant" for other in others)


def _rounded(output: Any) -> Any:
    openvino = import_openvino()
    ops = openvino.opset13
    node = output.get_node()
    if node.get_type_name() == "Constant":
        with np.errstate(over="ignore"):
            values = node.get_data().astype(np.float16).astype(np.float32)
        return ops.constant(values, openvino.Type.f32).output(0)
    high = ops.multiply(output, np.float32(_SPLIT))
    kept = ops.subtract(high, ops.subtract(high, output))
    beyond = ops.greater_equal(ops.abs(output), np.float32(_TOO_LARGE))
    infinite = ops.multiply(ops.sign(output), np.float32(np.inf))
    return ops.select(beyond, infinite, kept).output(0)
