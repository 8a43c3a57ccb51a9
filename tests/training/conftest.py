import csv
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data import HAM10000_LABELS
from training.recipes import RECIPES, Recipe


@pytest.fixture
def recipe() -> Recipe:
    """The real recipe at a size that trains in seconds, random regularisation included."""
    return replace(RECIPES["lite0-160"], sizes_px=((0, 32), (1, 64)), epochs=2, batch=7, peak_lr=1e-3)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Four training and two validation pictures of each class: a blot whose colour tells the class."""
    rng = np.random.default_rng(0)
    path = tmp_path / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["file", "dataset", "split", "dx", "lesion_id", "group", "file_224"])
        for label_number, label in enumerate(HAM10000_LABELS):
            for number in range(6):
                name = f"{label}-{number}.png"
                picture = rng.integers(180, 220, (72, 96, 3), dtype=np.uint8)
                colour = tuple(int(c) for c in np.random.default_rng(label_number).integers(0, 160, 3))
                cv2.circle(picture, (48, 36), 20, colour, -1)
                # Each on a ground of its own: pictures that are alike in all but colour count as one picture.
                ground = cv2.resize(rng.uniform(-90, 60, (5, 5)), (96, 72), interpolation=cv2.INTER_CUBIC)
                picture = np.clip(picture + ground[..., np.newaxis], 0, 255).astype(np.uint8)
                cv2.imwrite(str(tmp_path / name), picture)
                split = "train" if number < 4 else "val"
                writer.writerow([name, "ham10000", split, label, name, name, ""])
    return path
