"""`python -m training refusals`: what a package refuses, of lesions and of everything else; needs no torch."""

import argparse
from pathlib import Path

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from training.data import ANY_DATASET, of_split, read_exclusions, read_manifest
from training.evaluate import described_rows, resampling_units
from training.images import load_images
from training.out_of_distribution import (
    Judged,
    blank_frames,
    folder_pictures,
    judge,
    measure_sources,
    noise_frames,
    photographs,
)
from training.packaging import record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True, help="the lesions that should be judged")
    parser.add_argument("--dataset", default=ANY_DATASET, help="rows of this data set; * is any, the default")
    parser.add_argument("--split", default="val")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="a list of pictures to leave out")
    parser.add_argument(
        "--source", type=_named_folder, nargs="+", default=[], metavar="NAME=FOLDER", help="pictures to be refused"
    )
    parser.add_argument("--limit", type=int, default=200, help="pictures of each folder, drawn at random")
    parser.add_argument("--record", action="store_true", help="write the figures into the package; its hash changes")


def run(arguments: argparse.Namespace) -> None:
    """Measure, print and, if asked, record."""
    package = load_model_package(arguments.package)
    classifier = OpenVinoClassifier(package)
    rows = read_manifest(
        arguments.manifest,
        dataset=arguments.dataset,
        labels=package.manifest.labels,
        excluded=read_exclusions(arguments.exclude),
    )
    records = of_split(rows, arguments.split)
    _, units = resampling_units(records)
    manifest = package.manifest
    lesions = load_images(
        records, root=arguments.manifest.parent, labels=manifest.labels, input_px=manifest.input.width
    )
    inside = judge(classifier, ((unit, image.best) for unit, image in zip(units, lesions, strict=True)))
    outside: dict[str, Judged] = {
        "everyday photographs": judge(classifier, photographs()),
        "blank frames": judge(classifier, blank_frames(count=50)),
        "noise frames": judge(classifier, noise_frames(count=50)),
    }
    for name, folder in arguments.source:
        outside[name] = judge(classifier, folder_pictures(folder, limit=arguments.limit))
    classifier.close()
    measured = measure_sources(inside, outside, data=described_rows(records))
    for entry in measured:
        figures = ", ".join(
            f"{name} {figure.value} ({figure.low} to {figure.high})" for name, figure in entry.figures.items()
        )
        print(f"{entry.split}, n={entry.n}: {figures}")
    if arguments.record:
        record(package, measured)


def _named_folder(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER")
    return name, Path(folder)
