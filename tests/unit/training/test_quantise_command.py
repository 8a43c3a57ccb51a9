"""Limits are chosen again on what the package was judged by, and on nothing that it may have learned from."""

import shutil
from pathlib import Path

import pytest

from training.__main__ import main

COMMITTED = Path(__file__).parents[3] / "models" / "melanoma"


@pytest.mark.parametrize("rows", [["--validate-on", "train"], ["--dataset", "clinic"]], ids=["learned from", "others"])
def test_limits_are_not_chosen_on_other_rows(
    rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package, table = tmp_path / "package", tmp_path / "manifest.csv"
    shutil.copytree(COMMITTED, package)
    lines = [f"{name}-{split}.png,{name},{split},nv" for name in ("ham10000", "clinic") for split in ("train", "val")]
    table.write_text("\n".join(["file,dataset,split,dx", *lines]) + "\n", encoding="utf-8")
    before = (package / "manifest.json").read_bytes()
    command = ["training", "quantise", "--package", str(package), "--manifest", str(table), *rows]
    monkeypatch.setattr("sys.argv", command)
    assert main() == 1
    assert "name the split that it was judged by with --validate-on" in capsys.readouterr().err
    assert (package / "manifest.json").read_bytes() == before
