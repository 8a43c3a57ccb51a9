"""The data a model learns from: a manifest, not a folder, says which image is what and in which split."""

import hashlib
import posixpath
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from training.label_names import task_label
from training.table import TableError, first_filled, read_table

HAM10000_LABELS: Final = ("akiec", "bcc", "bkl", "df", "mel", "nv", "vasc")
HAM10000_MALIGNANT: Final = ("mel", "bcc", "akiec")
# Data sets whose files are a 4:3 frame squeezed into a square.
SQUASHED: Final = frozenset({"isic2017"})
ANY_DATASET: Final = "*"

# The first name of each is ours; the others are those of the ISIC archive and of common exports.
FILE_COLUMNS: Final = ("file", "image", "filename", "isic_id", "image_id")
LABEL_COLUMNS: Final = ("label", "dx", "diagnosis")
PATIENT_COLUMNS: Final = ("patient", "patient_id")
LESION_COLUMNS: Final = ("lesion_id", "lesion")
AGE_COLUMNS: Final = ("age", "age_approx")
SEX_COLUMNS: Final = ("sex",)
SITE_COLUMNS: Final = ("site", "localization", "anatom_site_general")
_UNSTATED: Final = frozenset({"", "unknown", "na", "n/a", "#n/a", "nan", "none", "null", "-", "?"})
_HELD_OUT: Final = re.compile(r"(?<![a-z])(test|tests|testing|test ?set|hold ?out|held ?out)(?![a-z])")


class DataError(Exception):
    """The manifest cannot be used for training."""


class HeldOutSplitChosen(DataError):
    """A test split was named to learn from or to choose by; it is looked at once, when nothing is left to choose."""


class LeakageError(DataError):
    """A lesion or near-duplicate group lies in more than one split, so any measured figure would be false."""


@dataclass(frozen=True, order=True)
class Record:
    """One image of the manifest; `sharp_file` is the same field at a higher resolution, or empty.

    `patient`, `age` (years), `sex` and `site` are empty or None where the manifest does not say; they describe the
    image and are no part of its identity or of the data's fingerprint.
    """

    file: str
    sharp_file: str
    dataset: str
    split: str
    label: str
    lesion_id: str
    group: str
    patient: str = field(default="", compare=False)
    age: float | None = field(default=None, compare=False)
    sex: str = field(default="", compare=False)
    site: str = field(default="", compare=False)

    @property
    def ties(self) -> tuple[tuple[str, str], ...]:
        """What it has in common with other pictures, by kind and name: its patient, lesion and group.

        A lesion is one of its patient, where that is stated: many tables number the lesions of each from 1.
        """
        lesion, group = self.lesion_id, self.group
        if self.patient and lesion:
            # A group that no column names is the lesion.
            lesion, group = f"{lesion} of patient {self.patient}", "" if group == lesion else group
        return tuple((k, name) for k, name in (("patient", self.patient), ("lesion", lesion), ("group", group)) if name)


def read_manifest(
    path: Path,
    *,
    dataset: str = "ham10000",
    labels: Sequence[str] = HAM10000_LABELS,
    excluded: Collection[str] = (),
) -> list[Record]:
    """Read one dataset's rows of a manifest CSV, or those of every dataset for `*`, checked and sorted.

    Rows of `excluded` files are left out. Columns `file`, `dataset`, `split` and `dx` or `label` are needed;
    `file_224`, `lesion_id`, `group`, `patient_id`, `age`, `sex` and `localization` are used where they are, others are
    ignored.

    Raises:
        DataError: a column is absent, a value is empty or unknown, a file is listed twice or lies outside the
            manifest's folder, or one to leave out is not listed.
        LeakageError: a patient, lesion or group is in two splits.
    """
    to_meet = set(excluded)
    needed = (("file",), ("dataset",), ("split",), LABEL_COLUMNS)
    records = []
    try:
        for line, row in read_table(path, needed=needed):
            if row["file"] in excluded:
                to_meet.discard(row["file"])
            elif dataset in {ANY_DATASET, row["dataset"]}:
                record = parse_record(row, place=f"{path}, line {line}", labels=labels)
                _refuse_outside(record, place=f"{path}, line {line}")
                records.append(record)
    except TableError as error:
        raise DataError(str(error)) from error
    if to_meet:
        raise DataError(f"{path} does not list {min(to_meet)}, which is to be left out")
    if not records:
        raise DataError(f"{path} has no row of dataset {dataset!r}")
    refuse_repeated_files(records)
    check_leakage(records)
    return sorted(records)


