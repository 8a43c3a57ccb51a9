"""The data a model learns from: a manifest, not a folder, says which image is what and in which split."""

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

HAM10000_LABELS: Final = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
HAM10000_MALIGNANT: Final = ("mel", "bcc", "akiec")
# How the labels of other data sets read in those of HAM10000.
RELABELLED: Final = {"isic2017": {"melanoma": "mel", "nevus": "nv", "seborrheic_keratosis": "bkl"}}
# Data sets whose files are a 4:3 frame squeezed into a square.
SQUASHED: Final = frozenset({"isic2017"})


class DataError(Exception):
    """The manifest cannot be used for training."""


class LeakageError(DataError):
    """A lesion or near-duplicate group lies in more than one split, so any measured figure would be false."""


@dataclass(frozen=True, order=True)
class Record:
    """One image of the manifest; `sharp_file` is the same field at a higher resolution, or empty."""

    file: str
    sharp_file: str
    dataset: str
    split: str
    label: str
    lesion_id: str
    group: str


def read_manifest(path: Path, *, dataset: str = "ham10000", labels: Sequence[str] = HAM10000_LABELS) -> list[Record]:
    """Read one dataset's rows of a manifest CSV, checked for unknown labels, repeated files and leakage."""
    relabelled = RELABELLED.get(dataset, {})
    with path.open(encoding="utf-8", newline="") as stream:
        records = [
            Record(
                file=row["file"],
                sharp_file=row["file_224"],
                dataset=row["dataset"],
                split=row["split"],
                label=relabelled.get(row["dx"], row["dx"]),
                lesion_id=row["lesion_id"],
                group=row["group"],
            )
            for row in csv.DictReader(stream)
            if row["dataset"] == dataset
        ]
    if not records:
        raise DataError(f"{path} has no row of dataset {dataset!r}")
    unknown = {record.label for record in records} - set(labels)
    if unknown:
        raise DataError(f"labels {sorted(unknown)} are not among {list(labels)}")
    repeated = [file for file, count in Counter(record.file for record in records).items() if count > 1]
    if repeated:
        raise DataError(f"{len(repeated)} files are listed more than once, the first is {repeated[0]}")
    check_leakage(records)
    return sorted(records)


def check_leakage(records: Iterable[Record]) -> None:
    """Raise `LeakageError` when a lesion or a group of near-duplicates is in two splits."""
    home: dict[tuple[str, str], str] = {}
    for record in records:
        for kind, key in (("lesion", record.lesion_id), ("group", record.group)):
            if key and home.setdefault((kind, key), record.split) != record.split:
                raise LeakageError(f"{kind} {key} is in {home[kind, key]!r} and in {record.split!r}")


def of_split(records: Iterable[Record], split: str) -> list[Record]:
    """Return the records of one split, in manifest order; an empty split is an error."""
    chosen = [record for record in records if record.split == split]
    if not chosen:
        raise DataError(f"no image is in split {split!r}")
    return chosen


def fingerprint(records: Iterable[Record]) -> str:
    """Return the SHA-256 over the sorted rows: the identity of the data a model was made from."""
    digest = hashlib.sha256()
    for record in sorted(records):
        digest.update("\x1f".join(astuple(record)).encode() + b"\n")
    return digest.hexdigest()
