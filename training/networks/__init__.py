"""The networks that can be trained; each is a `torch.nn.Module` with the methods of `LesionNetwork`."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch

from training.data import DataError
from training.recipes import Recipe


class LesionNetwork(Protocol):
    """What training and export ask of a network; tensors are `torch.Tensor`."""

    def first_layers(self, batch: Any, *, blocks: int) -> Any:
        """Return the features after this many blocks from a u8 batch [N, S, S, 3], normalised here."""
        ...

    def feature_map(self, features: Any, *, blocks: int) -> Any:
        """Return the last features [N, C, h, w] from what `first_layers` gave."""
        ...

    def stages(self, batch: Any) -> list[Any]:
        """Return features [N, C, h, w] from several depths, the last ones last, from a u8 batch."""
        ...

    def logits(self, features: Any, *, blocks: int) -> list[Any]:
        """Return the logits [N, classes] from what `first_layers` gave; in training, auxiliary heads' after them."""
        ...

    def trained(self, *, blocks: int) -> Any:
        """Yield the parameters that learn when the first blocks are kept."""
        ...

    @property
    def head(self) -> Any:
        """The linear layer on the mean of the last features."""
        ...


def build_network(recipe: Recipe, *, classes: int, weights: Path | None = None) -> Any:
    """Return the recipe's network with a fresh head.

    `weights` is a file to start from: a state dictionary by the names of the network's usual implementation, or the
    checkpoint of an earlier run. Layers of another shape, such as a head for other classes, are left as they are.
    """
    if recipe.network.startswith("efficientnet-lite"):
        from training.networks.efficientnet_lite import efficientnet_lite  # noqa: PLC0415  # loads only what is used

        network = efficientnet_lite(recipe, classes=classes)
    elif recipe.network == "googlenet":
        from training.networks.googlenet import GoogLeNet  # noqa: PLC0415

        network = GoogLeNet(classes=classes, dropout=recipe.dropout)
    else:
        raise ValueError(f"unknown network {recipe.network!r}")
    if weights is not None:
        load_weights(network, weights)
    return network


def load_weights(network: Any, path: Path) -> None:
    """Load every layer of the same name and shape from a state dictionary, or from a checkpoint's averaged network.

    Raises:
        DataError: it is no state dictionary, or fewer than half of the network's layers were found: it is of another.
    """
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
    except (EOFError, KeyError, RuntimeError, ValueError, UnpicklingError) as error:
        raise DataError(f"{path} is no state dictionary that PyTorch saved") from error
    if not isinstance(saved, Mapping):
        raise DataError(f"{path} holds no state dictionary")
    own = network.state_dict()
    # A run's checkpoint holds several things by name, the averaged network among them.
    layers = saved["ema"] if isinstance(saved.get("ema"), Mapping) else saved
    fitting = {
        name: value
        for name, value in layers.items()
        if name in own and isinstance(value, torch.Tensor) and own[name].shape == value.shape
    }
    if len(fitting) * 2 < len(own):
        raise DataError(f"{path} is of another network: {len(fitting)} of {len(own)} layers have its names and shapes")
    network.load_state_dict(fitting, strict=False)
