"""The evaluation tool on a folder it has never seen, with the committed package, end to end."""

import csv
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from edge.inference.preprocess import NotAnImage, decode_image
from tests.unit.training.evaluation import COUNT, PACKAGE, evaluate_folder
from training.__main__ import main


@pytest.fixture
def result(outputs: Path) -> dict[str, Any]:
    return json.loads((outputs / "out.json").read_text(encoding="utf-8"))


def test_the_result_has_the_published_shape(result: dict[str, Any]) -> None:
    assert result["n"] == 2 * COUNT
    assert result["package_sha256"] == load_model_package(PACKAGE).sha256
    assert isinstance(result["cannot_assess"], int)
    for name in ("malignant", "melanoma"):
        task = result["tasks"][name]
        area = task["roc_auc"]
        assert {"value", "low", "high"} <= set(area)
        assert area["low"] is None or area["low"] <= area["value"] <= area["high"]
        for figure in ("ece", "sensitivity", "specificity"):
            assert 0 <= task[figure] <= 1
        assert {"moderate", "high"} == set(task["points"])
    for figure in ("balanced_accuracy", "accuracy"):
        assert 0 <= result["classes"][figure] <= 1
    assert result["classes"]["present"] == {"akiec": 0, "bcc": 0, "bkl": 0, "df": 0, "mel": 6, "nv": 6, "vasc": 0}
    assert result["resampling"]["unit"] == "patient"
    assert result["resampling"]["units"] == 4


def test_refused_images_are_counted_and_left_out_beside(result: dict[str, Any]) -> None:
    assert result["assessable"]["n"] == result["n"] - result["cannot_assess"]
    assert sum(result["cannot_assess_reasons"].values()) >= result["cannot_assess"]
    assert set(result["assessable"]["tasks"]) == set(result["tasks"])


