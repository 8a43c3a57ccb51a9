from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data import DataError
from training.out_of_distribution import (
    Judged,
    blank_frames,
    folder_pictures,
    measure_sources,
    noise_frames,
    photographs,
)


def _judged(distance: np.ndarray, *, limit: float) -> Judged:
    return Judged(distance=distance, refused=distance > limit, units=tuple(map(str, range(len(distance)))))


def test_pictures_that_lie_farther_are_told_apart_and_others_are_not() -> None:
    rng = np.random.default_rng(0)
    inside = _judged(rng.normal(10, 1, 400), limit=12)
    kept, far, alike = measure_sources(
        inside,
        {"far": _judged(rng.normal(20, 1, 50), limit=12), "alike": _judged(rng.normal(10, 1, 400), limit=12)},
        data="ham10000 val",
    )
    assert kept.split == "refusal: ham10000 val, which should be judged"
    assert kept.figures["refused"].value == pytest.approx(0.023, abs=0.02)
    assert far.split == "refusal: far"
    assert far.figures["auroc"].value == 1.0
    # All of 50 refused does not mean that all ever will be.
    assert far.figures["refused"].value == far.figures["refused"].high == 1.0
    assert far.figures["refused"].low == pytest.approx(0.9286, abs=1e-3)
    assert far.figures["auroc"].low is None
    low, high = alike.figures["auroc"].low, alike.figures["auroc"].high
    assert low is not None
    assert high is not None
    assert low < 0.5 < high


def test_every_built_in_source_gives_pictures_that_can_be_classified() -> None:
    for pictures in (photographs(), blank_frames(count=7), noise_frames(count=4)):
        units, frames = zip(*pictures, strict=True)
        assert all(isinstance(unit, str) for unit in units)
        assert len(frames) >= 4
        for frame in frames:
            assert frame.dtype == np.uint8
            assert frame.ndim == 3
            assert min(frame.shape[:2]) >= 64


def test_crops_of_one_photograph_count_as_one() -> None:
    units = [unit for unit, _ in photographs()]
    assert (len(units), len(set(units))) == (60, 5)
    crops = Judged(distance=np.full(60, 99.0), refused=np.ones(60, bool), units=tuple(units))
    rng = np.random.default_rng(0)
    _, measured = measure_sources(
        _judged(rng.normal(10, 1, 400), limit=12), {"everyday photographs": crops}, data="val"
    )
    assert (measured.n, measured.lesions) == (60, 5)
    assert measured.figures["refused"].low == pytest.approx(0.5655, abs=1e-3)


def test_a_folder_is_drawn_from_without_its_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    for number in range(4):
        cv2.imwrite(str(tmp_path / "below" / f"{number}.PNG"), np.full((80, 80, 3), 40 * number, np.uint8))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert len(list(folder_pictures(tmp_path, limit=10))) == 4
    assert len(list(folder_pictures(tmp_path, limit=2))) == 2


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no JPEG or PNG"):
        list(folder_pictures(tmp_path, limit=1))
