import csv
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data import DataError, of_split, read_manifest
from training.scalp_phantom import SIGNS, deal_patients, render_dataset

DIAGNOSES = ("psoriasis", "seborrheic-dermatitis")
COLUMNS = (
    "file,dataset,split,dx,lesion_id,group,file_224,dx_type,age,sex,localization,width,height,source_id,patient_id"
)
COUNT = 60


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_dataset(tmp_path_factory.mktemp("scalp"), count=COUNT, seed=3, size_px=64)


@pytest.fixture(scope="module")
def rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_manifest_is_one_that_training_reads(manifest: Path) -> None:
    records = read_manifest(manifest, dataset="scalp-phantom", labels=DIAGNOSES)
    assert len(records) == COUNT
    for split in ("train", "val", "test"):
        assert {record.label for record in of_split(records, split)} == set(DIAGNOSES)


def test_the_manifest_has_the_agreed_columns(manifest: Path) -> None:
    assert manifest.read_text(encoding="utf-8").splitlines()[0] == COLUMNS


def test_every_picture_exists_in_its_size(manifest: Path, rows: list[dict[str, str]]) -> None:
    for row in rows:
        image = cv2.imread(str(manifest.parent / row["file"]))
        assert image is not None
        assert image.shape == (int(row["height"]), int(row["width"]), 3) == (64, 64, 3)
        assert image.std() > 5


def test_rows_say_that_they_are_simulated(rows: list[dict[str, str]]) -> None:
    assert {(row["dataset"], row["dx_type"]) for row in rows} == {("scalp-phantom", "simulated")}


def test_a_patient_has_one_diagnosis_and_one_split(rows: list[dict[str, str]]) -> None:
    seen: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    for row in rows:
        assert row["patient_id"] == row["group"] == row["lesion_id"]
        seen[row["patient_id"]].add((row["dx"], row["split"], row["age"], row["sex"]))
    assert all(len(facts) == 1 for facts in seen.values())
    assert len(seen) < COUNT


def test_larger_sets_are_dealt_out_as_in_the_paper() -> None:
    patients = deal_patients(1358, seed=1)
    pictures = sum(patient.pictures for patient in patients)
    shares = {split: sum(p.pictures for p in patients if p.split == split) / 1358 for split in ("train", "val", "test")}
    assert pictures == 1358
    assert 560 < len(patients) < 680
    assert shares == pytest.approx({"train": 0.8, "val": 0.1, "test": 0.1}, abs=0.03)
    assert sum(p.pictures for p in patients if p.diagnosis == "psoriasis") / 1358 == pytest.approx(0.374, abs=0.03)


def test_one_seed_gives_the_same_bytes_with_any_workers_and_another_does_not(manifest: Path, tmp_path: Path) -> None:
    same = render_dataset(tmp_path / "same", count=COUNT, seed=3, size_px=64, workers=2)
    other = render_dataset(tmp_path / "other", count=COUNT, seed=4, size_px=64)
    files = sorted(path.relative_to(manifest.parent) for path in manifest.parent.rglob("*") if path.is_file())
    assert all((same.parent / file).read_bytes() == (manifest.parent / file).read_bytes() for file in files)
    assert other.read_bytes() != manifest.read_bytes()


def test_what_was_drawn_stands_beside_the_manifest(manifest: Path, rows: list[dict[str, str]]) -> None:
    with (manifest.parent / SIGNS).open(encoding="utf-8", newline="") as stream:
        signs = list(csv.DictReader(stream))
    assert [row["file"] for row in signs] == [row["file"] for row in rows]
    forms = ("dots", "hairpin", "annular", "branching", "curved")
    assert np.allclose([sum(float(row[form]) for form in forms) for row in signs], 1, atol=1e-3)


def test_a_finished_data_set_is_not_overwritten(manifest: Path) -> None:
    with pytest.raises(DataError, match="choose another folder"):
        render_dataset(manifest.parent, count=COUNT, seed=3, size_px=64)


@pytest.mark.parametrize(("count", "size_px"), [(39, 64), (0, 224), (40, 63)])
def test_a_data_set_too_small_to_learn_from_is_refused(tmp_path: Path, count: int, size_px: int) -> None:
    with pytest.raises(DataError, match="at least 40 pictures of 64 px"):
        render_dataset(tmp_path, count=count, seed=1, size_px=size_px)
