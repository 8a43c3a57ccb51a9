"""Predictions as CSV: every answer on every picture for a later comparison, and the form of the ISIC challenge."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.inference.model_package import ModelPackage
from training.data import DataError
from training.metrics import Scores
from training.scoring import ScoredPicture
from training.table import TableError, read_table

_HALF: Final = 0.5
ISIC_COLUMNS: Final = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
_OWN_COLUMNS: Final = (
    "package",
    "file",
    "unit",
    "truth",
    "positive",
    "stated",
    "score",
    "moderate",
    "high",
    "refusals",
)
_SIGNIFICANT: Final = 16


@dataclass(frozen=True)
class Predictions:
    """What one package said of a set of pictures, sorted by file; `melanoma` [N] is None where it is no class.

    `package` is its `answers_id`; empty where the file does not say. `units` [N] are numbers.
    """

    package: str
    files: tuple[str, ...]
    units: tuple[str, ...]
    truth: tuple[str, ...]
    positive: NDArray[np.bool_]
    stated: tuple[str, ...]
    score: NDArray[np.float64]
    melanoma: NDArray[np.float64] | None
    flagged: dict[str, NDArray[np.bool_]]


def answers_id(package: ModelPackage) -> str:
    """Return what decides a package's answers, as a hash: its network, limits and class weights, not its figures."""
    manifest = package.manifest
    chosen = manifest.model_dump_json(include={"thresholds", "decision_weights", "labels", "positive"})
    digest = hashlib.sha256()
    for part in (package.graph, package.weights, chosen.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:_SIGNIFICANT]


def write_predictions(path: Path, package: ModelPackage, pictures: Sequence[ScoredPicture], scores: Scores) -> None:
    """Write one row a picture: truth, stated class, score, whether it reaches each threshold, and all probabilities.

    What belongs together, such as the pictures of a patient, has a number of its own: the file may be passed on.
    """
    limits, made_by, units = package.manifest.thresholds, answers_id(package), _numbered(scores.groups)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow([*_OWN_COLUMNS, *(f"p_{label}" for label in scores.labels)])
        positive, score, stated = scores.is_positive, scores.score, scores.stated
        for row, picture in enumerate(pictures):
            writer.writerow(
                [
                    made_by,
                    picture.record.file,
                    units[row],
                    picture.record.label,
                    int(positive[row]),
                    scores.labels[stated[row]],
                    repr(float(score[row])),
                    int(score[row] >= limits.moderate),
                    int(score[row] >= limits.high),
                    "; ".join(picture.refusals),
                    *(repr(float(value)) for value in scores.probabilities[row]),
                ]
            )


def read_predictions(path: Path) -> Predictions:
    """Read what `write_predictions` wrote.

    Raises:
        DataError: it is no such file, or a picture is in it twice.
    """
    needed = [(name,) for name in _OWN_COLUMNS if name not in {"refusals", "package"}]
    try:
        rows = sorted((row for _, row in read_table(path, needed=needed)), key=lambda row: row["file"])
    except TableError as error:
        raise DataError(str(error)) from error
    if not rows:
        raise DataError(f"{path} holds no prediction")
    files = tuple(row["file"] for row in rows)
    if len(set(files)) != len(files):
        raise DataError(f"{path} holds a picture twice")
    made_by = {row.get("package", "") for row in rows}
    if len(made_by) > 1:
        raise DataError(f"{path} holds the answers of several packages")
    return Predictions(
        package=made_by.pop(),
        files=files,
        units=_numbered([row["unit"] for row in rows]),
        truth=tuple(row["truth"] for row in rows),
        positive=_flags(rows, "positive", path),
        stated=tuple(row["stated"] for row in rows),
        score=_numbers(rows, "score", path),
        melanoma=_numbers(rows, "p_mel", path) if "p_mel" in rows[0] else None,
        flagged={name: _flags(rows, name, path) for name in ("moderate", "high")},
    )


def _numbered(units: Sequence[str]) -> tuple[str, ...]:
    """Return for each row the rank of its unit's name, of as many digits each; numbered again they stay the same."""
    names = sorted(set(units))
    digits = len(str(len(names)))
    ranks = {name: f"{rank:0{digits}d}" for rank, name in enumerate(names)}
    return tuple(ranks[unit] for unit in units)


def refuse_isic_form(files: Sequence[str], labels: Sequence[str]) -> None:
    """Raise `DataError` where the ISIC form cannot hold the answers: of other classes, or of two files of one name."""
    if {column.lower() for column in ISIC_COLUMNS} != set(labels):
        raise DataError(f"the ISIC form has the classes {', '.join(ISIC_COLUMNS)}; this package has others")
    if len({_isic_name(file) for file in files}) != len(files):
        raise DataError("two pictures have the same name, which the ISIC form cannot tell apart")


def write_isic(path: Path, pictures: Sequence[ScoredPicture], scores: Scores) -> None:
    """Write the form of ISIC 2018 task 3: `image` without its ending, a confidence from 0 to 1 in each class.

    The challenge takes the class of greatest confidence for the answer, so that has to be the class that the package
    states, and ranks each column by itself, so that has to rise with the probability: weighted / (weighted + 1/2) does
    both, and is 0.5, the challenge's threshold, at a probability of 0.5 of a class of weight 1.

    Raises:
        DataError: as `refuse_isic_form`.
    """
    files = [picture.record.file for picture in pictures]
    refuse_isic_form(files, scores.labels)
    order = [scores.labels.index(column.lower()) for column in ISIC_COLUMNS]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["image", *ISIC_COLUMNS])
        confidence = scores.weighted / (scores.weighted + _HALF)
        for name, row in zip(map(_isic_name, files), confidence[:, order], strict=True):
            writer.writerow([name, *(f"{value:.9f}" for value in row)])


def _isic_name(file: str) -> str:
    return PurePosixPath(file).stem


def _numbers(rows: Sequence[dict[str, str]], column: str, path: Path) -> NDArray[np.float64]:
    try:
        values = np.array([float(row[column]) for row in rows])
    except ValueError as error:
        raise DataError(f"{path}: column {column} holds something that is no number") from error
    if not all(math.isfinite(value) for value in values):
        raise DataError(f"{path}: column {column} holds something that is no finite number")
    return values


def _flags(rows: Sequence[dict[str, str]], column: str, path: Path) -> NDArray[np.bool_]:
    if not {row[column] for row in rows} <= {"0", "1"}:
        raise DataError(f"{path}: column {column} is 0 or 1")
    return np.array([row[column] == "1" for row in rows])
