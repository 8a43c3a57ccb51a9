"""`python -m training quantise`: lets the network compute in INT8 and says what each precision changes; needs NNCF."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edge.inference.model_package import ModelManifest, load_model_package
from training.data import (
    ANY_DATASET,
    DataError,
    Record,
    of_split,
    read_exclusions,
    read_manifest,
    refuse_held_out_split,
)
from training.evaluate import described_rows
from training.packaging import write_package
from training.quantise import with_precisions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--package", type=Path, required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--dataset", default=ANY_DATASET, help="rows of this data set; * is any, the default")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="a list of pictures to leave out")
    parser.add_argument("--calibrate-on", default="train", metavar="SPLIT")
    parser.add_argument("--validate-on", default="val", metavar="SPLIT")
    parser.add_argument("--images", type=int, default=300, help="for calibration, drawn at random")
    parser.add_argument("--measure-only", action="store_true", help="leave the network as it is, without INT8")
    parser.add_argument("--out", type=Path, help="folder of the new package; default: replace the old one")


def run(arguments: argparse.Namespace) -> None:
    """Quantise, measure, print and write the package; it has a new hash, no signature, and its figures to measure."""
    for split in (arguments.calibrate_on, arguments.validate_on):
        refuse_held_out_split(split)
    package = load_model_package(arguments.package)
    records = read_manifest(
        arguments.manifest,
        dataset=arguments.dataset,
        labels=package.manifest.labels,
        excluded=read_exclusions(arguments.exclude),
    )
    train, validate = of_split(records, arguments.calibrate_on), of_split(records, arguments.validate_on)
    _refuse_learned_from(validate, package.manifest, split=arguments.validate_on, calibrated_on=arguments.calibrate_on)
    chosen = np.random.default_rng(0).permutation(len(train))[: arguments.images]
    updated = with_precisions(
        package,
        root=arguments.manifest.parent,
        calibration=None if arguments.measure_only else [train[index] for index in sorted(chosen)],
        validation=validate,
    )
    manifest = updated.manifest
    for name, effect in manifest.precisions.items():
        exceeded = manifest.precision_bounds.exceeded_by(effect)
        print(f"{name}: {'refused, ' + '; '.join(exceeded) if exceeded else 'may be used'}; {effect!r}")
    write_package(
        manifest,
        graph=updated.graph,
        weights=updated.weights,
        golden=updated.golden,
        out=arguments.out or arguments.package,
    )


def _refuse_learned_from(records: Sequence[Record], manifest: ModelManifest, *, split: str, calibrated_on: str) -> None:
    """Raise `DataError` unless the package was judged by these rows before: the limits are chosen anew on them.

    A package without figures does not say by which it was judged.
    """
    judged_by = [entry.split for entry in manifest.metrics]
    if split == calibrated_on or (judged_by and described_rows(records) not in judged_by):
        raise DataError(
            f"limits are not chosen on {described_rows(records)}, which the network may have learned from: name the "
            "split that it was judged by with --validate-on"
        )
