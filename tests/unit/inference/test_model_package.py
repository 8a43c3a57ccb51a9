import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge.errors import EdgeError
from edge.inference.model_package import (
    ModelPackageAltered,
    ModelPackageError,
    ModelPackageMalformed,
    ModelPackageMislabelled,
    ModelPackageMissing,
    load_model_package,
)
from tests.unit.inference.conftest import COMMITTED


def _edit(package_dir: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = package_dir / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def test_the_committed_package_is_intact_and_small(package_dir: Path) -> None:
    package = load_model_package(package_dir, expected_name="melanoma")
    assert package.manifest.labels == ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
    assert not package.manifest.clinical
    assert len(package.sha256) == 64
    assert sum(file.stat().st_size for file in package_dir.iterdir()) <= 15 * 1024 * 1024


def test_the_hash_is_that_of_the_manifest_so_any_change_of_it_shows(package_dir: Path) -> None:
    before = load_model_package(package_dir).sha256
    _edit(package_dir, lambda manifest: manifest.update(version="9.9.9"))
    assert load_model_package(package_dir).sha256 != before


def test_the_committed_scalp_package_is_intact_small_and_for_simulation_only() -> None:
    path = COMMITTED.with_name("scalp")
    package = load_model_package(path, expected_name="scalp", expected_task="scalp")
    assert package.manifest.labels == ("psoriasis", "seborrheic-dermatitis")
    assert package.manifest.positive == ("psoriasis",)
    assert package.manifest.simulation_only
    assert not package.manifest.clinical
    assert package.golden
    assert sum(file.stat().st_size for file in path.iterdir()) <= 15 * 1024 * 1024
    # Nothing lies there that the hashes do not cover, but for what says and signs them.
    assert {file.name for file in path.iterdir()} - set(package.manifest.files) == {"manifest.json", "manifest.sig"}


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "golden-1.png", "card.md"])
def test_one_changed_byte_of_the_scalp_package_is_found(tmp_path: Path, name: str) -> None:
    spoiled = Path(shutil.copytree(COMMITTED.with_name("scalp"), tmp_path / "scalp"))
    content = bytearray((spoiled / name).read_bytes())
    content[len(content) // 2] ^= 1
    (spoiled / name).write_bytes(content)
    with pytest.raises(ModelPackageAltered, match=name):
        load_model_package(spoiled)


def test_a_swap_on_disk_after_loading_does_not_matter(package_dir: Path) -> None:
    original = (package_dir / "model.bin").read_bytes()
    package = load_model_package(package_dir)
    (package_dir / "model.bin").write_bytes(b"swapped")
    assert package.weights == original


def test_an_absent_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelPackageMissing):
        load_model_package(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["manifest.json", "model.xml", "model.bin", "card.md"])
def test_each_absent_file_is_missing(package_dir: Path, name: str) -> None:
    (package_dir / name).unlink()
    with pytest.raises(ModelPackageMissing, match=name):
        load_model_package(package_dir)


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "card.md"])
def test_one_changed_byte_is_found(package_dir: Path, name: str) -> None:
    content = bytearray((package_dir / name).read_bytes())
    content[len(content) // 2] ^= 1
    (package_dir / name).write_bytes(content)
    with pytest.raises(ModelPackageAltered, match=name):
        load_model_package(package_dir)


def test_another_model_than_the_expected_one_is_mislabelled(package_dir: Path) -> None:
    with pytest.raises(ModelPackageMislabelled, match="scalp"):
        load_model_package(package_dir, expected_name="scalp")


def test_a_model_for_another_task_is_mislabelled(package_dir: Path) -> None:
    with pytest.raises(ModelPackageMislabelled, match="skin-lesion"):
        load_model_package(package_dir, expected_task="scalp")


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(surprise=1),
        lambda m: m["input"].update(colour="BGR"),
        lambda m: m.update(format=1),
        lambda m: m.pop("thresholds"),
        lambda m: m["thresholds"].update(moderate=0.9, high=0.2),
        lambda m: m["thresholds"].update(high=1.5),
        lambda m: m.update(positive=["unheard-of"]),
        lambda m: m.update(labels=["mel", "mel"]),
        lambda m: m.update(clinical=True, simulation_only=True),
        lambda m: m["files"].pop("model.bin"),
        lambda m: m["files"].update({"model.bin": "short"}),
        lambda m: m.update(created_at="2026-01-01T00:00:00"),
    ],
    ids=lambda change: "",
)
def test_an_invalid_manifest_is_malformed(package_dir: Path, change: Callable[[dict[str, Any]], None]) -> None:
    _edit(package_dir, change)
    with pytest.raises(ModelPackageMalformed):
        load_model_package(package_dir)


def test_a_manifest_that_is_no_json_is_malformed(package_dir: Path) -> None:
    (package_dir / "manifest.json").write_bytes(b"\xff{")
    with pytest.raises(ModelPackageMalformed):
        load_model_package(package_dir)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "sub/file", "..", ".hidden", "a\\..\\b", ""])
def test_a_file_name_that_could_leave_the_folder_is_refused(package_dir: Path, name: str) -> None:
    (package_dir.parent / "secret").write_text("secret", encoding="utf-8")
    _edit(package_dir, lambda manifest: manifest["files"].update({name: "0" * 64}))
    with pytest.raises(ModelPackageMalformed):
        load_model_package(package_dir)


def test_every_error_tells_what_to_do_about_it() -> None:
    kinds = [ModelPackageError, *ModelPackageError.__subclasses__()]
    assert all(issubclass(kind, EdgeError) and kind.remedy for kind in kinds)
    assert len({kind.code for kind in kinds}) == len(kinds)
