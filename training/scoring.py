"""Puts every picture through the kiosk's own path: decode, quality gate, classifier; needs no torch."""

import os
import queue
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from edge.capture.quality import assess
from edge.inference.classifier import Classifier, Prediction
from edge.inference.explain import shrink
from edge.inference.model_package import ModelManifest, ModelPackage
from edge.inference.openvino_classifier import OpenVinoClassifier
from training.data import Record
from training.images import PictureUnreadable, load_picture
from training.metrics import Scores
from training.skin_tone import skin_tone_angle

_REPORT_EVERY: Final = 500


@dataclass(frozen=True)
class ScoredPicture:
    """One picture and all that was found of it; `faults` are those of the kiosk's quality gate."""

    record: Record
    prediction: Prediction
    faults: tuple[str, ...]
    skin_tone_deg: float | None

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why the kiosk would not state a risk; empty when it would."""
        reasons = tuple(f"quality: {fault}" for fault in self.faults)
        if not self.prediction.in_distribution:
            reasons += ("out of distribution",)
        if not self.prediction.views_agree:
            reasons += ("views disagree",)
        return reasons


@dataclass(frozen=True)
class Unreadable:
    """A listed picture that was left out because it cannot be read."""

    file: str
    reason: str


@dataclass(frozen=True)
class Scoring:
    """All pictures in the order of their records, without those that were left out."""

    pictures: tuple[ScoredPicture, ...]
    unreadable: tuple[Unreadable, ...]


def score_pictures(
    package: ModelPackage,
    records: Sequence[Record],
    *,
    root: Path,
    sharp: bool = True,
    skip_unreadable: bool = False,
    threads: int | None = None,
) -> Scoring:
    """Classify every record as the kiosk would, several at once, each by a classifier of its own.

    Args:
        package: the model package.
        records: what to classify.
        root: the folder that their files are relative to.
        sharp: take a record's sharper file where it has one.
        skip_unreadable: leave an unreadable picture out and say so, instead of stopping.
        threads: how many pictures at once; by default one a processor.

    Raises:
        PictureUnreadable: a picture cannot be read, and that is not to be skipped.
        ClassifierFailed: the network gave no usable answer.
    """
    input_px = max(package.manifest.input.width, package.manifest.input.height)
    workers = threads or len(os.sched_getaffinity(0))
    with ExitStack() as stack:
        idle: queue.SimpleQueue[Classifier] = queue.SimpleQueue()
        for _ in range(workers):
            # One thread each: the sum is faster than sharing them, and the answers are the same.
            idle.put(stack.enter_context(closing(OpenVinoClassifier(package, threads=1))))

        def score(record: Record) -> ScoredPicture | Unreadable:
            file = record.sharp_file if sharp and record.sharp_file else record.file
            try:
                # Too small for a kiosk is refused by its quality gate, and measured all the same.
                rgb = load_picture(root, file, dataset=record.dataset, analysed_at_px=input_px, min_side_px=1)
            except PictureUnreadable as error:
                if skip_unreadable:
                    return Unreadable(file=file, reason=str(error))
                raise
            classifier = idle.get()
            try:
                prediction = classifier.classify(rgb)
            finally:
                idle.put(classifier)
            # A frozen camera shows in a sequence of captures, not in a data set.
            quality = assess(shrink(rgb), previous_sha256=None, sha256="")
            return ScoredPicture(
                record, prediction, tuple(fault.value for fault in quality.faults), skin_tone_angle(rgb)
            )

        pool = stack.enter_context(ThreadPoolExecutor(workers))
        stack.callback(pool.shutdown, cancel_futures=True)
        results = []
        for number, result in enumerate(pool.map(score, records), start=1):
            results.append(result)
            if number % _REPORT_EVERY == 0:
                print(f"{number} of {len(records)} pictures", file=sys.stderr, flush=True)
    return Scoring(
        pictures=tuple(result for result in results if isinstance(result, ScoredPicture)),
        unreadable=tuple(result for result in results if isinstance(result, Unreadable)),
    )


def scores_of(pictures: Sequence[ScoredPicture], manifest: ModelManifest, *, units: Sequence[str]) -> Scores:
    """Return the answers as arrays; `units` are what the bootstrap draws, one a picture."""
    labels = manifest.labels
    predictions = [picture.prediction for picture in pictures]
    rows = [[p.probabilities[label] for label in labels] for p in predictions]
    return Scores(
        labels=labels,
        positive_labels=manifest.positive,
        targets=np.array([labels.index(picture.record.label) for picture in pictures], dtype=np.int64),
        groups=tuple(units),
        probabilities=np.array(rows, dtype=np.float64).reshape(len(rows), len(labels)),
        ood=np.array([p.ood_score for p in predictions], dtype=np.float64),
        disagreement=np.array([np.nan if p.disagreement is None else p.disagreement for p in predictions], np.float64),
        decision_weights=manifest.decision_weights,
    )
