"""`python -m training check-data`: a manifest's columns, labels, licences, splits and every picture; needs no torch."""

import argparse
import sys
from collections import Counter
from pathlib import Path

from edge.inference.model_package import Task
from training.data import ANY_DATASET, DataError, read_exclusions, read_manifest
from training.leakage import exclusions, near_duplicates, write_exclusions
from training.sources import sources_of
from training.tasks import ALL_LABELS, TASKS

_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--dataset", default=ANY_DATASET, help="one data set of it; * is every one, the default")
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="a list of pictures to leave out")
    parser.add_argument(
        "--write-exclusions", type=Path, metavar="FILE", help="of each pair that crosses splits, list one to leave out"
    )
    parser.add_argument("--task", choices=sorted(TASKS), help="whose labels are meant; any, the default")


def run(arguments: argparse.Namespace) -> int:
    """Check everything and say what was found; 1 when the manifest must not be used."""
    path: Path = arguments.manifest
    try:
        excluded = read_exclusions(arguments.exclude)
        records = read_manifest(path, dataset=arguments.dataset, labels=_labels(arguments.task), excluded=excluded)
        sources = sources_of(path, records)
        pairs = near_duplicates(records, root=path.parent)
    except DataError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    for split, count in sorted(Counter(record.split for record in records).items()):
        print(f"{split}: {count} pictures")
    for source in sources:
        print(f"{source.name}: {source.licence}")
    for pair in pairs[:_SHOWN]:
        print(
            f"nearly the same picture in two splits: {pair.a.file} ({pair.a.split}) and {pair.b.file} "
            f"({pair.b.split}), {pair.distance} of 256 bits apart, correlation {pair.correlation}",
            file=sys.stderr,
        )
    if len(pairs) > _SHOWN:
        print(f"and {len(pairs) - _SHOWN} more pairs", file=sys.stderr)
    if pairs and arguments.write_exclusions is not None:
        left_out = exclusions(pairs)
        write_exclusions(arguments.write_exclusions, left_out)
        print(
            f"{len(left_out)} pictures to leave out: train and check-data with --exclude {arguments.write_exclusions}"
        )
    if pairs:
        print(f"{len(pairs)} pairs cross splits: put each into one group of one split, or leave one out with a list of "
              "--write-exclusions", file=sys.stderr)  # fmt: skip
        return 1
    print(f"no patient, lesion, group or near-duplicate crosses splits among {len(records)} pictures")
    return 0


def _labels(task: Task | None) -> tuple[str, ...]:
    return ALL_LABELS if task is None else TASKS[task].labels
