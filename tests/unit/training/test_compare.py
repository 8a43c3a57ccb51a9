"""Two packages on the same pictures, paired, by the command line."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.inference.model_package import load_model_package
from tests.unit.training.evaluation import PACKAGE
from training.__main__ import main


def _compare(a: Path, b: Path, out: Path, *more: str) -> tuple[int, dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["training", "compare", "--a", str(a), "--b", str(b), "--json", str(out), *more])
        status = main()
    return status, json.loads(out.read_text(encoding="utf-8")) if out.exists() else {}


def test_a_package_does_not_differ_from_itself(outputs: Path, tmp_path: Path) -> None:
    predictions = outputs / "predictions.csv"
    status, result = _compare(predictions, predictions, tmp_path / "out.json")
    assert status == 0
    for area in result["roc_auc"].values():
        assert area["delong"]["difference"] == 0
        assert area["delong"]["p_value"] == 1
    assert all(decision["mcnemar"]["mid_p"] == 1 for decision in result["decisions"].values())


def test_a_package_that_scores_at_random_is_told_from_one_that_knows(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    header = "file,unit,truth,positive,stated,score,moderate,high,refusals,p_mel"
    for name, knows in (("a", 1.0), ("b", 0.0)):
        lines = [header]
        for index in range(300):
            positive = index % 3 == 0
            score = float(np.clip(0.4 + (0.25 * positive * knows) + rng.normal(0, 0.12), 0, 1))
            stated = "mel" if score > 0.5 else "nv"
            flags = f"{int(score > 0.4)},{int(score > 0.55)}"
            truth = "mel" if positive else "nv"
            lines.append(f"{index},lesion {index},{truth},{int(positive)},{stated},{score},{flags},,{score}")
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    _, result = _compare(tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "out.json")
    area = result["roc_auc"]["melanoma"]
    assert area["delong"]["low"] > 0.2
    assert area["bootstrap"]["low"] > 0.2
    assert area["delong"]["low"] == pytest.approx(area["bootstrap"]["low"], abs=0.03)
    assert result["decisions"]["high accuracy"]["mcnemar"]["mid_p"] < 1e-6
    assert result["balanced_accuracy"]["difference"]["low"] > 0


def test_a_comparison_is_written_onto_the_card_of_the_first(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "package"
    shutil.copytree(PACKAGE, package)
    predictions, out = outputs / "predictions.csv", tmp_path / "out.json"
    assert _compare(predictions, predictions, out, "--record", str(package)) == (1, {})
    assert "--against" in capsys.readouterr().err
    words = ("--record", str(package), "--against", "the published recipe, pre-trained alike,", "--data", "pictures")
    assert _compare(predictions, predictions, out, *words)[0] == 0
    entry = load_model_package(package).manifest.metrics[-1]
    assert entry.split == "against the published recipe, pre-trained alike, on pictures"
    assert (entry.n, entry.lesions) == (12, 4)
    assert entry.figures["auc_melanoma_difference"].value == 0
    assert entry.figures["accuracy_high_mcnemar_p"].value == 1
    card = (package / "card.md").read_text(encoding="utf-8")
    assert "this package against the published recipe, pre-trained alike, on pictures" in card
    assert "| ROC AUC, melanoma against the rest: difference | 0.000 | - |" in card
    assert "| accuracy at the high limit: p of the difference (McNemar) | 1.000 | - |" in card


def test_a_comparison_is_not_written_onto_another_package(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    package = tmp_path / "package"
    shutil.copytree(PACKAGE.with_name("scalp"), package)
    before = (package / "manifest.json").read_bytes()
    predictions = outputs / "predictions.csv"
    words = ("--record", str(package), "--against", "itself", "--data", "pictures")
    assert _compare(predictions, predictions, tmp_path / "out.json", *words) == (1, {})
    assert "evaluate it again" in capsys.readouterr().err
    assert (package / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "\n".join(text.splitlines()[:-1]) + "\n", "different images"),
        (lambda text: text.replace(",mel,1,", ",nv,0,", 1), "what is true"),
        (lambda text: text.replace("score", "points", 1), "'score'"),
        (lambda text: text + text.splitlines()[-1] + "\n", "twice"),
        (lambda text: re.sub(r",0\.\d+,", ",nan,", text, count=1), "finite"),
    ],
)
def test_what_cannot_be_paired_is_refused(
    outputs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, message: str
) -> None:
    predictions = outputs / "predictions.csv"
    other = tmp_path / "other.csv"
    other.write_text(change(predictions.read_text(encoding="utf-8")), encoding="utf-8")
    assert _compare(predictions, other, tmp_path / "out.json") == (1, {})
    assert message in capsys.readouterr().err
