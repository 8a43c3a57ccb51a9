"""A package's network in f32 as a file, for engines that read one: nothing in it rounds activations to 8 bits."""

from pathlib import Path

from edge.inference.model_package import ModelPackage
from edge.inference.openvino_classifier import import_openvino, read_network


def save_in_full(package: ModelPackage, folder: Path) -> Path:
    """Write `model.xml` and `model.bin` and return the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = folder / "model.xml"
    import_openvino().save_model(read_network(package), str(graph), compress_to_fp16=False)
    return graph
