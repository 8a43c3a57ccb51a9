"""A clinic's pictures dealt into splits: whole patients, like shares, the same every time."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.__main__ import main
from training.data import DataError, read_manifest
from training.split_data import split_data

LABELS = ("psoriasis", "seborrheic-dermatitis")
PATIENTS = 60


def _picture(folder: Path, name: str, *, seed: int) -> None:
    drawn = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    cv2.imwrite(str(folder / name), cv2.resize(drawn, (96, 96), interpolation=cv2.INTER_CUBIC))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty patients with two pictures each; patients 0 and 1, of one diagnosis, share a picture."""
    folder = tmp_path_factory.mktemp("clinic")
    rows = ["File;Dataset;Label;Patient;Note"]
    for number in range(2 * PATIENTS):
        _picture(folder, f"{number}.png", seed=0 if number == 2 else number)
        label = LABELS[number // 2 >= PATIENTS * 2 // 3]
        rows.append(f"{number}.png;ours;{label};p{number // 2};a, b")
    path = folder / "pictures.csv"
    path.write_text("\ufeff" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_whole_patients_are_dealt_in_like_shares(manifest: Path) -> None:
    dealt = split_data(manifest, labels=LABELS)
    homes: dict[str, set[str]] = {}
    for row in dealt.rows:
        homes.setdefault(row["patient"], set()).add(row["split"])
    assert all(len(home) == 1 for home in homes.values())
    # They show one picture twice, though no column says so.
    assert homes["p0"] == homes["p1"]
    assert dealt.groups == PATIENTS - 1
    for label, of_label in zip(LABELS, (80, 40), strict=True):
        for split, share in (("train", 0.8), ("val", 0.1), ("test", 0.1)):
            assert dealt.counts()[split][label] == pytest.approx(share * of_label, abs=4)


def test_lesions_numbered_anew_for_each_patient_do_not_join_all_patients(manifest: Path) -> None:
    header, *rows = manifest.read_text(encoding="utf-8-sig").splitlines()
    numbered = manifest.with_name("numbered.csv")
    lines = [f"{header};lesion_id", *(f"{row};{number % 2 + 1}" for number, row in enumerate(rows))]
    numbered.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert split_data(numbered, labels=LABELS).groups == PATIENTS - 1


def test_the_seed_alone_decides(manifest: Path) -> None:
    first, again, other = (split_data(manifest, labels=LABELS, seed=seed).rows for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_command_writes_a_manifest_to_train_on_and_never_deals_twice(
    manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = manifest.with_name("dealt.csv")

    def run(source: Path, target: Path) -> int:
        command = ["training", "split-data", "--manifest", source, "--out", target, "--task", "scalp"]
        monkeypatch.setattr("sys.argv", [*map(str, command)])
        return main()

    assert run(manifest, out) == 0
    assert "120 pictures in 59 groups" in capsys.readouterr().out
    assert len(read_manifest(out, dataset="ours", labels=LABELS)) == 2 * PATIENTS
    with out.open(encoding="utf-8", newline="") as stream:
        assert {row["note"] for row in csv.DictReader(stream)} == {"a, b"}
    dealt = out.read_bytes()
    assert run(manifest, out) == 1
    assert "stays dealt" in capsys.readouterr().err
    assert run(out, manifest.with_name("again.csv")) == 1
    assert "already" in capsys.readouterr().err
    assert run(manifest, manifest.parent.parent / "dealt.csv") == 1
    assert "relative" in capsys.readouterr().err
    assert out.read_bytes() == dealt


def test_too_few_patients_to_deal_are_named(tmp_path: Path) -> None:
    for number in range(4):
        _picture(tmp_path, f"{number}.png", seed=number)
    rows = "".join(f"{number}.png,ours,psoriasis,p{number}\n" for number in range(4))
    (tmp_path / "few.csv").write_text(f"file,dataset,label,patient\n{rows}", encoding="utf-8")
    with pytest.raises(DataError, match="cannot be dealt into 10 parts"):
        split_data(tmp_path / "few.csv", labels=LABELS)
