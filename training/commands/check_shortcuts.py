"""`python -m training check-shortcuts`: how far colour and texture statistics alone get; needs no torch."""

import argparse
from pathlib import Path

from edge.inference.model_package import load_model_package
from training.packaging import record
from training.shortcut_check import LIMIT, check_shortcuts, metrics_of
from training.tasks import TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--task", choices=sorted(TASKS), required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--measure-on", default="val", metavar="SPLIT")
    parser.add_argument("--record", type=Path, metavar="PACKAGE", help="write the figure into it; its hash changes")


def run(arguments: argparse.Namespace) -> int:
    """Print the area under the curve; 1 when it is above the limit, so that the pictures give the label away."""
    task = TASKS[arguments.task]
    result = check_shortcuts(
        arguments.manifest,
        dataset=arguments.dataset,
        labels=task.labels,
        positive=task.positive,
        measure_on=arguments.measure_on,
    )
    print(
        f"gradient boosting on colour and texture: ROC AUC {result.roc_auc:.3f} "
        f"({result.low:.3f} to {result.high:.3f}) on {result.measured_on} pictures, limit {LIMIT:.2f}"
    )
    if arguments.record is not None:
        data = f"{arguments.dataset} {arguments.measure_on}"
        record(load_model_package(arguments.record), [metrics_of(result, task=task, data=data)])
    return 0 if result.passed else 1
