"""Evaluate a finished package through the kiosk's own classifier; needs no torch."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from edge.inference.model_package import (
    Metrics,
    ModelPackage,
    Thresholds,
    load_model_package,
)
from edge.inference.openvino_classifier import OpenVinoClassifier
from training.data import Record, of_split, read_manifest
from training.images import load_square
from training.metrics import Scores, measure
from training.packaging import replace_metrics, write_package

# Figures that mean something where the data set has only some of the labels.
_MELANOMA_ONLY: Final = ("auc_melanoma", "melanoma_sensitivity_moderate", "specificity_moderate", "cannot_assess")


def score_records(
    package: ModelPackage, records: Sequence[Record], *, root: Path, sharp: bool = True, threads: int | None = None
) -> Scores:
    """Classify every record as the kiosk would; `sharp` takes the sharper file where there is one."""
    classifier = OpenVinoClassifier(package, threads=threads)
    labels = package.manifest.labels
    predictions = []
    for record in records:
        file = record.sharp_file if sharp and record.sharp_file else record.file
        predictions.append(classifier.classify(load_square(root, file, dataset=record.dataset)))
    classifier.close()
    return Scores(
        labels=labels,
        malignant_labels=package.manifest.malignant,
        targets=np.array([labels.index(record.label) for record in records]),
        groups=tuple(record.group for record in records),
        probabilities=np.array([[p.probabilities[label] for label in labels] for p in predictions]),
        ood=np.array([p.ood_score for p in predictions]),
    )


def metrics_of(scores: Scores, *, split: str, thresholds: Thresholds, only: Sequence[str] | None = None) -> Metrics:
    """Return the figures of one split, or some of them."""
    measured = measure(scores, thresholds=thresholds)
    return Metrics(
        split=split,
        n=len(scores.targets),
        lesions=len(set(scores.groups)),
        figures={name: figure for name, figure in measured.items() if only is None or name in only},
    )


def evaluate(*, package_dir: Path, manifest: Path, split: str, record: bool) -> tuple[Metrics, ...]:
    """Measure a package on a split, on its small images alone, and on ISIC 2017 when the split is `test`.

    `record` writes the figures into the package's manifest and card, which gives the package a new hash.
    """
    package = load_model_package(package_dir)
    thresholds = package.manifest.thresholds
    root = manifest.parent
    home = of_split(read_manifest(manifest), split)
    results = [
        metrics_of(score_records(package, home, root=root), split=split, thresholds=thresholds),
        metrics_of(
            score_records(package, home, root=root, sharp=False),
            split=f"{split}, 200x150 images only",
            thresholds=thresholds,
        ),
    ]
    if split == "test":
        away = of_split(read_manifest(manifest, dataset="isic2017"), "extra_test")
        results.append(
            metrics_of(
                score_records(package, away, root=root),
                split="ISIC 2017 test (another source, melanoma only)",
                thresholds=thresholds,
                only=_MELANOMA_ONLY,
            ),
        )
    if record:
        updated = replace_metrics(package.manifest, results)
        write_package(updated, graph=package.graph, weights=package.weights, out=package_dir)
    return tuple(results)
