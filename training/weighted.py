"""Figures of merit over weighted rows, of many weightings at once; NaN where a weighting leaves one undefined.

scikit-learn has the same figures for one weighting at a time, which is too slow for a bootstrap of all of them; the
tests hold these to its values.
"""

import numpy as np
from numpy.typing import NDArray

from training.resampling import Defined, Figure, Weights

Mask = NDArray[np.bool_]
Values = NDArray[np.floating]


def share(hit: Mask, *, among: Mask | None = None) -> Figure:
    """Return the share of hits among some rows, or all."""
    chosen = np.ones(len(hit), bool) if among is None else among
    return mean(hit.astype(float), among=chosen)


def defined_share(hit: Mask, reason: str, *, among: Mask | None = None) -> Defined:
    """Return the share of hits with the reason to give when there is no row to have one of."""
    return Defined(share(hit, among=among), reason, share_of=np.ones(len(hit), bool) if among is None else among)


def mean(values: Values, *, among: Mask | None = None) -> Figure:
    """Return the mean of values over some rows, or all."""
    chosen = np.ones(len(values)) if among is None else among.astype(float)
    return lambda weights: _ratio(weights @ (values * chosen), weights @ chosen)


def roc_auc(positive: Mask, score: Values) -> Figure:
    """Return the area under the ROC curve (Mann-Whitney; ties count half)."""
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf)) if len(score) else np.array([], int)

    def figure(weights: Weights) -> NDArray[np.float64]:
        if len(starts) == 0:
            return np.full(len(weights), np.nan)
        ordered = weights[:, order]
        of_positive = np.add.reduceat(np.where(positive[order], ordered, 0), starts, axis=1)
        of_negative = np.add.reduceat(np.where(positive[order], 0, ordered), starts, axis=1)
        below = np.cumsum(of_negative, axis=1) - of_negative / 2
        return _ratio((of_positive * below).sum(axis=1), of_positive.sum(axis=1) * of_negative.sum(axis=1))

    return figure


def balanced_accuracy(targets: NDArray[np.integer], predicted: NDArray[np.integer]) -> Figure:
    """Return the mean recall over the classes that occur; undefined where fewer than two do."""
    classes = np.unique(targets)
    member = (targets[:, None] == classes).astype(float)
    right = member * (predicted == targets)[:, None]

    def figure(weights: Weights) -> NDArray[np.float64]:
        recall = _ratio(weights @ right, weights @ member)
        occurring = (~np.isnan(recall)).sum(axis=1)
        return np.where(occurring > 1, np.nansum(recall, axis=1) / np.maximum(occurring, 1), np.nan)

    return figure


def calibration_error(happened: Mask, predicted: Values, *, bins: int) -> Figure:
    """Return the expected calibration error over equal bins of the predicted probability (Naeini et al. 2015)."""
    member = (bin_of(predicted, bins=bins)[:, None] == np.arange(bins)).astype(float)
    gap = member * (happened.astype(float) - predicted)[:, None]
    return lambda weights: _ratio(np.abs(weights @ gap).sum(axis=1), weights.sum(axis=1))


def defined_calibration_error(happened: Mask, predicted: Values, reason: str, *, bins: int) -> Defined:
    """Return the calibration error with the reason to give when there is no row to have one of."""
    return Defined(calibration_error(happened, predicted, bins=bins), reason, grows_when_resampled=True)


def one_point_balanced_accuracy(truth: Mask, flagged: Mask) -> Figure:
    """Return the mean of sensitivity and specificity."""
    sensitivity, specificity = share(flagged, among=truth), share(~flagged, among=~truth)
    return lambda weights: (sensitivity(weights) + specificity(weights)) / 2


def net_benefit(positive: Mask, score: Values, *, threshold: float) -> Figure:
    """Return the net benefit of acting from a probability threshold on (Vickers and Elkin 2006)."""
    acted = score >= threshold
    odds = threshold / (1 - threshold)
    return mean(acted * (positive.astype(float) - odds * ~positive))


def bin_of(predicted: Values, *, bins: int) -> NDArray[np.int64]:
    """Return the equal-width bin of each probability; 1.0 belongs to the last."""
    return np.minimum((predicted * bins).astype(np.int64), bins - 1)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(np.shape(above), np.nan)
    np.divide(above, below, out=result, where=below > 0)
    return result
