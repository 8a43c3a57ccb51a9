"""`python -m training compare`: two packages on the same pictures, paired; needs no torch."""

import argparse
import json
import sys
from pathlib import Path

from training.compare import compare
from training.data import DataError
from training.predictions import read_predictions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--a", type=Path, required=True, help="what `evaluate --predictions` wrote for one package")
    parser.add_argument("--b", type=Path, required=True, help="the same pictures, the other package")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--json", type=Path, help="write the comparison there as well")


def run(arguments: argparse.Namespace) -> int:
    """Print the comparison; 1 when the two cannot be paired."""
    try:
        result = compare(read_predictions(arguments.a), read_predictions(arguments.b), seed=arguments.seed)
    except DataError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    text = json.dumps(result, indent=2)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text + "\n", encoding="utf-8")
    return 0
