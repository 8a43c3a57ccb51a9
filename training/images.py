"""Pictures of records: decoded, in their true shape, and held in memory for training.

Decoding once is cheaper than decoding each epoch, and a few thousand squares fit.
"""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge.inference.preprocess import (
    DAMAGE,
    MAX_PIXELS,
    MIN_SIDE_PX,
    ImageRefused,
    ImageTooLarge,
    ImageTooSmall,
    NotAnImage,
    centre_square,
    decode_for_analysis,
    decode_image,
    to_input,
    upright_rgb,
)
from training.data import SQUASHED, DataError, Record

OTHER_FORMATS: Final = ("BMP", "TIFF", "WEBP")
_OTHER_STARTS: Final = (b"BM", b"II*\0", b"MM\0*", b"RIFF")
# Uncompressed, a picture of the most pixels has so many bytes; the kiosk's limit is for JPEG and PNG.
_MAX_OTHER_BYTES: Final = 4 * MAX_PIXELS + 1024 * 1024
_EIGHT_BITS: Final = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"})


class PictureUnreadable(DataError):
    """A listed file is absent, damaged, or no picture; the message names it."""


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


def load_picture(
    root: Path, file: str, *, dataset: str, analysed_at_px: int | None = None, min_side_px: int = MIN_SIDE_PX
) -> NDArray[np.uint8]:
    """Decode one file below the manifest's folder to RGB [H, W, 3] and undo the data set's squeeze, if any.

    Besides what the kiosk decodes, BMP, TIFF and WebP are read: data sets come in them.

    Args:
        root: the manifest's folder.
        file: the picture, relative to it.
        dataset: decides whether the picture is squeezed.
        analysed_at_px: a network's input, for which a kiosk reduces a large JPEG as it decodes it; None does not.
        min_side_px: a picture with a shorter side cannot be read.

    Raises:
        PictureUnreadable: there is no such picture.
    """
    # Messages name the file as the table does: they are published with figures, and a machine's folders are not.
    try:
        rgb = _decode((root / file).read_bytes(), analysed_at_px=analysed_at_px, min_side_px=min_side_px)
    except OSError as error:
        raise PictureUnreadable(f"{file} cannot be read: {error.strerror}") from error
    except ImageRefused as error:
        raise PictureUnreadable(f"{file}: {error}") from error
    if dataset in SQUASHED:
        height = rgb.shape[0]
        rgb = np.asarray(cv2.resize(rgb, (round(height * 4 / 3), height), interpolation=cv2.INTER_CUBIC), np.uint8)
    return rgb


def _decode(data: bytes, *, analysed_at_px: int | None, min_side_px: int) -> NDArray[np.uint8]:
    if data.startswith(_OTHER_STARTS):
        return _decode_other(data, min_side_px=min_side_px)
    if analysed_at_px is None:
        return decode_image(data, min_side_px=min_side_px)
    return decode_for_analysis(data, input_px=analysed_at_px, min_side_px=min_side_px)


def _decode_other(data: bytes, *, min_side_px: int) -> NDArray[np.uint8]:
    """Decode BMP, TIFF or WebP under the kiosk's limit of pixels, the first picture of a file that holds several."""
    if len(data) > _MAX_OTHER_BYTES:
        raise ImageTooLarge(f"{len(data)} bytes, the limit is {_MAX_OTHER_BYTES}")
    with warnings.catch_warnings():
        # Pillow warns about large or odd files; the checks here decide instead.
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data), formats=OTHER_FORMATS) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise ImageTooLarge(f"{width}x{height} px, the limit is {MAX_PIXELS} px")
                if min(width, height) < min_side_px:
                    raise ImageTooSmall(f"{width}x{height} px, each side needs at least {min_side_px} px")
                if image.mode not in _EIGHT_BITS:
                    # Their range is not known, so that any way to 8 bits would be a guess.
                    raise NotAnImage(f"its pixels are {image.mode!r}, not of 8 bits a channel")
                image.load()
                return upright_rgb(image)
        except (*DAMAGE, Image.DecompressionBombError) as error:
            raise NotAnImage("it is no JPEG, PNG, BMP, TIFF or WebP picture, or is damaged") from error


def load_square(root: Path, file: str, *, dataset: str, analysed_at_px: int | None = None) -> NDArray[np.uint8]:
    """Return the centre square of one picture."""
    return np.ascontiguousarray(centre_square(load_picture(root, file, dataset=dataset, analysed_at_px=analysed_at_px)))


def load_images(
    records: Sequence[Record], *, root: Path, labels: Sequence[str], input_px: int, largest_px: int | None = None
) -> list[CachedImage]:
    """Decode every record, in order, as a kiosk does for a network of this input; an unreadable one is named.

    Thousands of a camera's pictures have to fit into memory. `largest_px` is for pictures to learn from, which are
    changed at random: squares of a longer side are kept at this one. Without it each is kept as just what a kiosk's
    network would see, [input_px, input_px, 3].

    Raises:
        PictureUnreadable: one cannot be read.
    """

    def square(file: str, record: Record) -> NDArray[np.uint8]:
        found = load_square(root, file, dataset=record.dataset, analysed_at_px=input_px)
        if largest_px is None:
            return np.asarray(to_input(found, width=input_px, height=input_px)[0], np.uint8)
        return shrink_square(found, largest_px)

    return [
        CachedImage(
            plain=square(record.file, record),
            sharp=square(record.sharp_file, record) if record.sharp_file else None,
            target=labels.index(record.label),
        )
        for record in records
    ]


def shrink_square(square: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """Return a square [S, S, 3] of at most this side, each pixel the mean of those that it covers."""
    if square.shape[0] <= side_px:
        return square
    return np.asarray(cv2.resize(square, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def eval_batch(images: Sequence[CachedImage], *, size_px: int) -> NDArray[np.uint8]:
    """Return the network's input [N, S, S, 3] exactly as the kiosk would prepare it."""
    return np.concatenate([to_input(image.best, width=size_px, height=size_px) for image in images])
