"""`python -m training compare`: two packages on the same pictures, paired; needs no torch."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from edge.errors import EdgeError
from edge.inference.model_package import load_model_package
from training.compare import compare, metrics_of
from training.data import DataError
from training.metrics import outcomes
from training.outputs import prepare_outputs
from training.packaging import record
from training.predictions import answers_id, read_predictions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--a", type=Path, required=True, help="what `evaluate --predictions` wrote for one package")
    parser.add_argument("--b", type=Path, required=True, help="the same pictures, the other package")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--record", type=Path, metavar="PACKAGE", help="the first's package, to write the figures into")
    parser.add_argument("--against", help="what the second is, in words for the card; needed by --record")
    parser.add_argument("--data", help="what the pictures are; needed by --record")
    parser.add_argument("--json", type=Path, help="write the comparison there as well")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison; 1 when the two cannot be paired."""
    if arguments.record is not None and not (arguments.against and arguments.data):
        print("--record needs --against and --data", file=sys.stderr)
        return 1
    try:
        prepare_outputs([arguments.json])
        first = read_predictions(arguments.a)
        result = compare(first, read_predictions(arguments.b), seed=arguments.seed)
        if arguments.record is not None:
            _record(arguments, result, made_by=first.package)
    except (DataError, EdgeError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _record(arguments: argparse.Namespace, result: dict[str, Any], *, made_by: str) -> None:
    package = load_model_package(arguments.record)
    if made_by != answers_id(package):
        raise DataError(
            f"{arguments.a} does not hold the answers of {arguments.record} as it is now: evaluate it again"
        )
    outcome = next(iter(outcomes(package.manifest.labels, package.manifest.positive)))
    record(package, [metrics_of(result, outcome=outcome, against=arguments.against, data=arguments.data)])
