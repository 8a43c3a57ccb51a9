"""One 2592x1944 JPEG through the whole assessment, against decoding it in full and running the network alone."""

from datetime import UTC, datetime

from benchmarks.timing import Comparison, compare
from edge.capture.quality import assess
from edge.capture.registry import open_camera
from edge.inference.classifier import Classifier
from edge.inference.explain import overlay, shrink
from edge.inference.preprocess import decode_for_analysis, decode_image
from edge.inference.rules import Circumstances, load_rules
from edge.inference.triage import triage
from protocol.events import BodySite

_CAMERA = "sim://phantom?seed=1&width=2592&height=1944"


def compare_assessment(classifier: Classifier, *, pairs: int) -> Comparison:
    """Decode, quality gate, network, heat map and triage against an ordinary decode and the network.

    The kiosk decodes at reduced scale and so gets back some of what it spends on the rest.
    """
    camera = open_camera(_CAMERA)
    data = camera.capture().data
    camera.close()
    manifest = classifier.manifest
    rgb = decode_image(data)

    circumstances, rules = Circumstances(BodySite.ARM, manifest.task, age_years=60), load_rules()

    def whole() -> None:
        picture = decode_for_analysis(data, input_px=manifest.input.width)
        small = shrink(picture)
        assess(small, previous_sha256=None, sha256="")
        prediction = classifier.classify(picture)
        overlay(small, prediction.cam)
        triage(
            prediction,
            manifest.thresholds,
            circumstances=circumstances,
            rules=rules,
            simulated=True,
            now=datetime.now(UTC),
        )

    def alone() -> None:
        decode_image(data)
        classifier.classify(rgb)

    return compare(whole, alone, pairs=pairs)
