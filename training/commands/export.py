"""`python -m training export`."""

import argparse
import re
from pathlib import Path

from edge.inference.model_package import LANGUAGE_CODE
from training.export import export_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--run", dest="run_dir", type=Path, required=True, help="folder of a trained run")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the package, replaced if it exists")
    parser.add_argument("--name", default="melanoma")
    parser.add_argument("--version", required=True)
    parser.add_argument("--licence", required=True, help="what the package may be used for, in one sentence")
    parser.add_argument(
        "--licence-in", type=_in_language, nargs="+", default=[], metavar="LANGUAGE=TEXT",
        help="the same sentence for the kiosk's screens in another language, as es='Solo para investigación.'",
    )  # fmt: skip
    parser.add_argument(
        "--with", dest="members", type=Path, nargs="+", default=[], metavar="PACKAGE",
        help="packages trained on the same rows, whose networks answer together with this run's; the first one's "
        "features tell strange pictures",
    )  # fmt: skip
    parser.add_argument(
        "--limit", action="append", default=[], metavar="TEXT", help="one more sentence under the card's limits"
    )
    parser.add_argument("--compress-weights", action="store_true", help="keep the weights in 8 bits: half the size")
    parser.add_argument(
        "--allow-few", action="store_true", help="calibrate on fewer than 20 positive or negative pictures; for trials"
    )
    parser.add_argument("--simulation-only", action="store_true", help="it was trained on rendered pictures")


def run(arguments: argparse.Namespace) -> None:
    """Export and print the validation figures."""
    manifest = export_run(
        run_dir=arguments.run_dir,
        manifest=arguments.manifest,
        out=arguments.out,
        name=arguments.name,
        version=arguments.version,
        licence_of_use=arguments.licence,
        licence_of_use_in=dict(arguments.licence_in),
        simulation_only=arguments.simulation_only,
        members=arguments.members,
        compress_weights=arguments.compress_weights,
        allow_few=arguments.allow_few,
        further_limits=arguments.limit,
    )
    print(manifest.metrics[0].model_dump_json(indent=2))


def _in_language(value: str) -> tuple[str, str]:
    language, _, text = value.partition("=")
    if not (re.fullmatch(LANGUAGE_CODE, language) and text.strip()):
        raise argparse.ArgumentTypeError(f"{value!r} is not a language's two letters, = and the text")
    return language, text.strip()
