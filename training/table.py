"""Reads a CSV table that somebody else's spreadsheet wrote: with or without a byte-order mark, `,` or `;`."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

_DELIMITERS: Final = (",", ";", "\t")


class TableError(Exception):
    """The file is no table of the columns that are needed."""


def read_table(path: Path, *, needed: Sequence[Sequence[str]] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) with column names in lower case; every value is stripped, an absent one is empty.

    `needed` are groups of names, of each of which the header must have at least one.

    Raises:
        TableError: the file cannot be read, is not UTF-8, has no header, lacks or repeats a column, or a row is longer
            than its header.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TableError(f"{path} is not UTF-8 text") from error
    header = text.partition("\n")[0]
    # A comma inside a name is rarer than a semicolon between names, so the more frequent one separates.
    delimiter = max(_DELIMITERS, key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    names = [name.strip().lower() for name in next(reader, [])]
    if not any(names):
        raise TableError(f"{path} has no header")
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise TableError(f"{path}: column {repeated[0]!r} is there more than once")
    for group in needed:
        if not set(group) & set(names):
            raise TableError(f"{path} has no column {' or '.join(map(repr, group))}; it has {', '.join(names)}")
    for values in _rows(reader, path):
        if not any(value.strip() for value in values):
            continue
        if len(values) > len(names):
            raise TableError(f"{path}, line {reader.line_num}: {len(values)} values under {len(names)} columns")
        padded = [*values, *[""] * (len(names) - len(values))]
        yield reader.line_num, {name: value.strip() for name, value in zip(names, padded, strict=True)}


def _rows(reader: Any, path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise TableError(f"{path}, line {reader.line_num}: {error}; is a quotation mark left open?") from error


def first_filled(row: Mapping[str, str], names: Sequence[str]) -> str:
    """Return the first of these columns that the row fills, or an empty string."""
    return next((row[name] for name in names if row.get(name)), "")
