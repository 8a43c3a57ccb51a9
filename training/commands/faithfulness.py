"""`python -m training faithfulness`; needs no torch."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from training.data import ANY_DATASET, Record, of_split, read_exclusions, read_manifest
from training.evaluate import described_rows, resampling_units
from training.faithfulness import Faithfulness, measure_faithfulness, metrics_of, off_centre
from training.images import load_square
from training.outputs import prepare_outputs
from training.packaging import record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--dataset", default=ANY_DATASET, help="rows of this data set; * is any, the default")
    parser.add_argument("--split", default="val")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="a list of pictures to leave out")
    parser.add_argument("--images", type=int, default=150, help="with a score above low, at random")
    parser.add_argument("--off-centre", action="store_true", help="on a random part of each picture")
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--record", action="store_true", help="write the figures into the package; its hash changes")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print; 1 when the advantage over a rival is not proven."""
    prepare_outputs([arguments.json])
    package = load_model_package(arguments.package)
    labels = package.manifest.labels
    excluded = read_exclusions(arguments.exclude)
    rows = read_manifest(arguments.manifest, dataset=arguments.dataset, labels=labels, excluded=excluded)
    records = of_split(rows, arguments.split)
    pictures = _one_of_each_lesion(records, root=arguments.manifest.parent, input_px=package.manifest.input.width)
    if arguments.off_centre:
        pictures = off_centre(pictures)
    classifier = OpenVinoClassifier(package)
    found = measure_faithfulness(classifier, pictures, limit=arguments.images)
    classifier.close()
    report = TypeAdapter(Faithfulness).dump_python(found, mode="json")
    for name, figure in report.items():
        print(f"{name}: {figure}")
    if arguments.json is not None:
        where = {"split": arguments.split, "off_centre": arguments.off_centre}
        stated = {"package_sha256": package.sha256, **where, **report, "proven": found.proven}
        arguments.json.write_text(json.dumps(stated, indent=1) + "\n", encoding="utf-8")
    if arguments.record:
        record(package, [metrics_of(found, data=described_rows(records), off_centre=arguments.off_centre)])
    return 0 if found.proven else 1


def _one_of_each_lesion(records: Sequence[Record], *, root: Path, input_px: int) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures in random order; two of one lesion would count it twice."""
    seen: set[str] = set()
    _, units = resampling_units(records)
    for index in np.random.default_rng(0).permutation(len(records)):
        lesion = records[index]
        if units[index] not in seen:
            seen.add(units[index])
            file = lesion.sharp_file or lesion.file
            yield load_square(root, file, dataset=lesion.dataset, analysed_at_px=input_px)
