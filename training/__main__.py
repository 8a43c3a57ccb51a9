"""Command line: `python -m training COMMAND`; each command is one module of `training.commands`."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Final

from edge.errors import EdgeError
from training.data import DataError

_COMMANDS: Final = {
    "train": "train a recipe; continues a run that was stopped",
    "export": "calibrate a trained run on its validation rows and write its model package",
    "quantise": "add the INT8 network and what each reduced precision changes",
    "faithfulness": "check that the heat maps point at what decides",
    "evaluate": "measure a model package on labelled pictures",
    "compare": "compare two packages' predictions on the same pictures",
    "split-data": "deal a manifest's pictures into train, val and test, patient by patient",
    "check-data": "check a manifest and every picture of it; fails when a lesion crosses splits",
    "refusals": "measure what a package refuses, of lesions and of everything else",
    "render-scalp": "render simulated scalps with a manifest",
    "check-shortcuts": "measure how far colour and texture statistics alone get",
    "make-key": "make a key pair for signing model packages",
    "sign": "sign a finished model package",
}


def parse(arguments: Sequence[str] | None = None) -> tuple[ModuleType, argparse.Namespace]:
    """Return the command's module and what it is to do; only that one is imported, as `evaluate` must not need torch.

    None takes the process's own arguments. What does not fit ends the process, as argparse does it.
    """
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, purpose in _COMMANDS.items():
        commands.add_parser(name, help=purpose, add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    module = import_module(f"training.commands.{chosen.command.replace('-', '_')}")
    own = argparse.ArgumentParser(prog=f"python -m training {chosen.command}", description=_COMMANDS[chosen.command])
    module.add_arguments(own)
    return module, own.parse_args(rest)


def main() -> int:
    """Run one command."""
    module, arguments = parse()
    try:
        return int(module.run(arguments) or 0)
    except (DataError, EdgeError, OSError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