def test_scores_are_those_of_the_kiosk(outputs: Path, folder: Path) -> None:
    classifier = OpenVinoClassifier(load_model_package(PACKAGE))
    with (outputs / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            prediction = classifier.classify(decode_image((folder / row["file"]).read_bytes()))
            assert float(row["score"]) == pytest.approx(prediction.score, abs=1e-5)
            assert row["stated"] == prediction.label
    classifier.close()


def test_a_list_of_answers_can_be_passed_on_without_saying_who_the_patients_are(outputs: Path) -> None:
    with (outputs / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    together = {}
    for row in rows:
        number = int(re.sub(r"\D", "", Path(row["file"]).stem))
        together.setdefault(number // 3, set()).add(row["unit"])
    # Three pictures of each of four patients.
    assert sorted(together.values(), key=str) == [{"0"}, {"1"}, {"2"}, {"3"}]


def test_pictures_in_forms_that_only_data_sets_come_in_are_measured_alike(folder: Path, tmp_path: Path) -> None:
    # Without loss, so that the answers have to be the same.
    forms = {"png": {}, "bmp": {}, "tif": {"compression": "tiff_lzw"}, "webp": {"lossless": True}}
    pictures = tmp_path / "forms"
    pictures.mkdir()
    with Image.open(folder / "p1.jpg") as picture:
        for ending, options in forms.items():
            picture.save(pictures / f"one.{ending}", **options)
    rows = "".join(f"one.{ending},nv\n" for ending in forms)
    predictions = tmp_path / "predictions.csv"
    (tmp_path / "labels.csv").write_text(f"file,label\n{rows}", encoding="utf-8")
    status, result = evaluate_folder(
        pictures, tmp_path, "--predictions", str(predictions), labels=f"file,label\n{rows}"
    )
    assert (status, result["n"]) == (0, 4)
    with predictions.open(encoding="utf-8", newline="") as stream:
        assert len({row["score"] for row in csv.DictReader(stream)}) == 1
    # A kiosk takes only what its cameras make.
    for ending in ("bmp", "tif", "webp"):
        with pytest.raises(NotAnImage):
            decode_image((pictures / f"one.{ending}").read_bytes())


def test_a_broken_or_deep_picture_of_another_form_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "forms"
    pictures.mkdir()
    with Image.open(folder / "p1.jpg") as picture:
        picture.save(pictures / "whole.bmp")
        (pictures / "cut.bmp").write_bytes((pictures / "whole.bmp").read_bytes()[:900])
        picture.convert("I;16").save(pictures / "deep.tif")
    for name, reason in (("cut.bmp", "damaged"), ("deep.tif", "8 bits a channel")):
        assert evaluate_folder(pictures, tmp_path, labels=f"file,label\n{name},nv\n") == (1, {})
        error = capsys.readouterr().err
        assert name in error
        assert reason in error


@pytest.mark.parametrize("ending", ["png", "bmp"])
def test_pictures_too_small_for_a_kiosk_are_measured_and_counted_as_refused(
    folder: Path, tmp_path: Path, ending: str
) -> None:
    pictures = tmp_path / "small"
    pictures.mkdir()
    with Image.open(folder / "p1.jpg") as picture:
        for size in ((28, 28), (1, 1), (4000, 3)):
            picture.resize(size).save(pictures / f"{size[0]}.{ending}")
    page = tmp_path / "report.html"
    labels = f"file,label\n28.{ending},nv\n1.{ending},mel\n4000.{ending},nv\n"
    status, result = evaluate_folder(pictures, tmp_path, "--html", str(page), labels=labels)
    assert (status, result["n"], result["cannot_assess"]) == (0, 3, 3)
    assert f"28.{ending}" in page.read_text(encoding="utf-8")


def test_where_nothing_can_be_written_is_found_out_before_the_work(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _ = evaluate_folder(folder, tmp_path, "--html", str(tmp_path / "new/folder/report.html"))
    assert status == 0
    assert (tmp_path / "new/folder/report.html").stat().st_size > 0
    monkeypatch.setattr("training.commands.evaluate.evaluate", None)
    (tmp_path / "file").touch()
    assert evaluate_folder(folder, tmp_path, "--html", str(tmp_path / "file/report.html"))[0] == 1
    assert "cannot be written" in capsys.readouterr().err
    (folder / "twice").mkdir()
    shutil.copy(folder / "p1.jpg", folder / "twice/p1.jpg")
    same = "file,label\np1.jpg,nv\ntwice/p1.jpg,nv\n"
    assert evaluate_folder(folder, tmp_path, "--csv", str(tmp_path / "isic.csv"), labels=same)[0] == 1
    assert "same name" in capsys.readouterr().err
    shutil.rmtree(folder / "twice")


@pytest.mark.parametrize(
    ("columns", "rows", "unit", "units", "alone"),
    [
        ("file,label", ["p1,nv", "p2,mel", "p4,nv"], "image", 3, 3),
        ("file,label,lesion,patient", ["p1,nv,l1,", "p2,nv,l1,NA", "p4,mel,l2,ann"], "patient", 2, 0),
        ("file,label,lesion,patient", ["p1,nv,NA,NA", "p2,nv,nan,unknown", "p4,mel,,"], "image", 3, 3),
    ],
    ids=["none", "patients-of-some", "written-as-missing"],
)
def test_what_belongs_together_is_drawn_together(  # one case a row
    folder: Path, tmp_path: Path, columns: str, rows: list[str], unit: str, units: int, alone: int
) -> None:
    status, result = evaluate_folder(folder, tmp_path, labels="\n".join([columns, *rows]) + "\n")
    assert status == 0
    drawn = result["resampling"]
    assert (drawn["unit"], drawn["units"], drawn["images_alone"]) == (unit, units, alone)


def test_what_is_recorded_is_on_the_card_with_its_strata_once(folder: Path, tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(PACKAGE, package)
    for _ in range(2):
        command = ["evaluate", "--package", package, "--images", folder, "--labels", folder.parent / "labels.csv"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.argv", ["training", *map(str, command), "--record"])
            assert main() == 0
    splits = [entry.split for entry in load_model_package(package).manifest.metrics]
    assert len(set(splits)) == len(splits)
    assert "pictures" in splits
    assert {"pictures by sex: f", "pictures by sex: m"} <= set(splits)
    assert any(split.startswith("pictures by skin tone (ITA): ") for split in splits)
    card = (package / "card.md").read_text(encoding="utf-8")
    assert card.count("## Measured on pictures: 12 images in 4 groups") == 1
    assert card.count("| sex: f | 6 |") == 1


def test_strata_too_small_are_named(result: dict[str, Any]) -> None:
    (female, male) = result["subgroups"]["sex"]
    assert (female["name"], female["n"], male["n"]) == ("f", COUNT, COUNT)
    assert "too small" in female["too_small"]
    assert female["figures"] == {}
    assert sum(stratum["n"] for stratum in result["subgroups"]["skin tone (ITA)"]) == 2 * COUNT


def test_the_isic_form_is_the_challenges(outputs: Path) -> None:
    with (outputs / "isic.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["image", "MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC"]
    assert {row["image"] for row in rows} >= {"P0", "p1"}
    with (outputs / "predictions.csv").open(encoding="utf-8", newline="") as stream:
        answers = {Path(row["file"]).stem: row for row in csv.DictReader(stream)}
    classes = list(rows[0])[1:]
    for row in rows:
        assert all("." in row[name] and 0 <= float(row[name]) <= 1 for name in classes)
        # The challenge takes the greatest for the answer: it is what the package states.
        assert max(classes, key=lambda name: float(row[name])).lower() == answers[row["image"]]["stated"]
    for name in classes:
        by_confidence = sorted(rows, key=lambda row: float(row[name]))
        ranked = [float(answers[row["image"]][f"p_{name.lower()}"]) for row in by_confidence]
        assert ranked == sorted(ranked), f"{name} ranks pictures as its probability does"


def test_the_report_is_one_file_that_fetches_nothing(outputs: Path) -> None:
    page = (outputs / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    links = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in links)
    assert page.count("<svg") == 6
    assert "Missed: malignant" in page
    assert "Not a medical device" in page


def test_a_report_without_gallery_holds_no_picture(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert evaluate_folder(folder, tmp_path, "--html", str(page), "--no-gallery")[0] == 0
    assert "data:image/jpeg" not in page.read_text(encoding="utf-8")


def test_names_from_elsewhere_cannot_put_markup_into_the_report(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    labels = "file,label,site\np1.jpg,nv,<script>alert(1)</script>\np2.jpg,mel,\n"
    assert evaluate_folder(folder, tmp_path, "--html", str(page), labels=labels)[0] == 0
    assert "<script" not in page.read_text(encoding="utf-8")


def test_one_class_leaves_figures_undefined_and_says_why(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "report.html"
    status, result = evaluate_folder(folder, tmp_path, "--html", str(page), labels="file,label\np1.jpg,nv\np5.jpg,nv\n")
    assert status == 0
    for name in ("malignant", "melanoma"):
        task = result["tasks"][name]
        assert task["roc_auc"]["value"] is None
        assert task["roc_auc"]["reason"] == task["reasons"]["roc_auc"] == f"needs both {name} and other images"
        assert task["sensitivity"] is None
        assert name in task["reasons"]["sensitivity"]
        assert task["specificity"] is not None
    assert result["classes"]["balanced_accuracy"] is None
    assert "two classes" in result["classes"]["reasons"]["balanced_accuracy"]
    assert result["resampling"]["unit"] == "image"
    assert "undefined" in capsys.readouterr().out
    assert "undefined" in page.read_text(encoding="utf-8")


def test_a_corrupt_picture_stops_the_run_and_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.jpg").write_bytes((folder / "p1.jpg").read_bytes()[:700])
    labels = "file,label\np1.jpg,nv\nbad.jpg,mel\ngone.jpg,mel\np2.jpg,mel\n"
    status, result = evaluate_folder(folder, tmp_path, labels=labels)
    assert (status, result) == (1, {})
    assert "bad.jpg" in capsys.readouterr().err
    status, result = evaluate_folder(folder, tmp_path, "--skip-unreadable", labels=labels)
    assert (status, result["n"]) == (0, 2)
    assert [name for name, _ in result["unreadable"]] == ["bad.jpg", "gone.jpg"]
    # What is sent on with the figures names no folder of the machine.
    assert str(folder) not in json.dumps(result)


def test_a_set_without_a_readable_picture_defines_nothing(folder: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    status, result = evaluate_folder(
        folder, tmp_path, "--skip-unreadable", "--html", str(page), labels="file,label\ngone.jpg,mel\n"
    )
    assert (status, result["n"], result["cannot_assess"]) == (0, 0, 0)
    assert result["tasks"]["malignant"]["ece"] is None
    assert result["classes"]["reasons"]["accuracy"] == "no image"


def test_pictures_of_a_manifest_are_left_out_and_the_figures_say_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, listed, out = folder / "manifest.csv", tmp_path / "seen-before.csv", tmp_path / "out.json"
    manifest.write_text(
        "file,dataset,split,dx\np1.jpg,ham10000,test,nv\np2.jpg,ham10000,test,mel\np4.jpg,ham10000,test,nv\n",
        encoding="utf-8",
    )
    listed.write_text("file,reason\np4.jpg,learned from\n", encoding="utf-8")
    command = ["training", "evaluate", "--package", PACKAGE, "--manifest", manifest, "--split", "test"]
    monkeypatch.setattr("sys.argv", [*map(str, command), "--exclude", str(listed), "--json", str(out)])
    assert main() == 0
    result = json.loads(out.read_text(encoding="utf-8"))
    assert (result["n"], result["data"]) == (2, "ham10000 test without seen-before")


@pytest.mark.parametrize(
    ("labels", "message"), [("file,label\np1.jpg,wart\n", "'wart'"), ("name,label\np1.jpg,nv\n", "no column 'file'")]
)
def test_a_table_that_cannot_be_used_is_named(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], labels: str, message: str
) -> None:
    assert evaluate_folder(folder, tmp_path, labels=labels) == (1, {})
    assert message in capsys.readouterr().err
