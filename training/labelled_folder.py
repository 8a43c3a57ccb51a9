"""A folder of pictures and a table of labels from elsewhere, read as records."""

import posixpath
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Final

from training.data import (
    AGE_COLUMNS,
    FILE_COLUMNS,
    LABEL_COLUMNS,
    DataError,
    Record,
    leaves_folder,
    parse_record,
    refuse_repeated_files,
    years,
)
from training.table import TableError, read_table

PICTURE_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"})


def read_labelled_folder(
    images: Path, table: Path, *, labels: Sequence[str], dataset: str | None = None, split: str | None = None
) -> list[Record]:
    """Return one record per row of the table, its `file` relative to `images`, in the table's order.

    The table needs a column of files (`file`, `image`, `filename`, `isic_id`, `image_id`) and one of labels (`label`,
    `dx`, `diagnosis`); patient, lesion, group, age, sex and site are used where they are, other columns are ignored.
    A file is found by its path below `images` or, if `images` has no such sub-folder, by its name alone in any; in any
    case, and with another picture ending, or without one, where only one file fits. `dataset` and `split` keep only the
    rows that say so. An age that is no number of years, such as 85+, counts as not stated, and a warning says so.

    Raises:
        DataError: a row is malformed, its label unknown, or two pictures have the name that it gives.
    """
    if not images.is_dir():
        raise DataError(f"{images} is no folder")
    index = _Index(images)
    records, odd_ages = [], []
    try:
        for line, row in read_table(table, needed=(FILE_COLUMNS, LABEL_COLUMNS)):
            if any(wanted is not None and row.get(column) != wanted for column, wanted in _wanted(dataset, split)):
                continue
            place = f"{table}, line {line}"
            for column in AGE_COLUMNS:
                if not _is_age(row.get(column, "")):
                    odd_ages.append(f"{row[column]!r} in line {line}")
                    row[column] = ""
            record = parse_record(row, place=place, labels=labels)
            found = index.find(record.file, place=place)
            sharp = index.find(record.sharp_file, place=place) if record.sharp_file else ""
            group = found if record.group == record.file else record.group
            records.append(replace(record, file=found, sharp_file=sharp, group=group))
    except TableError as error:
        raise DataError(str(error)) from error
    if not records:
        raise DataError(f"{table} has no row" + "".join(f" of {c} {w!r}" for c, w in _wanted(dataset, split) if w))
    refuse_repeated_files(records)
    if odd_ages:
        # Ages only make strata: they are no reason to measure nothing.
        print(f"{len(odd_ages)} ages are no number of years and count as not stated: {odd_ages[0]}", file=sys.stderr)
    return records


def _is_age(text: str) -> bool:
    try:
        years(text)
    except ValueError:
        return False
    return True


def _wanted(dataset: str | None, split: str | None) -> tuple[tuple[str, str | None], ...]:
    return (("dataset", dataset), ("split", split))


class _Index:
    """The pictures below a folder by path and by name, each with and without its ending, all in lower case."""

    def __init__(self, root: Path) -> None:
        self._paths: set[str] = set()
        self._folders: set[str] = set()
        self._by_path: dict[str, list[str]] = {}
        self._by_name: dict[str, list[str]] = {}
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
                relative = path.relative_to(root).as_posix()
                self._paths.add(relative)
                self._folders.update(folder.as_posix().casefold() for folder in PurePosixPath(relative).parents)
                for form in (relative, _without_ending(relative)):
                    self._by_path.setdefault(form.casefold(), []).append(relative)
                for form in (path.name, _without_ending(path.name)):
                    self._by_name.setdefault(form.casefold(), []).append(relative)

    def find(self, written: str, *, place: str) -> str:
        """Return the path below the folder, never one that leaves it; a picture that is nowhere will be missed."""
        wanted = PurePosixPath(written.replace("\\", "/"))
        if wanted.as_posix() in self._paths:
            return wanted.as_posix()
        among = [(self._by_path, wanted.as_posix())]
        # A folder that is there says where to look; one that is not may be of another machine.
        if wanted.parent.as_posix() == "." or wanted.parent.as_posix().casefold() not in self._folders:
            among.append((self._by_name, wanted.name))
        for index, name in among:
            for form in (name, _without_ending(name)):
                same = index.get(form.casefold(), [])
                if len(same) > 1:
                    raise DataError(f"{place}: {written!r} may be {same[0]} or {same[1]}: give its path and ending")
                if same:
                    return same[0]
        # As written, a path of another machine could be read, and its picture published with the figures.
        return wanted.name if leaves_folder(wanted.as_posix()) else posixpath.normpath(wanted.as_posix())


def _without_ending(name: str) -> str:
    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if path.suffix.lower() in PICTURE_SUFFIXES else name
