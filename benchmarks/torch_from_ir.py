"""A package's network as a PyTorch module, read from its OpenVINO graph: the same weights, so the same answers.

Only for comparing engines; it knows the operations that our packages are made of and names one that it does not know.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from edge.inference.openvino_classifier import import_openvino

Operation = Callable[[list[Any], dict[str, Any]], Any]


class UnknownOperation(Exception):
    """The graph has an operation that is not translated."""


class NetworkFromIr(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """Runs the graph's operations one after the other, as PyTorch code written by hand would."""

    def __init__(self, graph: Path) -> None:
        super().__init__()
        openvino = import_openvino()
        from openvino.passes import ConstantFolding, Manager  # noqa: PLC0415  # after openvino's own import

        model = openvino.Core().read_model(graph)
        # Shapes are fixed, so that whatever is computed from them is a constant.
        folding = Manager()
        folding.register_pass(ConstantFolding())
        folding.run_passes(model)
        self._steps: list[tuple[Operation, dict[str, Any], list[int], int]] = []
        self._outputs: list[int] = []
        self.names: list[str] = []
        places: dict[str, int] = {}
        for place, node in enumerate(model.get_ordered_ops()):
            places[node.get_friendly_name()] = place
            kind = node.get_type_name()
            sources = [places[value.get_source_output().get_node().get_friendly_name()] for value in node.inputs()]
            if kind == "Constant":
                self.register_buffer(f"c{place}", _tensor(node))
            elif kind == "Parameter":
                self._input = place
            elif kind == "Result":
                self._outputs += sources
                self.names.append(node.input(0).get_source_output().get_any_name())
            elif kind not in _OPERATIONS:
                raise UnknownOperation(f"{kind} is not translated")
            else:
                self._steps.append((_OPERATIONS[kind], node.get_attributes(), sources, place))

    def forward(self, image: Any) -> Any:
        """Return the outputs of bytes [1, S, S, 3], in the order of `names`."""
        values = {int(name[1:]): value for name, value in self.named_buffers()} | {self._input: image}
        for operation, attributes, sources, place in self._steps:
            values[place] = operation([values[source] for source in sources], attributes)
        return tuple(values[output] for output in self._outputs)


def _tensor(node: Any) -> Any:
    array = torch.from_numpy(node.get_data().copy())
    return array.float() if array.dtype in (torch.float16, torch.float64) else array


def _list(value: Any) -> list[int]:
    return [int(each) for each in value.reshape(-1).tolist()]


def _convolution(inputs: list[Any], attributes: dict[str, Any]) -> Any:
    image, weight = inputs
    groups = 1
    if weight.dim() == 5:  # noqa: PLR2004  # [groups, out, in, h, w]
        groups = weight.shape[0]
        weight = weight.flatten(0, 1)
    (top, left), (bottom, right) = attributes["pads_begin"], attributes["pads_end"]
    padding: tuple[int, int] = (0, 0)
    if (top, left) == (bottom, right):
        padding = (top, left)
    else:
        image = functional.pad(image, (left, right, top, bottom))
    return functional.conv2d(
        image, weight, None, attributes["strides"], padding, attributes["dilations"], groups
    )  # fmt: skip


def _gather(inputs: list[Any], _: dict[str, Any]) -> Any:
    (axis,) = _list(inputs[2])
    if inputs[1].dim() == 0:
        return inputs[0].select(axis, _list(inputs[1])[0])
    return inputs[0].index_select(axis, inputs[1].long().reshape(-1))


def _pad(inputs: list[Any], attributes: dict[str, Any]) -> Any:
    if attributes["pad_mode"] != "constant" or any(value.item() for value in inputs[3:]):
        raise UnknownOperation("a Pad with anything but zeros is not translated")
    # PyTorch counts axes from the last one.
    sides = zip(reversed(_list(inputs[1])), reversed(_list(inputs[2])), strict=True)
    return functional.pad(inputs[0], [side for pair in sides for side in pair])


def _reshape(inputs: list[Any], attributes: dict[str, Any]) -> Any:
    image, wanted = inputs[0], _list(inputs[1])
    if attributes["special_zero"]:
        wanted = [side or image.shape[place] for place, side in enumerate(wanted)]
    return image.reshape(wanted)


def _slice(inputs: list[Any], _: dict[str, Any]) -> Any:
    image, axes = inputs[0], _list(inputs[4])
    for axis, start, stop, step in zip(axes, *map(_list, inputs[1:4]), strict=True):
        side = image.shape[axis]
        if step != -1 or (start != -1 and start < side - 1) or stop >= -side:
            raise UnknownOperation("a Slice that is no reflection is not translated")
    return torch.flip(image, axes)


_OPERATIONS: dict[str, Operation] = {
    "Add": lambda x, _: x[0] + x[1],
    "Clamp": lambda x, a: x[0].clamp(a["min"], a["max"]),
    "Concat": lambda x, a: torch.cat(x, a["axis"]),
    "Convert": lambda x, a: x[0].float() if a["destination_type"] == "f32" else x[0].long(),
    "Convolution": _convolution,
    "Divide": lambda x, _: x[0] / x[1],
    "Gather": _gather,
    "GroupConvolution": _convolution,
    "Log": lambda x, _: x[0].log(),
    # ONNX has no other transposition.
    "MatMul": lambda x, a: (
        (x[0].transpose(-1, -2) if a["transpose_a"] else x[0]) @ (x[1].transpose(-1, -2) if a["transpose_b"] else x[1])
    ),
    "Maximum": lambda x, _: torch.maximum(x[0], x[1]),
    "Minimum": lambda x, _: torch.minimum(x[0], x[1]),
    "Multiply": lambda x, _: x[0] * x[1],
    "Pad": _pad,
    "Power": lambda x, _: x[0].pow(x[1]),
    "ReduceMean": lambda x, a: x[0].mean(_list(x[1]), keepdim=a["keep_dims"]),
    "ReduceMin": lambda x, a: x[0].amin(_list(x[1]), keepdim=a["keep_dims"]),
    "ReduceSum": lambda x, a: x[0].sum(_list(x[1]), keepdim=a["keep_dims"]),
    "Relu": lambda x, _: x[0].relu(),
    "Reshape": _reshape,
    "Sigmoid": lambda x, _: x[0].sigmoid(),
    "Slice": _slice,
    "Softmax": lambda x, a: x[0].softmax(a["axis"]),
    "Sqrt": lambda x, _: x[0].sqrt(),
    "Squeeze": lambda x, _: x[0].squeeze(_list(x[1])),
    "Subtract": lambda x, _: x[0] - x[1],
    "Transpose": lambda x, _: x[0].permute(_list(x[1])),
    "Unsqueeze": lambda x, _: x[0].unsqueeze(_list(x[1])[0]),
}
