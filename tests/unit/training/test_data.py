import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from training.data import (
    DataError,
    HeldOutSplitChosen,
    LeakageError,
    Record,
    check_leakage,
    fingerprint,
    of_split,
    read_exclusions,
    read_manifest,
    refuse_held_out_split,
)

COLUMNS = ["file", "dataset", "split", "dx", "lesion_id", "group", "file_224"]


def _row(
    number: int, *, split: str = "train", dx: str = "nv", dataset: str = "ham10000", **more: str
) -> dict[str, str]:
    row = {
        "file": f"images/{number}.jpg",
        "dataset": dataset,
        "split": split,
        "dx": dx,
        "lesion_id": f"lesion-{number}",
        "group": f"group-{number}",
        "file_224": "",
    }
    return row | more


def _write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_manifest_says_what_is_in_each_split(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.csv", [_row(1), _row(2, split="val", dx="mel"), _row(3, dataset="isic2017")])
    records = read_manifest(path)
    assert [(r.split, r.label) for r in records] == [("train", "nv"), ("val", "mel")]
    assert [r.file for r in of_split(records, "val")] == ["images/2.jpg"]


@pytest.mark.parametrize("key", ["lesion_id", "group"])
def test_a_lesion_or_group_in_two_splits_stops_everything(tmp_path: Path, key: str) -> None:
    rows = [_row(1), _row(2, split="test"), _row(3)]
    rows[1][key] = rows[0][key]
    with pytest.raises(LeakageError, match=rows[0][key]):
        read_manifest(_write(tmp_path / "m.csv", rows))


def test_the_same_lesion_twice_in_one_split_is_no_leak() -> None:
    record = Record("a", "", "ham10000", "train", "nv", "lesion", "group")
    check_leakage([record, replace(record, file="b")])


def test_lesions_numbered_anew_for_each_patient_are_different_lesions() -> None:
    one = Record("a", "", "clinic", "train", "nv", "1", "1", patient="A")
    check_leakage([one, replace(one, file="b", split="test", patient="B")])
    # A group that a column names holds whoever is in it.
    with pytest.raises(LeakageError, match="group 7"):
        check_leakage([replace(one, group="7"), replace(one, file="b", split="test", patient="B", group="7")])


@pytest.mark.parametrize("file", ["../a.jpg", "/a.jpg", "//a.jpg", "..", "images/../../a.jpg"])
def test_a_picture_outside_the_manifests_folder_is_refused(tmp_path: Path, file: str) -> None:
    for column in ("file", "file_224"):
        with pytest.raises(DataError, match=r"line 3: .* outside"):
            read_manifest(_write(tmp_path / "m.csv", [_row(1), _row(2) | {column: file}]))


def test_images_without_a_lesion_id_are_not_taken_for_one_lesion() -> None:
    record = Record("a", "", "isic2017", "train", "nv", "", "group-a")
    check_leakage([record, replace(record, file="b", split="test", group="group-b")])


def test_unknown_labels_repeated_files_and_empty_splits_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="wart"):
        read_manifest(_write(tmp_path / "a.csv", [_row(1, dx="wart")]))
    with pytest.raises(DataError, match="more than once"):
        read_manifest(_write(tmp_path / "b.csv", [_row(1), _row(1)]))
    with pytest.raises(DataError, match="no row"):
        read_manifest(_write(tmp_path / "c.csv", []))
    with pytest.raises(DataError, match="val"):
        of_split(read_manifest(_write(tmp_path / "d.csv", [_row(1)])), "val")


def test_an_unknown_label_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"m\.csv, line 3: label 'wart' of images/2\.jpg"):
        read_manifest(_write(tmp_path / "m.csv", [_row(1), _row(2, dx="wart")]))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("file,dx,split\na.jpg,nv,train\n", encoding="utf-8")
    with pytest.raises(DataError, match="dataset"):
        read_manifest(path)


def test_a_patient_in_two_splits_stops_everything(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        "file,dataset,split,label,patient_id\na.jpg,ours,train,nv,p1\nb.jpg,ours,test,nv,p1\n", encoding="utf-8"
    )
    with pytest.raises(LeakageError, match="patient p1"):
        read_manifest(path, dataset="ours")


