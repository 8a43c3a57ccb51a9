"""One 2592x1944 JPEG through the whole assessment, against decoding it and running the network alone."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.timing import Comparison, compare
from edge.capture.quality import assess
from edge.capture.registry import open_camera
from edge.config import Inference
from edge.inference.explain import overlay, shrink
from edge.inference.model_package import load_model_package
from edge.inference.preprocess import decode_image
from edge.inference.registry import open_classifier
from edge.inference.triage import triage

LIMIT = 2.0
_CAMERA = "sim://phantom?seed=1&width=2592&height=1944"


def measure(folder: Path, *, pairs: int) -> Comparison:
    """Whole assessment against decode and network."""
    package = load_model_package(Path("models/melanoma"))
    classifier = open_classifier(package, Inference(), cache_dir=folder / "model-cache")
    camera = open_camera(_CAMERA)
    data = camera.capture().data
    camera.close()
    rgb = decode_image(data)

    def whole() -> None:
        picture = decode_image(data)
        small = shrink(picture)
        assess(small, previous_sha256=None, sha256="")
        prediction = classifier.classify(picture)
        overlay(small, prediction.cam)
        triage(prediction, package.manifest.thresholds, simulated=True, now=datetime.now(UTC))

    def alone() -> None:
        decode_image(data)
        classifier.classify(rgb)

    result = compare(whole, alone, pairs=pairs)
    classifier.close()
    return result
