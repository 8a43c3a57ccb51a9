"""The figures of an evaluation: for each task, for the classes, each with its 95 % interval or the reason for none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from scipy.stats import binomtest

from edge.inference.model_package import Estimate, Thresholds
from training import weighted
from training.delong import area_interval
from training.metrics import ECE_BINS, MELANOMA, NO_IMAGE, Scores, outcomes, points_of
from training.resampling import LEVEL, Defined, estimate

DECISION_THRESHOLDS: Final = tuple(round(0.01 * step, 2) for step in range(1, 61))
_DIGITS: Final = 4


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class RocArea(Estimate):
    """The area with its bootstrap interval, and DeLong's, which takes every image as independent."""

    delong_low: float | None = None
    delong_high: float | None = None


class Point(_Frozen):
    """What the package does at one of its thresholds."""

    rule: str
    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate
    one_point_balanced_accuracy: Estimate
    positive_predictive_value: Estimate
    negative_predictive_value: Estimate
    accuracy_above_always_negative: Estimate


class ReliabilityBin(_Frozen):
    """One bin of the reliability diagram; the interval is Wilson's."""

    from_probability: float
    to_probability: float
    n: int
    mean_predicted: float
    observed: float
    low: float
    high: float


class DecisionPoint(_Frozen):
    """Net benefit at one threshold probability (Vickers and Elkin 2006); treating none has 0."""

    threshold: float
    model: Estimate
    treat_all: float | None


class TaskFigures(_Frozen):
    """Figures of one distinction; the bare ones are those of the point named in `point`.

    `points_chosen_for` names the score whose operating points these are: a package may have none for melanoma alone.
    """

    positive: tuple[str, ...]
    score: str
    n_positive: int
    n_negative: int
    roc_auc: RocArea
    ece: float | None
    brier: float | None
    sensitivity: float | None
    specificity: float | None
    point: str
    points_chosen_for: str
    ece_bins: int
    estimates: dict[str, Estimate]
    reasons: dict[str, str]
    always_negative_accuracy: Estimate
    points: dict[str, Point]
    reliability: tuple[ReliabilityBin, ...]
    decision_curve: tuple[DecisionPoint, ...]


class ClassFigures(_Frozen):
    """Figures of the class that is stated, of greatest probability times decision weight, and of the likeliest one."""

    balanced_accuracy: float | None
    accuracy: float | None
    likeliest_balanced_accuracy: float | None
    likeliest_accuracy: float | None
    estimates: dict[str, Estimate]
    reasons: dict[str, str]
    labels: tuple[str, ...]
    present: dict[str, int]
    recall: dict[str, Estimate]
    confusion: tuple[tuple[int, ...], ...]


class Figures(_Frozen):
    """All figures of one set of images."""

    n: int
    tasks: dict[str, TaskFigures]
    classes: ClassFigures


@dataclass(frozen=True)
class _Distinction:
    name: str
    positive: tuple[str, ...]
    truth: NDArray[np.bool_]
    score: NDArray[np.float64]
    score_name: str


def figures_of(scores: Scores, thresholds: Thresholds, *, seed: int = 0) -> Figures:
    """Return all figures of these images; with no image each is undefined, and says so."""
    return Figures(
        n=len(scores.targets),
        tasks={
            distinction.name: _task_figures(distinction, scores, thresholds, seed=seed)
            for distinction in distinctions(scores)
        },
        classes=_class_figures(scores, seed=seed),
    )


def distinctions(scores: Scores) -> tuple[_Distinction, ...]:
    """Return what is told apart, the package's own score first."""
    return tuple(
        _Distinction(
            name=name,
            positive=positive,
            truth=scores.is_any_of(positive),
            score=scores.probability_of(positive),
            score_name=f"probability of {' + '.join(positive)}",
        )
        for name, positive in outcomes(scores.labels, scores.positive_labels).items()
    )


