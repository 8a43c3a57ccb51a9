"""`python -m deploy.demo show|once`."""

import argparse
import sys
from pathlib import Path

from deploy.demo import once, show
from deploy.demo.installation import DemoFailed


def main() -> int:
    """Run one of the demos; 1 when it found a fault, 2 when it could not run."""
    parser = argparse.ArgumentParser(prog="./run")
    parser.add_argument("demo", choices=("show", "once"))
    parser.add_argument("--folder", type=Path, help="where it keeps everything; emptied first")
    arguments = parser.parse_args()
    folder = (arguments.folder or Path("build/demo") / arguments.demo).absolute()
    try:
        return once.run(folder) if arguments.demo == "once" else show.run(folder)
    except DemoFailed as error:
        print(f"\nThe demo failed: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
