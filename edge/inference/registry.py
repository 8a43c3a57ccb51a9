"""Which classifier serves which package; adapters load only when used."""

from pathlib import Path

from edge.config import Inference
from edge.inference.classifier import Classifier
from edge.inference.model_package import ModelPackage


def open_classifier(package: ModelPackage, settings: Inference, *, cache_dir: Path) -> Classifier:
    """Compile the package for the configured device.

    Raises:
        ModelPackageMislabelled, ClassifierFailed: it is not what its manifest says, or does not compile here.
    """
    from edge.inference.openvino_classifier import OpenVinoClassifier  # noqa: PLC0415 slow, and only if used

    return OpenVinoClassifier(package, device=settings.device, cache_dir=cache_dir, threads=settings.threads)
