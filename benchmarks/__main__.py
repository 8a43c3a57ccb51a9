"""`./run bench`: every measurement, or those named."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks import inference, outbox

_FOLDER = Path("build/bench")
_MEASUREMENTS = {
    "inference": (inference, "whole assessment of a 2592x1944 JPEG / decode and network alone"),
    "outbox": (outbox, "50 durable saves / 50 bare SQLite commits"),
}


def main() -> int:
    """Print one row a measurement and write build/bench/NAME.json; 1 when a limit is exceeded."""
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
        module, what = _MEASUREMENTS[name]
        result = module.measure(_FOLDER / name, pairs=arguments.pairs)
        exceeded += result.ratio > module.LIMIT
        print(
            f"{name}: {what}\n  {result.ours_ms:.1f} ms / {result.base_ms:.1f} ms; ratio {result.ratio:.2f}"
            f" (pairs {result.ratio_low:.2f} to {result.ratio_high:.2f}, n={result.pairs}); limit {module.LIMIT}"
        )
        (_FOLDER / f"{name}.json").write_text(json.dumps(asdict(result) | {"limit": module.LIMIT}, indent=1) + "\n")
    return 1 if exceeded else 0


if __name__ == "__main__":
    sys.exit(main())
