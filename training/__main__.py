"""Command line: `python -m training train|export|evaluate`."""

import argparse
from pathlib import Path

from training.evaluate import evaluate
from training.recipes import RECIPES


def main() -> None:
    """Run one command."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_train(commands.add_parser("train", help="train a recipe; continues a run that was stopped"))
    _add_export(commands.add_parser("export", help="calibrate a run on val and write its model package"))
    _add_evaluate(commands.add_parser("evaluate", help="measure a model package on a split"))
    arguments = parser.parse_args()
    arguments.run(arguments)


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", choices=sorted(RECIPES), default="lite0-160")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--run", dest="run_dir", type=Path, required=True, help="folder of this run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.set_defaults(run=_train)


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", dest="run_dir", type=Path, required=True, help="folder of a trained run")
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder of the package, replaced if it exists")
    parser.add_argument("--name", default="melanoma")
    parser.add_argument("--version", required=True)
    parser.set_defaults(run=_export)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package", type=Path)
    parser.add_argument("--manifest", type=Path, required=True)
    parser.add_argument("--split", choices=("val", "test"), required=True)
    parser.add_argument("--record", action="store_true", help="write the figures into the package; its hash changes")
    parser.set_defaults(run=_evaluate)


# torch is imported by the commands that need it: `evaluate` also runs where it is not installed.
def _train(arguments: argparse.Namespace) -> None:
    from training.train import train  # noqa: PLC0415

    train(
        recipe=RECIPES[arguments.recipe],
        manifest=arguments.manifest,
        run_dir=arguments.run_dir,
        seed=arguments.seed,
        threads=arguments.threads,
    )


def _export(arguments: argparse.Namespace) -> None:
    from training.export import export_run  # noqa: PLC0415

    manifest = export_run(
        run_dir=arguments.run_dir,
        manifest=arguments.manifest,
        out=arguments.out,
        name=arguments.name,
        version=arguments.version,
    )
    print(manifest.metrics[0].model_dump_json(indent=2))


def _evaluate(arguments: argparse.Namespace) -> None:
    for metrics in evaluate(
        package_dir=arguments.package,
        manifest=arguments.manifest,
        split=arguments.split,
        record=arguments.record,
    ):
        print(metrics.model_dump_json(indent=2))


if __name__ == "__main__":
    main()
