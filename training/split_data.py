"""Deals a clinic's pictures into train, val and test, so that nothing of one patient or lesion is in two of them."""

import csv
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from training.data import FILE_COLUMNS, LABEL_COLUMNS, DataError, Record, parse_record, refuse_repeated_files
from training.leakage import near_duplicates
from training.table import TableError, read_table

# Of ten parts: 80 % to learn from, 10 % to choose by, 10 % to look at once (Yu et al. 2022).
_PARTS: Final = 10
_HELD_OUT: Final = {0: "test", 1: "val"}
SPLITS: Final = ("train", "val", "test")


@dataclass(frozen=True)
class Dealt:
    """The table's rows in their order with a column `split`, and what they are."""

    rows: list[dict[str, str]]
    records: list[Record]
    groups: int
    """Sets of pictures that had to stay together."""

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many pictures of each label each split has."""
        labels = sorted({record.label for record in self.records})
        found = Counter((record.split, record.label) for record in self.records)
        return {split: {label: found[split, label] for label in labels} for split in SPLITS}


def split_data(path: Path, *, labels: Sequence[str], seed: int = 0) -> Dealt:
    """Deal a manifest without splits 80 : 10 : 10, labels in like shares as far as whole patients allow.

    Pictures stay together that share a patient, a lesion or a group, or show nearly the same.

    Raises:
        DataError: the manifest cannot be read, says splits already, or holds fewer than ten groups of every label.
        PictureUnreadable: a picture cannot be read.
    """
    rows, records = [], []
    try:
        for line, row in read_table(path, needed=(FILE_COLUMNS, LABEL_COLUMNS, ("dataset",))):
            if row.get("split"):
                raise DataError(f"{path}, line {line} is in split {row['split']!r} already: what was dealt stays dealt")
            rows.append(row)
            records.append(parse_record(row, place=f"{path}, line {line}", labels=labels))
    except TableError as error:
        raise DataError(str(error)) from error
    refuse_repeated_files(records)
    together = _together(records, root=path.parent)
    dealt = _deal([record.label for record in records], together, seed=seed)
    return Dealt(
        rows=[row | {"split": split} for row, split in zip(rows, dealt, strict=True)],
        records=[replace(record, split=split) for record, split in zip(records, dealt, strict=True)],
        groups=len(set(together.tolist())),
    )


def write_manifest(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """Write the dealt table beside the old one; an existing file is left alone.

    Raises:
        FileExistsError: there is a file of this name.
    """
    with path.open("x", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _together(records: Sequence[Record], *, root: Path) -> NDArray[np.int64]:
    """Return for each record [N] the number of the set that it has to stay in."""
    first: dict[tuple[str, str], int] = {}
    pairs = []
    for number, record in enumerate(records):
        pairs += [(number, first.setdefault(tie, number)) for tie in record.ties]
    # Pictures are compared across splits: with one split each, all are compared with all.
    alone = [replace(record, split=str(number)) for number, record in enumerate(records)]
    pairs += [(int(pair.a.split), int(pair.b.split)) for pair in near_duplicates(alone, root=root)]
    a, b = np.array(pairs).T
    links = coo_array((np.ones(len(pairs)), (a, b)), shape=(len(records), len(records)))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _deal(labels: Sequence[str], together: NDArray[np.int64], *, seed: int) -> list[str]:
    folds = StratifiedGroupKFold(_PARTS, shuffle=True, random_state=seed)
    splits = np.full(len(labels), "train", dtype=object)
    try:
        with warnings.catch_warnings():
            # A rare label is left out of some parts; the command says of which splits.
            warnings.simplefilter("ignore", UserWarning)
            parts = list(folds.split(np.zeros(len(labels)), list(labels), together))
    except ValueError as error:
        raise DataError(f"these pictures cannot be dealt into {_PARTS} parts: {error}") from error
    for part, name in _HELD_OUT.items():
        splits[parts[part][1]] = name
    return splits.tolist()
