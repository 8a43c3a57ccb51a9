"""Pictures of records: decoded, in their true shape, and held in memory for training.

Decoding once is cheaper than decoding each epoch, and a few thousand squares fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.inference.preprocess import ImageRefused, centre_square, decode_image, to_input
from training.data import SQUASHED, DataError, Record


class PictureUnreadable(DataError):
    """A listed file is absent, damaged, or no picture that the kiosk would decode; the message names it."""


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


def load_picture(root: Path, file: str, *, dataset: str) -> NDArray[np.uint8]:
    """Decode one file below the manifest's folder to RGB [H, W, 3] and undo the data set's squeeze, if any.

    Raises:
        PictureUnreadable: there is no such picture.
    """
    path = root / file
    try:
        rgb = decode_image(path.read_bytes())
    except OSError as error:
        raise PictureUnreadable(f"{path} cannot be read: {error.strerror}") from error
    except ImageRefused as error:
        raise PictureUnreadable(f"{path}: {error}") from error
    if dataset in SQUASHED:
        height = rgb.shape[0]
        rgb = np.asarray(cv2.resize(rgb, (round(height * 4 / 3), height), interpolation=cv2.INTER_CUBIC), np.uint8)
    return rgb


def load_square(root: Path, file: str, *, dataset: str) -> NDArray[np.uint8]:
    """Return the centre square of one picture."""
    return np.ascontiguousarray(centre_square(load_picture(root, file, dataset=dataset)))


def load_images(records: Sequence[Record], *, root: Path, labels: Sequence[str]) -> list[CachedImage]:
    """Decode every record, in order; one that cannot be read is an error that names it."""
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
