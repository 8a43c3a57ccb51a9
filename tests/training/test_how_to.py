"""What the page for clinics says does what it says, from a manifest to a signed package."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edge.inference.model_package import load_model_package
from edge.inference.package_signature import SIGNATURE_FILE
from training.__main__ import parse
from training.data import read_manifest
from training.scalp_phantom import render_dataset
from training.tasks import SCALP

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "train-a-model.md").read_text(encoding="utf-8")
pytestmark = pytest.mark.timeout(900)


def _blocks(language: str = "") -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [text for written, text in fenced if written == language]


def _commands() -> list[list[str]]:
    """The page's commands, by this interpreter: both environments hold what they run."""
    lines = [line for block in _blocks() for line in block.replace("\\\n", " ").splitlines()]
    starts = ("./run train ", ".venv/bin/python -m training ", ".venv-train/bin/python -m training ")
    return [
        [sys.executable, "-m", "training", *shlex.split(line.removeprefix(start))]
        for line in lines
        for start in starts
        if line.startswith(start)
    ]


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A checkout as the page wants it: enough pictures on `val`, the columns and sources of the page."""
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    drawn = render_dataset(checkout, count=160, seed=5, size_px=96)
    columns = _blocks()[0].splitlines()[0].split(",")
    with drawn.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    patients = {label: sorted({row["patient_id"] for row in rows if row["dx"] == label}) for label in SCALP.labels}
    splits = ("train", "val", "train", "val", "train", "val", "val", "test")
    with (checkout / "pictures.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        for row in rows:
            place = patients[row["dx"]].index(row["patient_id"])
            writer.writerow(row | {"dataset": "ourclinic", "split": splits[place % len(splits)], "lesion_id": ""})
    (checkout / "sources.toml").write_text(_blocks("toml")[0], encoding="utf-8")
    return checkout


def test_the_page_leads_from_a_manifest_to_a_signed_package(clinic: Path) -> None:
    commands = _commands()
    steps = ["check-data", "train", "export", "evaluate", "make-key", "sign"]
    assert [command[3] for command in commands] == steps
    # A clinic's own pictures: the page's package is for patients, not for simulation.
    records = read_manifest(clinic / "pictures.csv", dataset="ourclinic", labels=SCALP.labels)
    assert {record.split for record in records} == {"train", "val", "test"}
    for command in commands:
        done = subprocess.run(
            command, cwd=clinic, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{shlex.join(command[3:])}\n{done.stdout}\n{done.stderr}"
    package = clinic / "models" / "scalp-ourclinic"
    manifest = load_model_package(package).manifest
    assert (manifest.task, manifest.simulation_only) == ("scalp", False)
    assert [entry.split for entry in manifest.metrics][:2] == ["ourclinic val", "ourclinic test"]
    assert manifest.licence_of_use_in == {"es": "Nuestro; para nuestra clínica."}
    assert (package / SIGNATURE_FILE).exists()
    card = (package / "card.md").read_text(encoding="utf-8")
    assert "Our clinic, 2024 to 2026: Not to be shared" in card
    assert set(json.loads((clinic / "test.json").read_text(encoding="utf-8"))["tasks"]) == {"psoriasis"}
    assert (clinic / "runs" / "scalp-1" / "curves.csv").exists()


def test_without_sources_the_first_command_says_what_is_missing(clinic: Path) -> None:
    (clinic / "sources.toml").unlink()
    done = subprocess.run(
        _commands()[0], cwd=clinic, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "sources.toml" in done.stderr


def test_every_command_of_the_comparison_is_one_that_exists() -> None:
    page = (ROOT / "docs" / "how-to" / "compare-recipes.md").read_text(encoding="utf-8").replace("\\\n", " ")
    page = re.sub(r"\$(ROWS|SCALPS|SHIPS|HAM|ISIC)\b", "--manifest m.csv", page)
    commands = re.findall(r"^(?:\./run train|\.venv\S*/bin/python -m training) (.*)$", page, flags=re.MULTILINE)
    assert len(commands) == 21
    for command in commands:
        parse(shlex.split(command))  # ends the process where the command has no such option


@pytest.mark.parametrize("command", ["evaluate", "quantise", "refusals", "faithfulness"])
def test_what_is_left_out_of_a_training_can_be_left_out_later(command: str) -> None:
    _, understood = parse([command, "--package", "p", "--manifest", "m.csv", "--exclude", "left-out.csv"])
    assert understood.exclude == Path("left-out.csv")


@pytest.mark.parametrize("wrong", ["Nuestro", "spanish=Nuestro", "es=", "ES=Nuestro"])
def test_a_licence_without_its_language_is_refused_before_anything_is_made(
    wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    export = ["export", "--run", "r", "--manifest", "m.csv", "--out", "o", "--version", "1.0.0", "--licence", "Ours."]
    _, understood = parse([*export, "--licence-in", "es=Nuestro", "zh=我们的"])
    assert dict(understood.licence_in) == {"es": "Nuestro", "zh": "我们的"}
    with pytest.raises(SystemExit):
        parse([*export, "--licence-in", wrong])
    assert wrong in capsys.readouterr().err
