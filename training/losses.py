"""What a network is punished for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.recipes import Recipe

# Of each auxiliary head beside the main one (Szegedy et al. 2015, section 5).
_AUXILIARY_WEIGHT = 0.3


@dataclass(frozen=True)
class Targets:
    """Classes [N] of the pictures of a batch; where two are mixed, the other's [N] and the share [N] of the first."""

    classes: NDArray[np.int64]
    other: NDArray[np.int64] | None = None
    share: NDArray[np.float32] | None = None


def class_weights(targets: NDArray[np.int64], *, classes: int, power: float) -> NDArray[np.float32]:
    """Return weights by inverse frequency to this power, 1 on average over the images; absent classes get 0."""
    counts = np.bincount(targets, minlength=classes)
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -power, 0.0)
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), dtype=np.float32)


def loss_of(logits: Sequence[Any], targets: Targets, *, recipe: Recipe, weights: Any) -> Any:
    """Return the recipe's loss of the main logits and, in training, of the auxiliary ones after them."""
    main, *auxiliary = [_one(each, targets, recipe=recipe, weights=weights) for each in logits]
    return main + _AUXILIARY_WEIGHT * sum(auxiliary)


def _one(logits: Any, targets: Targets, *, recipe: Recipe, weights: Any) -> Any:
    classes = torch.from_numpy(targets.classes).to(logits.device)
    if targets.other is not None:
        other, share = (torch.from_numpy(each).to(logits.device) for each in (targets.other, targets.share))
        each = share * _each(logits, classes, recipe, weights) + (1 - share) * _each(logits, other, recipe, weights)
        # As `cross_entropy` does for one class: a mean over the weights of what is shown.
        return each.sum() / (share * weights[classes] + (1 - share) * weights[other]).sum()
    if recipe.loss == "mse":
        wanted = functional.one_hot(classes, logits.shape[1]).to(logits.dtype)
        return functional.mse_loss(torch.softmax(logits, 1), wanted)
    return functional.cross_entropy(logits, classes, weight=weights, label_smoothing=recipe.label_smoothing)


def _each(logits: Any, classes: Any, recipe: Recipe, weights: Any) -> Any:
    return functional.cross_entropy(
        logits, classes, weight=weights, label_smoothing=recipe.label_smoothing, reduction="none"
    )
