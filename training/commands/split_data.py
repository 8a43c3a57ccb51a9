"""`python -m training split-data`: deals the pictures of a manifest into train, val and test; needs no torch."""

import argparse
import sys
from pathlib import Path

from training.data import DataError
from training.split_data import split_data, write_manifest
from training.tasks import TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--manifest", type=Path, required=True, help="without splits; files are relative to its folder")
    parser.add_argument("--out", type=Path, required=True, help="the same rows with splits, in the same folder")
    parser.add_argument("--task", choices=sorted(TASKS), required=True, help="whose labels are meant")
    parser.add_argument("--seed", type=int, default=0)


def run(arguments: argparse.Namespace) -> None:
    """Deal, write and say what each split holds."""
    if arguments.out.resolve().parent != arguments.manifest.resolve().parent:
        raise DataError(f"{arguments.out} is not in the folder that the files of {arguments.manifest} are relative to")
    if arguments.out.exists():
        raise DataError(f"{arguments.out} exists: name another file, for what was dealt stays dealt")
    dealt = split_data(arguments.manifest, labels=TASKS[arguments.task].labels, seed=arguments.seed)
    write_manifest(arguments.out, dealt.rows)
    print(f"{len(dealt.rows)} pictures in {dealt.groups} groups that stay together")
    for split, labels in dealt.counts().items():
        print(f"{split}: {', '.join(f'{count} {label}' for label, count in labels.items())}")
        absent = [label for label, count in labels.items() if not count]
        if absent:
            print(f"{split} shows no {' and no '.join(absent)}: too few patients have it", file=sys.stderr)
