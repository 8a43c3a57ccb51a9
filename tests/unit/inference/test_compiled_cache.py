"""Compiled networks on a disk that may fail: none of it may change an answer."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.inference.compiled_cache import CompiledCache
from edge.inference.model_package import load_model_package
from edge.inference.openvino_classifier import OpenVinoClassifier
from tests.unit.inference.conftest import COMMITTED


def _probabilities(cache: Path | None) -> dict[str, float]:
    made = OpenVinoClassifier(load_model_package(COMMITTED), cache_dir=cache, threads=1)
    try:
        return made.classify(np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)).probabilities
    finally:
        made.close()


def _blobs(cache: Path) -> list[Path]:
    return sorted(cache.glob("*.blob"))


def _flip(data: bytes) -> bytes:
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 0xFF]) + data[len(data) // 2 + 1 :]


@pytest.mark.parametrize(
    "damage", [_flip, lambda data: data[:-1], lambda data: b"", lambda data: bytes(len(data))],
    ids=["one byte", "shorter", "empty", "zeros"],
)  # fmt: skip
def test_a_damaged_cache_changes_no_answer(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    expected = _probabilities(None)
    assert _probabilities(tmp_path) == expected
    (blob,) = _blobs(tmp_path)
    whole = blob.read_bytes()
    blob.write_bytes(damage(whole))
    assert _probabilities(tmp_path) == expected
    assert _probabilities(tmp_path) == expected


def test_a_whole_cache_is_used_again(tmp_path: Path) -> None:
    _probabilities(tmp_path)
    (blob,) = _blobs(tmp_path)
    written = blob.stat().st_mtime_ns
    _probabilities(tmp_path)
    assert _blobs(tmp_path)[0].stat().st_mtime_ns == written


def test_a_network_that_nobody_vouches_for_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "123.blob").write_bytes(b"planted")
    assert CompiledCache(tmp_path).purge()
    assert _blobs(tmp_path) == []


@pytest.mark.parametrize("hashes", [b"", b"[]", b"{", b'{"1.blob": 5}'])
def test_without_readable_hashes_everything_is_compiled_again(tmp_path: Path, hashes: bytes) -> None:
    (tmp_path / "1.blob").write_bytes(b"x")
    (tmp_path / "hashes.json").write_bytes(hashes)
    assert CompiledCache(tmp_path).purge()
    assert _blobs(tmp_path) == []


def test_old_networks_do_not_pile_up(tmp_path: Path) -> None:
    cache = CompiledCache(tmp_path)
    for number in range(20):
        (tmp_path / f"{number}.blob").write_bytes(bytes([number]))
    cache.seal()
    assert cache.purge()
    assert len(_blobs(tmp_path)) == 8


def test_a_folder_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert not CompiledCache(tmp_path / "cache").purge()
    assert _probabilities(tmp_path / "cache") == _probabilities(None)
