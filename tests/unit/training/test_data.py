import csv
from dataclasses import replace
from pathlib import Path

import pytest

from training.data import DataError, LeakageError, Record, check_leakage, fingerprint, of_split, read_manifest

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
