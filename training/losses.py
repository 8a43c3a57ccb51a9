"""What a network is punished for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.recipes import Recipe

# Of each auxiliary head beside the main one (Szegedy et al. 2015, section 5).
_AUXILIARY_WEIGHT = 0.3


def class_weights(targets: NDArray[np.int64], *, classes: int, power: float) -> NDArray[np.float32]:
    """Return weights by inverse frequency to this power, 1 on average over the images; absent classes get 0."""
    counts = np.bincount(targets, minlength=classes)
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -power, 0.0)
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), dtype=np.float32)


def loss_of(logits: Sequence[Any], targets: Any, *, recipe: Recipe, weights: Any) -> Any:
    """Return the recipe's loss of the main logits and, in training, of the auxiliary ones after them."""
    main, *auxiliary = [_one(each, targets, recipe=recipe, weights=weights) for each in logits]
    return main + _AUXILIARY_WEIGHT * sum(auxiliary)


def _one(logits: Any, targets: Any, *, recipe: Recipe, weights: Any) -> Any:
    if recipe.loss == "mse":
        wanted = functional.one_hot(targets, logits.shape[1]).to(logits.dtype)
        return functional.mse_loss(torch.softmax(logits, 1), wanted)
    return functional.cross_entropy(logits, targets, weight=weights, label_smoothing=recipe.label_smoothing)