def _task_figures(distinction: _Distinction, scores: Scores, thresholds: Thresholds, *, seed: int) -> TaskFigures:
    truth, score, name = distinction.truth, distinction.score, distinction.name
    points, chosen_for = points_of(name, thresholds)
    limits = {"moderate": points.moderate, "high": points.high}
    wanted = {
        "roc_auc": Defined(weighted.roc_auc(truth, score), f"needs both {name} and other images"),
        "ece": weighted.defined_calibration_error(truth, score, NO_IMAGE, bins=ECE_BINS),
        "brier": Defined(weighted.mean(np.square(score - truth)), NO_IMAGE),
        "always_negative_accuracy": weighted.defined_share(~truth, NO_IMAGE),
    }
    for point, limit in limits.items():
        wanted |= {f"{point} {key}": value for key, value in _at(truth, score >= limit, name=name).items()}
    if name == MELANOMA:
        # What the kiosk's tiers do with melanomas: they follow the score of malignancy, not that of melanoma.
        wanted["flagged_by_malignant_score"] = weighted.defined_share(
            scores.score >= thresholds.moderate, "no melanoma image", among=truth
        )
    wanted |= {
        f"benefit {threshold}": Defined(weighted.net_benefit(truth, score, threshold=threshold), NO_IMAGE)
        for threshold in DECISION_THRESHOLDS
    }
    found = estimate(wanted, scores.groups, seed=seed)
    delong = area_interval(truth, score)
    shown = {
        key: found[key] for key in ("ece", "brier") + (("flagged_by_malignant_score",) if name == MELANOMA else ())
    }
    shown |= {key: found[f"moderate {key}"] for key in ("sensitivity", "specificity")}
    return TaskFigures(
        positive=distinction.positive,
        score=distinction.score_name,
        n_positive=int(truth.sum()),
        n_negative=int((~truth).sum()),
        roc_auc=RocArea(
            **found["roc_auc"].model_dump(),
            delong_low=None if delong is None else round(delong[0], _DIGITS),
            delong_high=None if delong is None else round(delong[1], _DIGITS),
        ),
        ece=found["ece"].value,
        brier=found["brier"].value,
        sensitivity=found["moderate sensitivity"].value,
        specificity=found["moderate specificity"].value,
        point=f"moderate: {distinction.score_name} >= {points.moderate:.4f}",
        points_chosen_for=chosen_for,
        ece_bins=ECE_BINS,
        estimates=shown,
        reasons=_reasons(shown | {"roc_auc": found["roc_auc"]}),
        always_negative_accuracy=found["always_negative_accuracy"],
        points={
            point: Point(
                rule=f"{distinction.score_name} >= {limit:.4f}",
                threshold=limit,
                **{key.removeprefix(f"{point} "): value for key, value in found.items() if key.startswith(f"{point} ")},
            )
            for point, limit in limits.items()
        },
        reliability=reliability(truth, score),
        decision_curve=tuple(
            DecisionPoint(
                threshold=threshold, model=found[f"benefit {threshold}"], treat_all=_treat_all(truth, threshold)
            )
            for threshold in DECISION_THRESHOLDS
        ),
    )


def _at(truth: NDArray[np.bool_], flagged: NDArray[np.bool_], *, name: str) -> dict[str, Defined]:
    sensitivity, specificity = weighted.share(flagged, among=truth), weighted.share(~flagged, among=~truth)
    no_positive, no_negative = f"no {name} image", f"no image that is not {name}"
    return {
        "sensitivity": Defined(sensitivity, no_positive, share_of=truth),
        "specificity": Defined(specificity, no_negative, share_of=~truth),
        "accuracy": weighted.defined_share(flagged == truth, NO_IMAGE),
        "one_point_balanced_accuracy": Defined(
            weighted.one_point_balanced_accuracy(truth, flagged), f"needs both {name} and other images"
        ),
        "positive_predictive_value": weighted.defined_share(truth, "no image is flagged", among=flagged),
        "negative_predictive_value": weighted.defined_share(~truth, "every image is flagged", among=~flagged),
        "accuracy_above_always_negative": Defined(weighted.mean((flagged == truth).astype(float) - ~truth), NO_IMAGE),
    }


def _class_figures(scores: Scores, *, seed: int) -> ClassFigures:
    targets, stated, likeliest = scores.targets, scores.stated, scores.likeliest
    two = "needs images of two classes or more"
    wanted = {
        "balanced_accuracy": Defined(weighted.balanced_accuracy(targets, stated), two),
        "accuracy": weighted.defined_share(stated == targets, NO_IMAGE),
        "likeliest_balanced_accuracy": Defined(weighted.balanced_accuracy(targets, likeliest), two),
        "likeliest_accuracy": weighted.defined_share(likeliest == targets, NO_IMAGE),
    }
    recalls = {
        label: weighted.defined_share(stated == number, f"no {label} image", among=targets == number)
        for number, label in enumerate(scores.labels)
    }
    found = estimate(wanted, scores.groups, seed=seed)
    counts = np.zeros((len(scores.labels), len(scores.labels)), dtype=int)
    np.add.at(counts, (targets, stated), 1)
    return ClassFigures(
        **{name: found[name].value for name in wanted},
        estimates=found,
        reasons=_reasons(found),
        labels=scores.labels,
        present={label: int(counts[number].sum()) for number, label in enumerate(scores.labels)},
        recall=estimate(recalls, scores.groups, seed=seed),
        confusion=tuple(tuple(int(cell) for cell in row) for row in counts),
    )


def reliability(truth: NDArray[np.bool_], score: NDArray[np.floating]) -> tuple[ReliabilityBin, ...]:
    """Return the bins that hold an image, as the calibration error counts them."""
    bins = weighted.bin_of(score, bins=ECE_BINS)
    return tuple(_bin(number, truth[bins == number], score[bins == number]) for number in np.unique(bins))


def _bin(number: int, truth: NDArray[np.bool_], score: NDArray[np.floating]) -> ReliabilityBin:
    interval = binomtest(int(truth.sum()), len(truth)).proportion_ci(LEVEL, method="wilson")
    return ReliabilityBin(
        from_probability=round(number / ECE_BINS, _DIGITS),
        to_probability=round((number + 1) / ECE_BINS, _DIGITS),
        n=len(truth),
        mean_predicted=round(float(score.mean()), _DIGITS),
        observed=round(float(truth.mean()), _DIGITS),
        low=round(float(interval.low), _DIGITS),
        high=round(float(interval.high), _DIGITS),
    )


def _treat_all(truth: NDArray[np.bool_], threshold: float) -> float | None:
    if len(truth) == 0:
        return None
    prevalence = float(truth.mean())
    return round(prevalence - (1 - prevalence) * threshold / (1 - threshold), _DIGITS)


def _reasons(estimates: Mapping[str, Estimate]) -> dict[str, str]:
    return {name: each.reason for name, each in estimates.items() if each.value is None and each.reason is not None}
