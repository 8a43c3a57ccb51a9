"""Weights of 8 or 16 bits in a graph, brought back to what is computed with; needs no torch."""

from typing import Any

from edge.inference.openvino_classifier import import_openvino


def decompressed(model: Any) -> Any:
    """Return the OpenVINO model, changed in place, with whatever is computed from constants alone made constant."""
    import_openvino()
    from openvino.passes import ConstantFolding, Manager  # noqa: PLC0415  # after openvino's own import

    folding = Manager()
    folding.register_pass(ConstantFolding())
    folding.run_passes(model)
    return model
