"""Figures by age, sex, site and skin tone; a stratum too small to judge is named, with its counts, not dropped."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from pydantic import BaseModel, ConfigDict

from edge.inference.model_package import Estimate, Thresholds
from training import weighted
from training.metrics import ECE_BINS, NO_IMAGE, Scores, outcomes
from training.resampling import Defined, estimate
from training.scoring import ScoredPicture
from training.skin_tone import BANDS, band

MIN_OF_EACH: Final = 20
"""Below 20 positives or negatives an interval of sensitivity or specificity spans 30 points and more."""
NOT_STATED: Final = "not stated"
NOT_MEASURED: Final = "not measured: too little skin, or bluish light"
_AGE_LIMITS: Final = ((30, "under 30"), (50, "30 to 49"), (70, "50 to 69"), (np.inf, "70 and over"))


class Stratum(BaseModel):
    """One stratum; `too_small` says why it has no figures."""

    model_config = ConfigDict(frozen=True)

    name: str
    n: int
    units: int
    n_positive: int
    n_negative: int
    cannot_assess: int
    too_small: str | None
    figures: dict[str, Estimate]


def subgroups(
    pictures: Sequence[ScoredPicture], scores: Scores, thresholds: Thresholds, *, seed: int = 0
) -> dict[str, tuple[Stratum, ...]]:
    """Return the strata of each dimension, for the package's own score at its moderate limit."""
    result = {}
    for dimension, (name_of, order) in _DIMENSIONS.items():
        names = [name_of(picture) for picture in pictures]
        present = _in_order(set(names), order)
        result[dimension] = tuple(
            _stratum(
                name,
                [picture for picture, own in zip(pictures, names, strict=True) if own == name],
                scores.take(np.flatnonzero([own == name for own in names])),
                thresholds=thresholds,
                seed=seed,
            )
            for name in present
        )
    return result


def _in_order(names: Iterable[str], order: Mapping[str, int]) -> list[str]:
    return sorted(names, key=lambda name: (name in {NOT_STATED, NOT_MEASURED}, order.get(name, len(order)), name))


def _stratum(
    name: str, pictures: Sequence[ScoredPicture], part: Scores, *, thresholds: Thresholds, seed: int
) -> Stratum:
    truth, score = part.is_positive, part.score
    positives, negatives = int(truth.sum()), int((~truth).sum())
    small = min(positives, negatives) < MIN_OF_EACH
    outcome = next(iter(outcomes(part.labels, part.positive_labels)))
    wanted = {
        "roc_auc": Defined(weighted.roc_auc(truth, score), f"needs both {outcome} and other images"),
        "sensitivity": weighted.defined_share(score >= thresholds.moderate, f"no {outcome} image", among=truth),
        "specificity": weighted.defined_share(score < thresholds.moderate, f"only {outcome} images", among=~truth),
        "ece": weighted.defined_calibration_error(truth, score, NO_IMAGE, bins=ECE_BINS),
    }
    return Stratum(
        name=name,
        n=len(pictures),
        units=len(set(part.groups)),
        n_positive=positives,
        n_negative=negatives,
        cannot_assess=sum(bool(picture.refusals) for picture in pictures),
        too_small=f"too small to judge: fewer than {MIN_OF_EACH} positive or negative images" if small else None,
        figures={} if small else estimate(wanted, part.groups, seed=seed),
    )


def _age(picture: ScoredPicture) -> str:
    age = picture.record.age
    return NOT_STATED if age is None else next(name for limit, name in _AGE_LIMITS if age < limit)


def _sex(picture: ScoredPicture) -> str:
    return picture.record.sex or NOT_STATED


def _site(picture: ScoredPicture) -> str:
    return picture.record.site or NOT_STATED


def _tone(picture: ScoredPicture) -> str:
    return NOT_MEASURED if picture.skin_tone_deg is None else band(picture.skin_tone_deg)


_Dimension = tuple[Callable[[ScoredPicture], str], Mapping[str, int]]
_DIMENSIONS: Final[dict[str, _Dimension]] = {
    "age": (_age, {name: place for place, (_, name) in enumerate(_AGE_LIMITS)}),
    "sex": (_sex, {}),
    "site": (_site, {}),
    "skin tone (ITA)": (_tone, {name: place for place, (name, _) in enumerate(BANDS)}),
}
