"""`python -m training render-scalp`: a data set of simulated scalps, for a package marked so; needs no torch."""

import argparse
from pathlib import Path

from training.scalp_phantom import render_dataset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and their manifest")
    parser.add_argument("--count", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size-px", type=int, default=224)
    parser.add_argument("--workers", type=int, default=1)


def run(arguments: argparse.Namespace) -> None:
    """Render and say where the manifest is."""
    manifest = render_dataset(
        arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        size_px=arguments.size_px,
        workers=arguments.workers,
    )
    print(manifest)
