"""Planted leaks are found in every form a copy takes; different lesions that look alike are not."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.capture.phantom import render, scene_for
from training.__main__ import main
from training.data import LeakageError, Record, read_exclusions
from training.images import PictureUnreadable
from training.leakage import check_roles, near_duplicates


def _phantom(index: int) -> Image.Image:
    return Image.fromarray(render(scene_for(seed=11, index=index), width_px=400, height_px=300))


def _compressed(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream)


def _record(file: str, split: str) -> Record:
    return Record(file, "", "ham10000", split, "nv", file, file)


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "the same bytes": lambda image: image,
    "compressed": lambda image: _compressed(image, 30),
    "flipped and compressed": lambda image: _compressed(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 40),
    "upside down": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "on its side, as a square": lambda image: image.crop((50, 0, 350, 300)).transpose(Image.Transpose.ROTATE_90),
    "at half the size": lambda image: image.resize((200, 150)),
    "brighter": lambda image: Image.fromarray(np.clip(np.asarray(image) * 1.1, 0, 255).astype(np.uint8)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_in_another_split_is_found_and_named(tmp_path: Path, copy: str) -> None:
    for index in range(4):
        _phantom(index).save(tmp_path / f"{index}.png")
    COPIES[copy](_phantom(2)).save(tmp_path / "copy.png")
    records = [_record(f"{index}.png", "train") for index in range(4)] + [_record("copy.png", "test")]
    assert [(pair.a.file, pair.b.file) for pair in near_duplicates(records, root=tmp_path)] == [("2.png", "copy.png")]


def test_a_copy_in_the_same_split_is_no_leak(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        _phantom(0).save(tmp_path / name)
    assert near_duplicates([_record("a.png", "train"), _record("b.png", "train")], root=tmp_path) == []


def test_different_lesions_are_no_leak(tmp_path: Path) -> None:
    records = []
    for index in range(16):
        _phantom(index).save(tmp_path / f"{index}.jpg", quality=90)
        records.append(_record(f"{index}.jpg", ("train", "val")[index % 2]))
    assert near_duplicates(records, root=tmp_path) == []


def test_a_corrupt_picture_is_named(tmp_path: Path) -> None:
    _phantom(0).save(tmp_path / "a.jpg")
    (tmp_path / "bad.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:900])
    with pytest.raises(PictureUnreadable, match=r"bad\.jpg"):
        near_duplicates([_record("a.jpg", "train"), _record("bad.jpg", "val")], root=tmp_path)


def _check(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *more: str,
    rows: str,
    header: str = "file,dataset,split,dx,lesion_id",
) -> int:
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(f"{header}\n{rows}", encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["training", "check-data", "--manifest", str(manifest), *more])
    return main()


def test_check_data_passes_a_clean_manifest_and_says_its_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for index in range(2):
        _phantom(index).save(tmp_path / f"{index}.png")
    assert _check(tmp_path, monkeypatch, rows="0.png,ham10000,train,nv,l0\n1.png,ham10000,test,mel,l1\n") == 0
    assert "CC BY-NC 4.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0.png,ham10000,train,nv,l0\n1.png,ham10000,test,mel,l0\n", "lesion l0"),
        ("0.png,ham10000,train,nv,l0\ncopy.png,ham10000,test,mel,l1\n", "0.png (train) and copy.png (test)"),
        ("0.png,ham10000,train,wart,l0\n", "wart"),
        ("0.png,ours,train,nv,l0\n", "sources.toml"),
        ("gone.png,ham10000,train,nv,l0\n", "gone.png"),
    ],
)
def test_check_data_fails_on_a_planted_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], rows: str, message: str
) -> None:
    for index in range(2):
        _phantom(index).save(tmp_path / f"{index}.png")
    _compressed(_phantom(0), 50).save(tmp_path / "copy.png")
    assert _check(tmp_path, monkeypatch, rows=rows) == 1
    assert message in capsys.readouterr().err


def test_a_list_of_what_to_leave_out_undoes_every_pair_and_spares_the_test_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(3):
        _phantom(index).save(tmp_path / f"{index}.png")
        _compressed(_phantom(index), 50).save(tmp_path / f"copy-{index}.png")
    rows = (
        "0.png,ham10000,test,nv,\ncopy-0.png,ham10000,train,mel,\n1.png,ham10000,train,nv,\n"
        "copy-1.png,isic2017,extra_val,nv,\n2.png,ham10000,train,nv,\ncopy-2.png,ham10000,train,nv,\n"
    )
    listed = tmp_path / "exclusions.csv"
    assert _check(tmp_path, monkeypatch, "--write-exclusions", str(listed), rows=rows) == 1
    assert read_exclusions(listed) == {"copy-0.png", "1.png"}
    assert "0.png of test" in listed.read_text(encoding="utf-8")
    assert _check(tmp_path, monkeypatch, "--exclude", str(listed), rows=rows) == 0


def test_roles_are_compared_over_all_data_sets_and_once_for_the_same_rows(tmp_path: Path) -> None:
    for index in range(3):
        _phantom(index).save(tmp_path / f"{index}.png")
    _compressed(_phantom(0), 50).save(tmp_path / "copy.png")
    _compressed(_phantom(1), 50).save(tmp_path / "copy-1.png")
    # Both call their split "train"; one is judged by the other.
    learned = [_record("0.png", "train"), _record("1.png", "train")]
    elsewhere = Record("copy.png", "", "isic2017", "train", "nv", "", "copy.png")
    with pytest.raises(LeakageError, match=r"0\.png \(learned from\) and copy\.png \(judged by\)"):
        check_roles(learned, [elsewhere], root=tmp_path)
    same_lesion = Record("2.png", "", "isic2017", "train", "nv", "1.png", "2.png")
    with pytest.raises(LeakageError, match=r"lesion 1\.png"):
        check_roles(learned, [same_lesion], root=tmp_path)
    with pytest.raises(LeakageError, match=r"1\.png \(learned from\) and copy-1\.png \(held out to test on\)"):
        check_roles(learned, [_record("2.png", "val")], [_record("copy-1.png", "test")], root=tmp_path)
    cache, clean = tmp_path / "leakage.json", [_record("2.png", "val")]
    check_roles(learned, clean, root=tmp_path, cache=cache)
    (tmp_path / "2.png").unlink()
    check_roles(learned, clean, root=tmp_path, cache=cache)
    with pytest.raises(PictureUnreadable):
        check_roles(learned[:1], clean, root=tmp_path, cache=cache)


def test_a_sources_file_beside_the_manifest_states_the_licence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _phantom(0).save(tmp_path / "0.png")
    sources = tmp_path / "sources.toml"
    sources.write_text('[ours]\nname = "Our clinic"\nlicence = "not to be shared"\n', encoding="utf-8")
    assert _check(tmp_path, monkeypatch, rows="0.png,ours,train,psoriasis,l0\n") == 0
    assert "Our clinic: not to be shared" in capsys.readouterr().out
    sources.write_text('[ours]\nname = "Our clinic"\n', encoding="utf-8")
    assert _check(tmp_path, monkeypatch, rows="0.png,ours,train,psoriasis,l0\n") == 1
    assert "ours.licence" in capsys.readouterr().err
