"""`python -m training evaluate`; needs no torch."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from edge.errors import EdgeError
from edge.inference.model_package import ModelPackage, Source, load_model_package
from training.card import refuse_name
from training.data import ANY_DATASET, DataError, Record, of_split, read_exclusions, read_manifest
from training.evaluate import Evaluation, evaluate
from training.labelled_folder import read_labelled_folder
from training.outputs import prepare_outputs
from training.packaging import record
from training.predictions import refuse_isic_form, write_isic, write_predictions
from training.report import render_report
from training.sources import sources_of

_SHIPPED: Final = Path(__file__).parents[2] / "models" / "melanoma"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--package", type=Path, default=_SHIPPED, help="folder of the model package")
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--manifest", type=Path, help="a manifest; files are relative to its folder")
    where.add_argument("--images", type=Path, help="a folder of pictures; needs --labels")
    parser.add_argument("--labels", type=Path, help="CSV with columns `file` and `label`; see docs/how-to")
    parser.add_argument("--dataset", default=ANY_DATASET, help="rows of this data set; * is any, the default")
    parser.add_argument("--split", help="rows of this split")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="a list of a manifest's pictures to leave out")
    parser.add_argument("--small-images", action="store_true", help="do not use the sharper files of a manifest")
    parser.add_argument("--skip-unreadable", action="store_true", help="leave unreadable pictures out and name them")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", type=Path, help="write all figures")
    parser.add_argument("--html", type=Path, help="write a report in one file")
    parser.add_argument("--no-gallery", action="store_true", help="a report without any of the pictures")
    parser.add_argument("--csv", type=Path, help="write confidences in the form of ISIC 2018 task 3")
    parser.add_argument("--predictions", type=Path, help="write every answer, for `compare`")
    parser.add_argument("--record", action="store_true", help="write the figures into the package; its hash changes")


def run(arguments: argparse.Namespace) -> int:
    """Measure, print the main figures and write what was asked for; 1 when the data or the package cannot be used."""
    try:
        package = load_model_package(arguments.package)
        records, root, sources = _records(arguments, package)
        # Before the work: whether its results can be written.
        prepare_outputs([arguments.json, arguments.html, arguments.csv, arguments.predictions])
        if arguments.csv is not None:
            refuse_isic_form([record.file for record in records], package.manifest.labels)
        described = _described(arguments, records)
        if arguments.record:
            refuse_name(described)
        evaluation = evaluate(
            package,
            records,
            root=root,
            data=described,
            sources=sources,
            sharp=not arguments.small_images,
            skip_unreadable=arguments.skip_unreadable,
            seed=arguments.seed,
        )
        _write(arguments, evaluation)
    except (DataError, EdgeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    _print(evaluation)
    return 0


def _records(arguments: argparse.Namespace, package: ModelPackage) -> tuple[list[Record], Path, tuple[Source, ...]]:
    labels = package.manifest.labels
    if arguments.images is not None:
        if arguments.labels is None:
            raise DataError("--images needs --labels")
        if arguments.exclude is not None:
            raise DataError("--exclude is for a manifest; leave the rows out of the table")
        dataset = None if arguments.dataset == ANY_DATASET else arguments.dataset
        records = read_labelled_folder(
            arguments.images, arguments.labels, labels=labels, dataset=dataset, split=arguments.split
        )
        return records, arguments.images, ()
    if arguments.labels is not None:
        raise DataError("--labels belongs to --images; a manifest has its own")
    excluded = read_exclusions(arguments.exclude)
    records = read_manifest(arguments.manifest, dataset=arguments.dataset, labels=labels, excluded=excluded)
    if arguments.split is not None:
        records = of_split(records, arguments.split)
    return records, arguments.manifest.parent, sources_of(arguments.manifest, records)


def _described(arguments: argparse.Namespace, records: Sequence[Record]) -> str:
    """Name the data as a model card does; the names of folders above stay out of what is published."""
    name = ", ".join(sorted({record.dataset for record in records} - {""})) or arguments.images.resolve().name
    split = "" if arguments.split is None else f" {arguments.split}"
    left_out = "" if arguments.exclude is None else f" without {arguments.exclude.stem}"
    return f"{name}{split}{left_out}{', small images only' if arguments.small_images else ''}"


def _write(arguments: argparse.Namespace, evaluation: Evaluation) -> None:
    package = evaluation.package
    if arguments.json is not None:
        arguments.json.write_text(evaluation.result.model_dump_json(indent=2) + "\n", encoding="utf-8")
    if arguments.csv is not None:
        write_isic(arguments.csv, evaluation.pictures, evaluation.scores)
    if arguments.predictions is not None:
        write_predictions(arguments.predictions, package, evaluation.pictures, evaluation.scores)
    if arguments.html is not None:
        arguments.html.write_text(render_report(evaluation, gallery_wanted=not arguments.no_gallery), encoding="utf-8")
    if arguments.record:
        record(package, evaluation.recorded())


def _print(evaluation: Evaluation) -> None:
    result = evaluation.result
    print(f"{result.package.name} {result.package.version} on {result.data}: {result.n} pictures")
    for name, task in result.tasks.items():
        area = task.roc_auc
        value = f"{area.value} ({area.low} to {area.high})" if area.value is not None else f"undefined, {area.reason}"
        print(f"{name}: AUC {value}; sensitivity {task.sensitivity}, specificity {task.specificity} at {task.point}")
        for figure, reason in task.reasons.items():
            print(f"  {figure} is undefined: {reason}")
    print(f"classes: balanced accuracy {result.classes.balanced_accuracy}, accuracy {result.classes.accuracy}")
    print(f"the kiosk would refuse {result.cannot_assess}; left out as unreadable: {len(result.unreadable)}")
