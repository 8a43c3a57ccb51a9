"""Evaluate a finished package on labelled pictures through the kiosk's own path; needs no torch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from edge.inference.model_package import Estimate, Metrics, ModelPackage, Source, Thresholds
from training.card import subgroup
from training.data import Record
from training.figures import ClassFigures, Figures, TaskFigures, figures_of
from training.metrics import Scores, measure, outcomes
from training.resampling import LEVEL, ROUNDS
from training.scoring import ScoredPicture, Scoring, score_pictures, scores_of
from training.subgroups import Stratum, subgroups

_UNITS: Final = ("patient", "group", "lesion")


class Resampling(BaseModel):
    """How the intervals were made: percentiles over resamples of whole units."""

    model_config = ConfigDict(frozen=True)

    unit: str
    units: int
    images_alone: int
    rounds: int
    seed: int
    level: float


class PackageName(BaseModel):
    """Which package was measured."""

    model_config = ConfigDict(frozen=True)

    name: str
    version: str
    task: str
    simulation_only: bool


class EvaluationResult(BaseModel):
    """What `evaluate --json` writes. The figures at the top cover every image that could be read.

    `cannot_assess` counts the images that the kiosk would refuse; `assessable` holds the figures without them.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    package_sha256: str
    package: PackageName
    data: str
    sources: tuple[Source, ...]
    n: int
    tasks: dict[str, TaskFigures]
    classes: ClassFigures
    cannot_assess: int
    cannot_assess_reasons: dict[str, int]
    assessable: Figures
    subgroups: dict[str, tuple[Stratum, ...]]
    unreadable: tuple[tuple[str, str], ...]
    resampling: Resampling


@dataclass(frozen=True)
class Evaluation:
    """The result and what it was made from, for the report and the tables; the pictures lie below `root`."""

    package: ModelPackage
    root: Path
    sharp: bool
    pictures: tuple[ScoredPicture, ...]
    scores: Scores
    result: EvaluationResult

    def recorded(self) -> tuple[Metrics, ...]:
        """Return the figures as a model manifest records them: of all pictures, and of each stratum."""
        split, manifest = self.result.data, self.package.manifest
        outcome = next(iter(outcomes(manifest.labels, manifest.positive)))
        return (
            metrics_of(self.scores, split=split, thresholds=manifest.thresholds, seed=self.result.resampling.seed),
            *(
                Metrics(
                    split=subgroup(split, dimension, stratum.name),
                    n=stratum.n,
                    lesions=stratum.units,
                    figures=_of_stratum(stratum, outcome=outcome),
                )
                for dimension, strata in self.result.subgroups.items()
                for stratum in strata
            ),
        )


def evaluate(
    package: ModelPackage,
    records: Sequence[Record],
    *,
    root: Path,
    data: str,
    sources: Sequence[Source] = (),
    sharp: bool = True,
    skip_unreadable: bool = False,
    seed: int = 0,
) -> Evaluation:
    """Measure a package on records.

    Args:
        package: the model package.
        records: labelled pictures.
        root: the folder that their files are relative to.
        data: what the pictures are, in words.
        sources: their sources and licences, where known.
        sharp: take a record's sharper file where it has one.
        skip_unreadable: leave unreadable pictures out and name them, instead of stopping.
        seed: of the bootstrap.

    Raises:
        PictureUnreadable: a picture cannot be read, and that is not to be skipped.
    """
    scoring = score_pictures(package, records, root=root, sharp=sharp, skip_unreadable=skip_unreadable)
    unit, units = resampling_units([picture.record for picture in scoring.pictures])
    scores = scores_of(scoring.pictures, package.manifest, units=units)
    result = _result(package, scoring, scores, data=data, sources=sources, unit=unit, seed=seed)
    return Evaluation(package=package, root=root, sharp=sharp, pictures=scoring.pictures, scores=scores, result=result)


def resampling_units(records: Sequence[Record]) -> tuple[str, tuple[str, ...]]:
    """Return what the bootstrap draws and each record's unit: its patient, else its group, else its lesion.

    A record that names none of these counts alone. The first of the kinds that occur stands for what is drawn.
    """
    # A group that is the lesion itself is called so.
    grouped = any(record.group != record.lesion_id for record in records)
    units = [_unit(record, _UNITS if grouped else ("patient", "lesion")) for record in records]
    kinds = {kind for kind, _ in units}
    drawn = next((kind for kind in _UNITS if kind in kinds), "image")
    return drawn, tuple(f"{kind} {name}" for kind, name in units)


def _unit(record: Record, kinds: Sequence[str]) -> tuple[str, str]:
    # A group that is the file itself says nothing of which images belong together.
    group = "" if record.group == record.file else record.group
    known = {"patient": record.patient, "group": group, "lesion": record.lesion_id}
    return next(((kind, known[kind]) for kind in kinds if known[kind]), ("image", record.file))


def _result(
    package: ModelPackage,
    scoring: Scoring,
    scores: Scores,
    *,
    data: str,
    sources: Sequence[Source],
    unit: str,
    seed: int,
) -> EvaluationResult:
    manifest, pictures = package.manifest, scoring.pictures
    accepted = np.array([not picture.refusals for picture in pictures], dtype=bool)
    every = figures_of(scores, manifest.thresholds, seed=seed)
    return EvaluationResult(
        format=1,
        package_sha256=package.sha256,
        package=PackageName(
            name=manifest.name,
            version=manifest.version,
            task=manifest.task,
            simulation_only=manifest.simulation_only,
        ),
        data=data,
        sources=tuple(sources),
        n=every.n,
        tasks=every.tasks,
        classes=every.classes,
        cannot_assess=int((~accepted).sum()),
        cannot_assess_reasons=dict(Counter(reason for picture in pictures for reason in picture.refusals)),
        assessable=figures_of(scores.take(np.flatnonzero(accepted)), manifest.thresholds, seed=seed),
        subgroups=subgroups(pictures, scores, manifest.thresholds, seed=seed),
        unreadable=tuple((picture.file, picture.reason) for picture in scoring.unreadable),
        resampling=Resampling(
            unit=unit,
            units=len(set(scores.groups)),
            images_alone=sum(group.startswith("image ") for group in scores.groups),
            rounds=ROUNDS,
            seed=seed,
            level=LEVEL,
        ),
    )


def _of_stratum(stratum: Stratum, *, outcome: str) -> dict[str, Estimate]:
    names = {
        "roc_auc": f"auc_{outcome}",
        "sensitivity": "sensitivity_moderate",
        "specificity": "specificity_moderate",
        "ece": f"calibration_error_{outcome}",
    }
    if stratum.too_small is not None:
        return {names["roc_auc"]: Estimate(value=None, reason=stratum.too_small)}
    return {names[name]: figure for name, figure in stratum.figures.items()}


def described_rows(records: Sequence[Record]) -> str:
    """Name data sets and splits as a model manifest does: `ham10000 val`."""
    names = (sorted({getattr(record, field) for record in records} - {""}) for field in ("dataset", "split"))
    return " ".join(", ".join(each) for each in names if each)


def metrics_of(scores: Scores, *, split: str, thresholds: Thresholds, seed: int = 0) -> Metrics:
    """Return the figures of one split, as a model manifest records them."""
    return Metrics(
        split=split,
        n=len(scores.targets),
        lesions=len(set(scores.groups)),
        figures=measure(scores, thresholds=thresholds, seed=seed),
    )
