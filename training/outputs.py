"""Where a command writes its results: found out before the work, which may take an hour."""

import os
from collections.abc import Iterable
from pathlib import Path

from training.data import DataError


def prepare_outputs(paths: Iterable[Path | None]) -> None:
    """Make the folders of these files; None is one that was not asked for.

    Raises:
        DataError: a file could not be written.
    """
    for path in paths:
        if path is None:
            continue
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(f"{path} cannot be written: {error.strerror}") from error
        if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
            raise DataError(f"{path} cannot be written: it is a folder, or you may not")
