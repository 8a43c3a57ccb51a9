"""One 2592x1944 JPEG through the kiosk's own assessment, against decoding it in full and running the network alone."""

from datetime import UTC, datetime

from benchmarks.timing import Comparison, compare
from edge.assessment import Stopwatch, assess_picture
from edge.capture.registry import open_camera
from edge.inference.classifier import Classifier
from edge.inference.preprocess import decode_image
from edge.inference.rules import Circumstances, load_rules
from protocol.events import BodySite

_CAMERA = "sim://phantom?seed=1&width=2592&height=1944"


def compare_assessment(classifier: Classifier, *, pairs: int, camera_uri: str = _CAMERA) -> Comparison:
    """Time what an examination does with a picture against decoding it in full and the network alone.

    The kiosk decodes at reduced scale and so gets back some of what it spends on the rest.

    Raises:
        ValueError: the quality gate refuses the picture, so that there is nothing to time.
    """
    camera = open_camera(camera_uri)
    data = camera.capture().data
    camera.close()
    rgb = decode_image(data)
    circumstances, rules = Circumstances(BodySite.ARM, classifier.manifest.task, age_years=60), load_rules()

    def whole() -> None:
        finding = assess_picture(
            data,
            classifier=classifier,
            circumstances=circumstances,
            rules=rules,
            simulated=True,
            previous_sha256=None,
            now=datetime.now(UTC),
            watch=Stopwatch(),
        )
        if finding.prediction is None:
            raise ValueError(f"the picture was not assessed: {', '.join(finding.report.faults) or 'no reason'}")

    def alone() -> None:
        decode_image(data)
        classifier.classify(rgb)

    return compare(whole, alone, pairs=pairs)
