"""Two packages on the same images, paired: DeLong for areas, McNemar for decisions, a bootstrap by unit for both.

DeLong and McNemar take every image as independent; the bootstrap keeps the images of one lesion together, and is the
one to trust where lesions have several images.
"""

from dataclasses import asdict
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.inference.model_package import Estimate, Metrics
from training import weighted
from training.card import AGAINST
from training.data import DataError
from training.delong import compare_areas
from training.mcnemar import mcnemar
from training.predictions import Predictions
from training.resampling import Defined, Figure, Weights, estimate


def compare(a: Predictions, b: Predictions, *, seed: int = 0) -> dict[str, Any]:
    """Return every paired difference a - b, in plain values for JSON.

    Raises:
        DataError: the two are not about the same images with the same truth.
    """
    _refuse_unpaired(a, b)
    areas = {"positive": _areas(a.positive, a.score, b.score, units=a.units, seed=seed)}
    if a.melanoma is not None and b.melanoma is not None:
        melanoma = np.array([truth == "mel" for truth in a.truth])
        areas["melanoma"] = _areas(melanoma, a.melanoma, b.melanoma, units=a.units, seed=seed)
    truth = a.positive
    decisions = {}
    for point in ("moderate", "high"):
        flag_a, flag_b = a.flagged[point], b.flagged[point]
        decisions[f"{point} accuracy"] = _decisions(flag_a == truth, flag_b == truth, units=a.units, seed=seed)
        decisions[f"{point} sensitivity"] = _decisions(flag_a, flag_b, units=a.units, seed=seed, among=truth)
        decisions[f"{point} specificity"] = _decisions(~flag_a, ~flag_b, units=a.units, seed=seed, among=~truth)
    right_a, right_b = (np.array([s == t for s, t in zip(p.stated, p.truth, strict=True)]) for p in (a, b))
    decisions["stated class"] = _decisions(right_a, right_b, units=a.units, seed=seed)
    return {
        "n": len(a.files),
        "units": len(set(a.units)),
        "roc_auc": areas,
        "balanced_accuracy": _balanced(a, b, seed=seed),
        "decisions": decisions,
    }


def metrics_of(result: dict[str, Any], *, outcome: str, against: str, data: str) -> Metrics:
    """Return the main differences of `compare` as a model manifest records them; `outcome` is what is positive."""
    figures = {}
    for kind, area in result["roc_auc"].items():
        name = outcome if kind == "positive" else kind
        figures[f"auc_{name}_difference"] = Estimate(**area["bootstrap"])
        figures[f"auc_{name}_delong_p"] = Estimate(value=area["delong"].get("p_value"))
    figures["balanced_accuracy_difference"] = Estimate(**result["balanced_accuracy"]["difference"])
    for point, share in product(("moderate", "high"), ("accuracy", "sensitivity", "specificity")):
        decision = result["decisions"][f"{point} {share}"]
        figures[f"{share}_{point}_difference"] = Estimate(**decision["bootstrap"])
        figures[f"{share}_{point}_mcnemar_p"] = Estimate(value=decision["mcnemar"]["mid_p"])
    return Metrics(split=f"{AGAINST}{against} on {data}", n=result["n"], lesions=result["units"], figures=figures)


def _refuse_unpaired(a: Predictions, b: Predictions) -> None:
    if a.files != b.files:
        only_a, only_b = sorted(set(a.files) - set(b.files)), sorted(set(b.files) - set(a.files))
        raise DataError(
            f"the two are about different images: {len(only_a)} only in the first, {len(only_b)} only in the second, "
            f"such as {(only_a or only_b)[0]}"
        )
    if a.truth != b.truth or (a.positive != b.positive).any() or a.units != b.units:
        raise DataError("the two disagree about what is true or which images belong together")


def _areas(
    positive: NDArray[np.bool_],
    a: NDArray[np.float64],
    b: NDArray[np.float64],
    *,
    units: tuple[str, ...],
    seed: int,
) -> dict[str, Any]:
    one_class = "needs both classes"
    delong = compare_areas(positive, a, b)
    figure = _difference(weighted.roc_auc(positive, a), weighted.roc_auc(positive, b))
    by_unit = estimate({"difference": Defined(figure, one_class)}, units, seed=seed)["difference"]
    return {
        "delong": {"undefined": f"{one_class}, two images of each, and areas that vary"}
        if delong is None
        else asdict(delong),
        "bootstrap": by_unit.model_dump(),
    }


def _decisions(
    a: NDArray[np.bool_],
    b: NDArray[np.bool_],
    *,
    units: tuple[str, ...],
    seed: int,
    among: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    chosen = np.ones(len(a), bool) if among is None else among
    figure = _difference(weighted.share(a, among=chosen), weighted.share(b, among=chosen))
    by_unit = estimate({"difference": Defined(figure, "no such image")}, units, seed=seed)["difference"]
    return {
        "a": float(a[chosen].mean()) if chosen.any() else None,
        "b": float(b[chosen].mean()) if chosen.any() else None,
        "mcnemar": asdict(mcnemar(a[chosen], b[chosen])),
        "bootstrap": by_unit.model_dump(),
    }


def _balanced(a: Predictions, b: Predictions, *, seed: int) -> dict[str, Any]:
    labels = sorted({*a.truth, *a.stated, *b.stated})
    targets, stated_a, stated_b = (
        np.array([labels.index(label) for label in column]) for column in (a.truth, a.stated, b.stated)
    )
    figures = {"a": weighted.balanced_accuracy(targets, stated_a), "b": weighted.balanced_accuracy(targets, stated_b)}
    wanted = figures | {"difference": _difference(figures["a"], figures["b"])}
    reason = "needs images of two classes or more"
    found = estimate({name: Defined(figure, reason) for name, figure in wanted.items()}, a.units, seed=seed)
    return {name: each.model_dump() for name, each in found.items()}


def _difference(a: Figure, b: Figure) -> Figure:
    def figure(weights: Weights) -> NDArray[np.float64]:
        return a(weights) - b(weights)

    return figure
