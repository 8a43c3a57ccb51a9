"""Finds one picture in two splits, though no column says so: copied, re-compressed, resized, turned or flipped.

A perceptual hash (ImageHash's `phash`, 256 bits) in all eight orientations proposes pairs, and the correlation of their
grey thumbnails confirms them: a small mole in the middle of even skin hashes much like any other.

Chosen on the train and val splits of HAM10000 and ISIC 2017 (10,649 pictures, 57 million pairs): within 48 of 256
bits and correlation 0.95 lie 132 pairs of one group and 3 of different groups, all three of which do show one lesion
twice; the first false alarms come at 52 bits. Of 300 pictures, all that were re-compressed at quality 30 and flipped,
halved, brightened by 1.2 or given 0.8 of their contrast lay within 28 bits, and 19 of 20 that were cropped or shifted
by 3 to 5 % within 50. Another photograph of the same lesion is mostly beyond (132 of 3,154 pairs are found): that is
what lesion and patient columns are for.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edge.inference.preprocess import centre_square
from training.data import LeakageError, Record, check_leakage, fingerprint, is_held_out
from training.images import load_picture

HASH_SIDE: Final = 16
MAX_DISTANCE: Final = 48
MIN_CORRELATION: Final = 0.95
LEARNED_FROM: Final = "learned from"
JUDGED_BY: Final = "judged by"
HELD_OUT: Final = "held out to test on"
_CLEAN: Final = "no leak among"
_BITS: Final = HASH_SIDE * HASH_SIDE
_THUMBNAIL_PX: Final = 64
_ROWS_AT_ONCE: Final = 512


@dataclass(frozen=True)
class NearDuplicate:
    """Two records of different splits that show nearly the same picture; `distance` is in bits of 256."""

    a: Record
    b: Record
    distance: int
    correlation: float


def check_roles(
    learned_from: Sequence[Record],
    judged_by: Sequence[Record],
    held_out: Sequence[Record] = (),
    *,
    root: Path,
    cache: Path | None = None,
) -> None:
    """Refuse rows that are not independent of those of another role, over all data sets together.

    What a model learns from must tell nothing of what it is judged by in training, nor either of what it is held out
    to test it on.

    `cache` is a file that says for which rows the pictures were compared already; rows are known by their fingerprint.

    Raises:
        LeakageError: a patient, lesion, group or nearly the same picture has two roles.
        PictureUnreadable: a picture cannot be read.
    """
    rows = [
        replace(record, split=role)
        for role, records in ((LEARNED_FROM, learned_from), (JUDGED_BY, judged_by), (HELD_OUT, held_out))
        for record in records
    ]
    check_leakage(rows)
    known = fingerprint(rows)
    if cache is not None and _found_clean(cache) == known:
        return
    print(f"comparing {len(rows)} pictures: none may have two roles", flush=True)
    pairs = near_duplicates(rows, root=root)
    if pairs:
        worst = pairs[0]
        raise LeakageError(
            f"{len(pairs)} pairs of pictures are nearly the same, the first is {worst.a.file} ({worst.a.split}) and "
            f"{worst.b.file} ({worst.b.split}): leave one of each pair out, with check-data --write-exclusions"
        )
    if cache is not None:
        cache.write_text(json.dumps({_CLEAN: known}) + "\n", encoding="utf-8")


def _found_clean(cache: Path) -> str | None:
    """Return the fingerprint of the rows last found clean; None where none is written, or not whole."""
    try:
        return str(json.loads(cache.read_text(encoding="utf-8"))[_CLEAN])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def exclusions(pairs: Iterable[NearDuplicate]) -> dict[str, str]:
    """Return, for the fewest pictures that undo all pairs or nearly so, why each is to be left out.

    Of a pair the one in the split to learn from goes: a test or validation split keeps what it was measured on before.
    """
    left_out: dict[str, str] = {}
    for pair in pairs:
        if {pair.a.file, pair.b.file}.isdisjoint(left_out):
            goes, stays = sorted((pair.a, pair.b), key=_kept_longest)
            left_out[goes.file] = (
                f"shows nearly what {stays.file} of {stays.split} shows: {pair.distance} of {_BITS} bits apart, "
                f"correlation {pair.correlation}"
            )
    return left_out


def _kept_longest(record: Record) -> tuple[int, str]:
    words = re.split(r"[^a-z0-9]+", record.split.casefold())
    return (2 if is_held_out(record.split) else 1 if {"val", "validation"} & set(words) else 0), record.file


def write_exclusions(path: Path, left_out: Mapping[str, str]) -> None:
    """Write a list that `training.data.read_exclusions` reads."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "reason"])
        writer.writerows(sorted(left_out.items()))