def parse_record(row: dict[str, str], *, place: str, labels: Sequence[str]) -> Record:
    """Return one row as a record; `place` is where it stands, for the messages.

    Raises:
        DataError: the file or label is empty, the label is none of `labels`, or the age is no number.
    """
    file = first_filled(row, FILE_COLUMNS)
    if not file:
        raise DataError(f"{place}: no file is named")
    written = first_filled(row, LABEL_COLUMNS)
    label = task_label(written, labels)
    if label is None:
        raise DataError(f"{place}: label {written!r} of {file} is not among {', '.join(labels)}")
    lesion = _known(first_filled(row, LESION_COLUMNS))
    patient = _known(first_filled(row, PATIENT_COLUMNS))
    return Record(
        file=file,
        sharp_file=row.get("file_224", ""),
        dataset=row.get("dataset", ""),
        split=row.get("split", ""),
        label=label,
        lesion_id=lesion,
        group=_known(row.get("group", "")) or lesion or patient or file,
        patient=patient,
        age=_age(first_filled(row, AGE_COLUMNS), place=place),
        sex=_stated(first_filled(row, SEX_COLUMNS)),
        site=_stated(first_filled(row, SITE_COLUMNS)),
    )


def refuse_repeated_files(records: Sequence[Record]) -> None:
    """Raise `DataError` when a file is listed more than once."""
    repeated = [file for file, count in Counter(record.file for record in records).items() if count > 1]
    if repeated:
        raise DataError(f"{len(repeated)} files are listed more than once, the first is {repeated[0]}")


def leaves_folder(path: str) -> bool:
    """Whether a path, as written, is absolute or leads above where it starts; links are not followed."""
    parts = PurePosixPath(posixpath.normpath(path)).parts
    return bool(parts) and parts[0] in {"/", "//", ".."}


def _refuse_outside(record: Record, *, place: str) -> None:
    """Raise `DataError` for a picture that is not below the manifest's folder: reports show pictures."""
    for file in (record.file, record.sharp_file):
        if leaves_folder(file):
            raise DataError(f"{place}: {file} lies outside the manifest's folder; put the pictures or a link there")


def check_leakage(records: Iterable[Record]) -> None:
    """Raise `LeakageError` when a patient, a lesion or a group of near-duplicates is in two splits."""
    home: dict[tuple[str, str], str] = {}
    for record in records:
        for kind, key in record.ties:
            if home.setdefault((kind, key), record.split) != record.split:
                raise LeakageError(f"{kind} {key} is in {home[kind, key]!r} and in {record.split!r}")


def read_exclusions(path: Path | None) -> frozenset[str]:
    """Return the files that a list says to leave out: a CSV with a column `file` and, for readers, `reason`.

    Without a list there are none.

    Raises:
        DataError: it is no such list.
    """
    if path is None:
        return frozenset()
    try:
        return frozenset(row["file"] for _, row in read_table(path, needed=(("file",),)))
    except TableError as error:
        raise DataError(str(error)) from error


def is_held_out(split: str) -> bool:
    """Whether it is `test` or a split named so, such as `extra_test`, `test2` or `hold-out`."""
    return _HELD_OUT.search(re.sub(r"[^a-z0-9]+", " ", split.casefold())) is not None


def refuse_held_out_split(split: str) -> None:
    """Raise `HeldOutSplitChosen` for a split that is held out."""
    if is_held_out(split):
        raise HeldOutSplitChosen(f"{split!r} is a test split: nothing may be learned from it or chosen by it")


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
        row = (
            record.file,
            record.sharp_file,
            record.dataset,
            record.split,
            record.label,
            record.lesion_id,
            record.group,
        )
        digest.update("\x1f".join(row).encode() + b"\n")
    return digest.hexdigest()


def _known(text: str) -> str:
    return "" if text.casefold() in _UNSTATED else text


def _stated(text: str) -> str:
    return _known(text).casefold()


def years(text: str) -> float | None:
    """Return an age as written, None where none is stated; raise `ValueError` when it is no number of years."""
    if not _stated(text):
        return None
    age = float(text)
    if not 0 <= age <= 130:  # noqa: PLR2004  # years that a person can have
        raise ValueError(text)
    return age


def _age(text: str, *, place: str) -> float | None:
    try:
        return years(text)
    except ValueError as error:
        raise DataError(f"{place}: age {text!r} is no number of years") from error