def test_any_data_set_can_be_asked_for(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.csv", [_row(1), _row(2, dataset="isic2017", dx="nevus", split="extra_train")])
    assert {record.dataset for record in read_manifest(path, dataset="*")} == {"ham10000", "isic2017"}


@pytest.mark.parametrize("age", ["old", "-1", "200", "inf"])
def test_an_age_that_nobody_has_is_an_error(tmp_path: Path, age: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"file,dataset,split,dx,age\na.jpg,ham10000,train,nv,{age}\n", encoding="utf-8")
    with pytest.raises(DataError, match="age"):
        read_manifest(path)


def test_who_the_patient_is_stands_beside_the_image_and_not_in_the_fingerprint(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text(
        "file,dataset,split,dx,lesion_id,group,file_224,age,sex,localization\n"
        "a,ham10000,train,nv,la,ga,,45.0,Male,unknown\n",
        encoding="utf-8",
    )
    (record,) = read_manifest(path)
    assert (record.age, record.sex, record.site) == (45.0, "male", "")
    assert fingerprint([record]) == fingerprint([Record("a", "", "ham10000", "train", "nv", "la", "ga")])


def test_the_fingerprint_of_a_row_never_changes() -> None:
    # Packages carry fingerprints: another value for the same row would cut them off from their data.
    record = Record("a", "", "ham10000", "train", "nv", "la", "ga")
    assert fingerprint([record]) == hashlib.sha256(b"a\x1f\x1fham10000\x1ftrain\x1fnv\x1fla\x1fga\n").hexdigest()


def test_listed_pictures_are_left_out_and_a_list_that_is_wrong_is_named(tmp_path: Path) -> None:
    rows = [_row(1), _row(2, split="test"), _row(3, dataset="isic2017")]
    rows[1]["lesion_id"] = rows[0]["lesion_id"]
    path = _write(tmp_path / "m.csv", rows)
    listed = tmp_path / "list.csv"
    listed.write_text("file,reason\nimages/1.jpg,its lesion is in test\nimages/3.jpg,blurred\n", encoding="utf-8")
    assert [record.file for record in read_manifest(path, excluded=read_exclusions(listed))] == ["images/2.jpg"]
    with pytest.raises(DataError, match=r"images/4\.jpg"):
        read_manifest(path, excluded={"images/1.jpg", "images/4.jpg"})
    listed.write_text("picture\nimages/1.jpg\n", encoding="utf-8")
    with pytest.raises(DataError, match="'file'"):
        read_exclusions(listed)


@pytest.mark.parametrize(
    "split",
    [
        "test",
        "Test",
        "extra_test",
        "test-2",
        "test2",
        "testing",
        "test_set",
        "testset",
        "holdout",
        "hold-out",
        "held_out",
    ],
)
def test_a_test_split_is_not_for_choosing(split: str) -> None:
    with pytest.raises(HeldOutSplitChosen, match=split):
        refuse_held_out_split(split)


@pytest.mark.parametrize("split", ["train", "val", "extra_val", "latest", "tested", "contest", "testimony"])
def test_other_splits_are_for_learning_and_choosing(split: str) -> None:
    refuse_held_out_split(split)


def test_labels_of_the_other_data_set_read_as_ours(tmp_path: Path) -> None:
    path = _write(tmp_path / "m.csv", [_row(1, dataset="isic2017", dx="seborrheic_keratosis", split="extra_test")])
    assert [r.label for r in read_manifest(path, dataset="isic2017")] == ["bkl"]


def test_the_fingerprint_follows_the_rows_and_not_their_order() -> None:
    one = Record("a", "", "ham10000", "train", "nv", "la", "ga")
    two = Record("b", "", "ham10000", "train", "mel", "lb", "gb")
    assert fingerprint([one, two]) == fingerprint([two, one])
    assert fingerprint([one, two]) != fingerprint([one, replace(two, label="nv")])
    assert fingerprint([one, two]) != fingerprint([one, replace(two, split="val")])
    assert fingerprint([one]) != fingerprint([one, two])