@dataclass(frozen=True)
class _Prints:
    """Thumbnails [N, S, S], and as +1 or -1 the hash bits of each orientation [8, N, 256]."""

    thumbnails: NDArray[np.uint8]
    signs: NDArray[np.float32]


def near_duplicates(records: Sequence[Record], *, root: Path) -> list[NearDuplicate]:
    """Return every pair across two splits that is nearly one picture, worst first.

    Raises:
        PictureUnreadable: a picture cannot be read.
    """
    prints = _prints(records, root=root)
    splits = np.array([record.split for record in records])
    found = []
    for a, b, distance in _close_pairs(prints.signs, splits):
        correlation = _correlation(prints.thumbnails[a], prints.thumbnails[b])
        if correlation >= MIN_CORRELATION:
            found.append(NearDuplicate(records[a], records[b], distance, round(correlation, 3)))
    return sorted(found, key=lambda pair: (pair.distance, pair.a, pair.b))


def _prints(records: Sequence[Record], *, root: Path) -> _Prints:
    thumbnails = np.empty((len(records), _THUMBNAIL_PX, _THUMBNAIL_PX), np.uint8)
    signs = np.empty((8, len(records), _BITS), np.float32)
    for number, record in enumerate(records):
        square = centre_square(load_picture(root, record.file, dataset=record.dataset))
        grey = cv2.cvtColor(np.ascontiguousarray(square), cv2.COLOR_RGB2GRAY)
        thumbnails[number] = cv2.resize(grey, (_THUMBNAIL_PX, _THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
        for turn, view in enumerate(_orientations(thumbnails[number])):
            bits = imagehash.phash(Image.fromarray(np.ascontiguousarray(view)), hash_size=HASH_SIDE).hash
            signs[turn, number] = np.where(bits.ravel(), 1, -1)
    return _Prints(thumbnails, signs)


def _orientations(square: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for view in (square, square[:, ::-1]):
        for quarter_turns in range(4):
            yield np.rot90(view, quarter_turns)


def _close_pairs(signs: NDArray[np.float32], splits: NDArray[np.str_]) -> Iterator[tuple[int, int, int]]:
    """Yield (row, row, distance) of pairs in different splits; distances of whole blocks come from one product."""
    for start in range(0, len(splits), _ROWS_AT_ONCE):
        block = signs[0, start : start + _ROWS_AT_ONCE]
        agreement = np.full((len(block), len(splits) - start), -_BITS, np.float32)
        for turned in signs:
            np.maximum(agreement, block @ turned[start:].T, out=agreement)
        distance = (_BITS - agreement) / 2
        close = (distance <= MAX_DISTANCE) & (splits[start : start + len(block), None] != splits[None, start:])
        for row, column in np.argwhere(close):
            if row < column:
                yield start + int(row), start + int(column), int(distance[row, column])


def _correlation(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the greatest correlation over the orientations of `b`; 1 for two even pictures."""
    return max(
        float(cv2.matchTemplate(a, np.ascontiguousarray(view), cv2.TM_CCOEFF_NORMED)[0, 0]) for view in _orientations(b)
    )
