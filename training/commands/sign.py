"""`python -m training sign`; needs no torch."""

import argparse
from pathlib import Path

from edge.errors import EdgeError
from training.signing import sign_package


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--key", type=Path, required=True, help="private key file, as `make-key` writes it")


def run(arguments: argparse.Namespace) -> None:
    """Sign, and say with which key; ends with the reason where it must not be signed."""
    try:
        key = sign_package(arguments.package, arguments.key)
    except (EdgeError, OSError, ValueError) as error:
        raise SystemExit(f"{arguments.package} was not signed: {error}") from error
    print(f"{arguments.package} is signed with key {key}")
