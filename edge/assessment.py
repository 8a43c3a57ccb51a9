"""From a picture's bytes to what is said of it: decoding, quality gate, classification, heat map and triage.

Nothing here saves or sends; the kiosk's examination and the benchmark both go this way.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from edge.capture.quality import QualityReport, assess
from edge.inference.classifier import Classifier, Prediction
from edge.inference.explain import overlay, shrink
from edge.inference.model_package import ModelManifest
from edge.inference.preprocess import decode_for_analysis
from edge.inference.rules import Circumstances, Exclusion, Rules
from edge.inference.triage import triage
from protocol.events import Assessment


class Stopwatch:
    """Times named stages of one capture, in milliseconds of real time."""

    def __init__(self) -> None:
        self.stage_ms: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under this name."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.stage_ms[name] = round((time.perf_counter() - started) * 1000, 3)


@dataclass(frozen=True)
class Finding:
    """What was found: without `assessment` where the quality gate refused the picture, and then nothing was asked.

    `heat_map` is a JPEG; it and `prediction` are there where a model was asked.
    """

    report: QualityReport
    exclusions: tuple[Exclusion, ...] = ()
    prediction: Prediction | None = None
    heat_map: bytes | None = None
    assessment: Assessment | None = None


def assess_picture(
    data: bytes,
    *,
    classifier: Classifier | None,
    circumstances: Circumstances,
    rules: Rules,
    simulated: bool,
    previous_sha256: str | None,
    now: datetime,
    watch: Stopwatch,
) -> Finding:
    """Assess one picture; `classifier` is the one of the task, None where the kiosk has none.

    The model is not asked about a spot that a rule excludes. A JPEG is decoded no larger than the model and the
    screen need.

    Raises:
        ImageRefused: the bytes are no usable picture.
        ClassifierFailed: the network gave no usable answer.
    """
    exclusions = rules.judge(circumstances).exclusions
    asked = None if exclusions else classifier
    manifest = asked.manifest if asked else None
    with watch.stage("decode"):
        rgb = decode_for_analysis(data, input_px=_input_px(manifest))
    with watch.stage("quality"):
        # Made once for the gate and the heat map: making it costs more than either of them.
        small = shrink(rgb)
        report = assess(small, previous_sha256=previous_sha256, sha256=sha256(data).hexdigest())
    if not report.accepted:
        return Finding(report)
    prediction = heat_map = None
    if asked is not None:
        prediction = asked.classify(rgb)
        watch.stage_ms |= {name: round(value, 3) for name, value in prediction.stage_ms.items()}
        with watch.stage("explain"):
            heat_map = overlay(small, prediction.cam)
    assessment = triage(
        prediction,
        manifest.thresholds if manifest else None,
        circumstances=circumstances,
        rules=rules,
        simulated=simulated,
        now=now,
    )
    return Finding(report, tuple(exclusions), prediction, heat_map, assessment)


def _input_px(manifest: ModelManifest | None) -> int:
    """The longer side of what the network takes; 0 where none is asked."""
    return 0 if manifest is None else max(manifest.input.width, manifest.input.height)
