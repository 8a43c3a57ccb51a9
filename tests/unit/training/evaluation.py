"""The evaluation tool's command line, as the tests of it and of what it writes call it."""

import json
from pathlib import Path
from typing import Any

import pytest

from training.__main__ import main

PACKAGE = Path(__file__).parents[3] / "models" / "melanoma"
COUNT = 6
"""Melanomas in the folder, and naevi."""


def evaluate_folder(folder: Path, out: Path, *more: str, labels: str | None = None) -> tuple[int, dict[str, Any]]:
    table = folder.parent / "labels.csv"
    if labels is not None:
        table = out / "labels.csv"
        table.write_text(labels, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        command = ["evaluate", "--package", PACKAGE, "--images", folder, "--labels", table]
        patch.setattr("sys.argv", ["training", *map(str, command), "--json", str(out / "out.json"), *more])
        status = main()
    written = out / "out.json"
    return status, json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
