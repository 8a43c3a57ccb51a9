import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.data import DataError
from training.shortcut_check import LIMIT, ShortcutCheck, check_shortcuts, metrics_of, picture_statistics
from training.tasks import SCALP

Picture = NDArray[np.uint8]
LABELS = ("ring", "line")
SIDE_PX = 64


def noise(rng: np.random.Generator) -> Picture:
    return rng.integers(90, 130, (SIDE_PX, SIDE_PX, 3), dtype=np.uint8)


def redder_ring(rng: np.random.Generator, label: str) -> Picture:
    image = noise(rng)
    if label == "ring":
        image[..., 0] += 30
    return image


def coarser_ring(rng: np.random.Generator, label: str) -> Picture:
    image = noise(rng)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 1.5), np.uint8) if label == "ring" else image


def alike(rng: np.random.Generator, _label: str) -> Picture:
    return noise(rng)


def data_set(folder: Path, draw: Callable[[np.random.Generator, str], Picture], *, labels: tuple[str, ...]) -> Path:
    rng = np.random.default_rng(1)
    rows = []
    for split, count in (("train", 48), ("val", 24)):
        for number in range(count):
            label = labels[number % len(labels)]
            file = f"{split}-{number}.png"
            assert cv2.imwrite(str(folder / file), cv2.cvtColor(draw(rng, label), cv2.COLOR_RGB2BGR))
            group = f"{split}-{number // 2}"
            row = {"file": file, "dataset": "drawn", "split": split, "dx": label}
            rows.append(row | {"lesion_id": group, "group": group, "file_224": ""})
    path = folder / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def check(manifest: Path) -> ShortcutCheck:
    return check_shortcuts(manifest, dataset="drawn", labels=LABELS, positive=["ring"])


@pytest.mark.parametrize("draw", [redder_ring, coarser_ring])
def test_a_class_that_colour_or_texture_gives_away_fails(
    tmp_path: Path, draw: Callable[[np.random.Generator, str], Picture]
) -> None:
    found = check(data_set(tmp_path, draw, labels=LABELS))
    assert found.roc_auc > 0.95
    assert not found.passed


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_set(tmp_path_factory.mktemp("hard"), alike, labels=LABELS)


def test_classes_that_look_alike_pass_with_an_interval_that_holds_chance_and_repeat(hard: Path) -> None:
    found = check(hard)
    assert found.low <= 0.5 <= found.high
    assert found.low <= found.roc_auc <= found.high
    assert found.roc_auc <= LIMIT
    assert found.passed
    assert (found.trained_on, found.measured_on) == (48, 24)
    assert check(hard) == found
    entry = metrics_of(found, task=SCALP, data="drawn val")
    assert (entry.split, entry.n, entry.lesions) == ("colour and texture alone on drawn val", 24, 12)
    assert entry.figures["auc_psoriasis"].value == pytest.approx(found.roc_auc, abs=1e-4)


def test_one_class_alone_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="one class only"):
        check(data_set(tmp_path, alike, labels=("ring",)))


def test_the_statistics_do_not_say_where_things_are() -> None:
    image = noise(np.random.default_rng(2))
    image[:20, :20] = 200
    found, mirrored = picture_statistics(image), picture_statistics(image[:, ::-1].copy())
    assert np.corrcoef(found, mirrored)[0, 1] > 0.999


def test_a_blank_picture_has_statistics() -> None:
    assert np.isfinite(picture_statistics(np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8))).all()
