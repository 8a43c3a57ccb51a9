"""`python -m training make-key`; needs no torch."""

import argparse
from pathlib import Path

from training.signing import make_key


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, required=True, help="private key file to make, outside of any repository")


def run(arguments: argparse.Namespace) -> None:
    """Make the key pair, and say what to do with its two halves."""
    try:
        public = make_key(arguments.out)
    except (OSError, ValueError) as error:
        raise SystemExit(f"no key was made: {error}") from error
    print(f"{arguments.out}: the private key; keep it secret and back it up.")
    print(f"{public}: the public key; copy it to models/trusted-keys/ of each kiosk that shall trust it.")
