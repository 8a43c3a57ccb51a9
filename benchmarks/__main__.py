"""`./run bench`: every measurement, or those named."""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import inference, outbox, sign_in
from benchmarks.report import Report

_FOLDER = Path("build/bench")
_MEASUREMENTS: dict[str, Callable[..., Report]] = {
    "inference": inference.measure,
    "outbox": outbox.measure,
    "sign_in": sign_in.measure,
}


def main() -> int:
    """Print each measurement and write build/bench/NAME.json; 1 when a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="./run bench")
    parser.add_argument("names", nargs="*", help=f"any of: {', '.join(_MEASUREMENTS)}")
    parser.add_argument("--pairs", type=int, default=30)
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(_MEASUREMENTS)
    if unknown:
        parser.error(f"no measurement {', '.join(sorted(unknown))}")
    _FOLDER.mkdir(parents=True, exist_ok=True)
    exceeded = 0
    for name in arguments.names or _MEASUREMENTS:
        report = _MEASUREMENTS[name](_FOLDER / name, pairs=arguments.pairs)
        for line in report.lines:
            print(f"{name}: {line}")
        for limit in report.exceeded:
            exceeded += 1
            print(f"{name}: LIMIT EXCEEDED: {limit}")
        (_FOLDER / f"{name}.json").write_text(json.dumps(report.figures, indent=1) + "\n", encoding="utf-8")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
