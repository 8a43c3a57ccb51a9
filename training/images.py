"""Decoded images held in memory: decoding once is cheaper than decoding each epoch, and a few thousand squares fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.inference.preprocess import centre_square, decode_image, to_input
from training.data import SQUASHED, Record


@dataclass(frozen=True)
class CachedImage:
    """The centre square of one record, and the same field sharper where the data has it."""

    plain: NDArray[np.uint8]
    sharp: NDArray[np.uint8] | None
    target: int

    @property
    def best(self) -> NDArray[np.uint8]:
        """The sharpest square there is."""
        return self.plain if self.sharp is None else self.sharp


def load_square(root: Path, file: str, *, dataset: str) -> NDArray[np.uint8]:
    """Decode one file below the manifest's folder, undo the data set's squeeze if any, and keep the centre square."""
    rgb = decode_image((root / file).read_bytes())
    if dataset in SQUASHED:
        height = rgb.shape[0]
        rgb = np.asarray(cv2.resize(rgb, (round(height * 4 / 3), height), interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.ascontiguousarray(centre_square(rgb))


def load_images(records: Sequence[Record], *, root: Path, labels: Sequence[str]) -> list[CachedImage]:
    """Decode every record, in order."""
    return [
        CachedImage(
            plain=load_square(root, record.file, dataset=record.dataset),
            sharp=load_square(root, record.sharp_file, dataset=record.dataset) if record.sharp_file else None,
            target=labels.index(record.label),
        )
        for record in records
    ]


def eval_batch(images: Sequence[CachedImage], *, size_px: int) -> NDArray[np.uint8]:
    """Return the network's input [N, S, S, 3] exactly as the kiosk would prepare it."""
    return np.concatenate([to_input(image.best, width=size_px, height=size_px) for image in images])
