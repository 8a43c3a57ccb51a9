"""`python -m training train`."""

import argparse
from pathlib import Path
from typing import Final

from training.data import read_exclusions
from training.recipes import RECIPES
from training.tasks import TASKS
from training.train import Machine, Sources, Start, train

_RECIPE_OF_TASK: Final = {"skin-lesion": "lite0-224", "scalp": "lite0-scalp"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--task", choices=sorted(TASKS), default="skin-lesion")
    parser.add_argument("--recipe", choices=sorted(RECIPES), help="default: ours for the task")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--run", dest="run_dir", type=Path, required=True, help="folder of this run")
    parser.add_argument(
        "--train-on", type=source, nargs="+", default=Sources.train_on, metavar="DATASET:SPLIT",
        help="rows to learn from; DATASET * is any; default: *:train",
    )  # fmt: skip
    parser.add_argument(
        "--validate-on", type=source, nargs="+", default=Sources.validate_on, metavar="DATASET:SPLIT",
        help="rows to be judged by; default: *:val",
    )  # fmt: skip
    parser.add_argument("--exclude", type=Path, metavar="FILE", help="a list of pictures to leave out")
    start = parser.add_mutually_exclusive_group()
    start.add_argument("--start-from", type=Path, metavar="PACKAGE", help="a model package to go on from")
    start.add_argument(
        "--init",
        type=Path,
        metavar="FILE",
        help="a state dictionary, such as torchvision's GoogLeNet, or the checkpoint.pt of an earlier run",
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--precision", choices=("f32", "bf16"), default="f32", help="bf16 is faster on some CPUs and most GPUs"
    )


def run(arguments: argparse.Namespace) -> None:
    """Train."""
    task = TASKS[arguments.task]
    train(
        recipe=RECIPES[arguments.recipe or _RECIPE_OF_TASK[task.task]],
        task=task,
        sources=Sources(
            manifest=arguments.manifest,
            train_on=tuple(arguments.train_on),
            validate_on=tuple(arguments.validate_on),
            excluded=read_exclusions(arguments.exclude),
        ),
        run_dir=arguments.run_dir,
        seed=arguments.seed,
        machine=Machine(threads=arguments.threads, precision=arguments.precision),
        start=Start(package=arguments.start_from, weights=arguments.init),
    )


def source(text: str) -> tuple[str, str]:
    """Parse DATASET:SPLIT."""
    dataset, colon, split = text.partition(":")
    if not (dataset and colon and split):
        raise argparse.ArgumentTypeError(f"{text!r} is not DATASET:SPLIT, such as ham10000:train")
    return dataset, split
