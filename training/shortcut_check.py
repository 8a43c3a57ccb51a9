"""Whether a data set's classes can be told apart without shapes: a boosted model on colour and texture alone.

A simulated task that such a model solves would teach a network the simulator's habits instead of the signs. The check
runs on any manifest: on real pictures it tells how much of a network's figure colour and texture alone would give.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import local_binary_pattern
from sklearn.ensemble import HistGradientBoostingClassifier

from edge.inference.model_package import Estimate, Metrics
from training.card import SHORTCUTS
from training.data import DataError, Record, of_split, read_manifest
from training.evaluate import resampling_units
from training.images import load_square
from training.metrics import auc, outcomes
from training.tasks import TaskDescription

LIMIT: Final = 0.80
"""Highest area under the ROC curve that a simulated task may have here."""

_SIDE_PX: Final = 224
_QUANTILES: Final = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
_SCALES: Final = 5
_PATTERN_RADII_PX: Final = (1, 2, 4)
_PATTERN_POINTS: Final = 8
_BOOTSTRAP_ROUNDS: Final = 1000


@dataclass(frozen=True)
class ShortcutCheck:
    """What colour and texture alone give on the split they were not fitted to."""

    roc_auc: float
    low: float
    high: float
    """95 % interval from resampling groups."""
    trained_on: int
    measured_on: int
    groups: int
    """Among those measured on."""

    @property
    def passed(self) -> bool:
        """Whether the task is hard enough for one that is simulated."""
        return self.roc_auc <= LIMIT


def check_shortcuts(
    manifest: Path,
    *,
    dataset: str,
    labels: Sequence[str],
    positive: Sequence[str],
    fit_on: str = "train",
    measure_on: str = "val",
    seed: int = 0,
) -> ShortcutCheck:
    """Fit gradient boosting to the statistics of one split's pictures, and measure it on another's.

    Raises:
        DataError: the manifest cannot be used, or a split holds one class only: there is nothing to tell apart.
    """
    records = read_manifest(manifest, dataset=dataset, labels=labels)
    fitted, measured = (of_split(records, split) for split in (fit_on, measure_on))
    known, truth = (np.isin([record.label for record in split], list(positive)) for split in (fitted, measured))
    if known.all() or not known.any():
        raise DataError(f"split {fit_on!r} holds one class only")
    model = HistGradientBoostingClassifier(
        max_iter=250, learning_rate=0.05, max_leaf_nodes=12, l2_regularization=1.0, random_state=seed
    )
    model.fit(statistics_of(fitted, root=manifest.parent), known)
    score = model.predict_proba(statistics_of(measured, root=manifest.parent))[:, 1]
    value = auc(truth, score)
    if value is None:
        raise DataError(f"split {measure_on!r} holds one class only")
    _, groups = resampling_units(measured)
    low, high = np.quantile(list(_resampled(truth, score, groups, seed=seed)), (0.025, 0.975))
    return ShortcutCheck(
        value,
        float(low),
        float(high),
        trained_on=len(fitted),
        measured_on=len(measured),
        groups=len(set(groups)),
    )


def metrics_of(found: ShortcutCheck, *, task: TaskDescription, data: str) -> Metrics:
    """Return the figure as a model manifest records it."""
    area = Estimate(value=round(found.roc_auc, 4), low=round(found.low, 4), high=round(found.high, 4))
    return Metrics(
        split=f"{SHORTCUTS}{data}",
        n=found.measured_on,
        lesions=found.groups,
        figures={f"auc_{next(iter(outcomes(task.labels, task.positive)))}": area},
    )


def statistics_of(records: Sequence[Record], *, root: Path) -> NDArray[np.float32]:
    """One row of colour and texture statistics a record."""
    return np.stack([picture_statistics(load_square(root, record.file, dataset=record.dataset)) for record in records])


def picture_statistics(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Colour and texture of an RGB picture, (height, width, 3), without where anything is or how it is connected.

    Moments and quantiles of each channel in RGB and CIELAB and the channels' correlations; energies and kurtosis of
    gradient and Laplacian over five scales in lightness and in redness; local binary patterns at three radii in both.
    """
    square = cv2.resize(rgb, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(np.asarray(square, np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)
    found: list[NDArray[np.floating]] = []
    for image in (np.asarray(square, np.float32), lab):
        flat = image.reshape(-1, 3)
        centred = flat - flat.mean(axis=0)
        squared = np.square(centred)
        spread = flat.std(axis=0) + _TINY
        found += [
            flat.mean(axis=0),
            spread,
            (squared * centred).mean(axis=0) / spread**3,
            np.square(squared).mean(axis=0) / spread**4,
        ]
        found.append(np.quantile(flat, _QUANTILES, axis=0).ravel())
        found.append(((centred.T @ centred) / len(flat) / np.outer(spread, spread))[np.triu_indices(3, 1)])
    for plane in (lab[..., 0], lab[..., 1], lab[..., 2]):
        found += list(_energies(np.ascontiguousarray(plane)))
    for plane in (lab[..., 0], lab[..., 1]):
        levels = np.clip(plane - plane.min(), 0, 100) * np.float32(2.55)
        found += list(_patterns(np.asarray(levels, np.uint8)))
    return np.concatenate(found).astype(np.float32)


_TINY: Final = 1e-6
_uniform_patterns: Callable[..., NDArray[np.float64]] = local_binary_pattern


def _energies(plane: NDArray[np.float32]) -> Iterator[NDArray[np.floating]]:
    for scale in range(_SCALES):
        if scale:
            plane = np.asarray(cv2.pyrDown(plane), np.float32)
        across, down = (cv2.Sobel(plane, cv2.CV_32F, dx, 1 - dx) for dx in (1, 0))
        for response in (np.hypot(across, down), cv2.Laplacian(plane, cv2.CV_32F)):
            squared = np.square(response)
            energy = float(squared.mean())
            tail = float(np.square(squared).mean()) / (energy**2 + _TINY)
            yield np.array([energy, tail, *np.quantile(response, (0.05, 0.5, 0.95))])


def _patterns(levels: NDArray[np.uint8]) -> Iterator[NDArray[np.floating]]:
    for radius in _PATTERN_RADII_PX:
        codes = np.asarray(_uniform_patterns(levels, _PATTERN_POINTS, radius, method="uniform"))
        yield np.bincount(codes.astype(int).ravel(), minlength=_PATTERN_POINTS + 2) / codes.size


def _resampled(
    truth: NDArray[np.bool_], score: NDArray[np.floating], groups: Sequence[str], *, seed: int
) -> Iterator[float]:
    """The figure on resampled groups; rounds that drew one class only are left out."""
    names = np.array(groups)
    rows = [np.flatnonzero(names == name) for name in sorted(set(groups))]
    rng = np.random.default_rng(seed)
    for _ in range(_BOOTSTRAP_ROUNDS):
        picked = np.concatenate([rows[index] for index in rng.integers(len(rows), size=len(rows))])
        value = auc(truth[picked], score[picked])
        if value is not None:
            yield value
