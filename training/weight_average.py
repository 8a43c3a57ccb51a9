"""Halfway between a run and the network that it went on from: the mean of their weights.

Fine-tuning gains on the pictures at hand and loses on others'; the mean of both ends keeps most of either (Wortsman et
al., "Robust fine-tuning of zero-shot models", CVPR 2022). It holds for networks of one descent alone.
"""

import copy
from pathlib import Path
from typing import Any

from edge.inference.model_package import load_model_package
from training.data import DataError
from training.warm_start import FoldedLayer, Member, fold, members, set_weights


def halfway(network: Any, start: Path, *, started_from: str | None) -> Any:
    """Return a network to infer with, of the mean weights of this one and of its kind's in the package `start`.

    `started_from` is the hash of the package that the network's run went on from.

    Raises:
        DataError: the run did not go on from this package.
    """
    package = load_model_package(start)
    if package.sha256 != started_from:
        raise DataError(f"the run did not go on from {start}: only weights of one descent have a mean of use")
    begun = next(member for member in members(package) if member.fits(network))
    between = [_mean(a, b) for a, b in zip(begun.layers, fold(network), strict=True)]
    head = network.head.weight.detach().numpy(), network.head.bias.detach().numpy()
    made = copy.deepcopy(network)
    set_weights(made, Member(between, _mean(begun.head, FoldedLayer(*head))), views=())
    return made.eval()


def _mean(a: FoldedLayer, b: FoldedLayer) -> FoldedLayer:
    return FoldedLayer(weight=(a.weight + b.weight) / 2, bias=(a.bias + b.bias) / 2)
