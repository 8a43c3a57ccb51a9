"""Start a training from a model package: what a kiosk runs is also where the next training may begin.

A package holds convolutions with their batch normalisation folded in. `unfold` gives each normalisation back the
statistics that it sees on training pictures, and the scale and shift that undo them: the network computes the same as
before and can be trained on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from edge.inference.model_package import ModelPackage, load_model_package
from edge.inference.openvino_classifier import read_network
from training.data import DataError
from training.networks import build_network
from training.recipes import Recipe

_COLOURS: Final = 3


class WarmStartError(DataError):
    """The package's network is not of the recipe's kind."""


@dataclass(frozen=True)
class FoldedLayer:
    """One convolution or head of a package: weights, and a bias, which a convolution's folded normalisation left."""

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class Member:
    """One network of a package: its convolutions from input to output, and its head with the calibration undone."""

    layers: list[FoldedLayer]
    head: FoldedLayer

    def fits(self, network: Any) -> bool:
        """Whether the network's convolutions have these shapes."""
        shapes = [tuple(conv.weight.shape) for conv, _ in network.convolutions()]
        return shapes == [layer.weight.shape for layer in self.layers]


def start_from_package(network: Any, path: Path, *, views: Sequence[NDArray[np.uint8]]) -> None:
    """Give the network the package's convolutions; its head stays fresh unless labels agree in number.

    Of several networks in one package the first of the recipe's kind is taken; the bias of its head is their mean's.
    `views` are batches [N, S, S, 3] of training pictures, from which the statistics are taken.

    Raises:
        WarmStartError: no network of the package is of the recipe's kind.
    """
    if not hasattr(network, "convolutions"):
        raise WarmStartError(f"{type(network).__name__} cannot start from a package: start it from a state dictionary")
    package = load_model_package(path)
    for member in members(package):
        if member.fits(network):
            _start(network, member, views=views)
            return
    raise WarmStartError(f"{path}: the package's network has other layers than the recipe's")


def network_of(path: Path, *, recipes: Sequence[Recipe]) -> Any:
    """Return the network of a package, to infer with: the first of the recipes' networks that its layers fit.

    Raises:
        WarmStartError: none fits, or the package holds several networks.
    """
    package = load_model_package(path)
    member, *others = members(package)
    if others:
        raise WarmStartError(f"{path} holds {len(others) + 1} networks: name the packages that they came from")
    for recipe in recipes:
        network = build_network(recipe, classes=len(package.manifest.labels))
        if hasattr(network, "convolutions") and member.fits(network):
            _start(network, member, views=())
            return network.eval()
    raise WarmStartError(f"{path}: its network is none of {', '.join(recipe.name for recipe in recipes)}")


def members(package: ModelPackage) -> list[Member]:
    """Return the package's networks, in their order, each with its part of the head.

    Raises:
        WarmStartError: the package's network cannot be read.
    """
    head, networks = _head(package), _folded_networks(package)
    starts = np.cumsum([0, *(len(layers[-1].bias) for layers in networks)])
    if starts[-1] != head.weight.shape[1]:
        raise WarmStartError("the package's classifier does not stand on its networks' last features")
    return [
        # The mean of linear heads is one head; this is what was halved, or divided by three, to make it.
        Member(layers, FoldedLayer(weight=head.weight[:, start:end] * len(networks), bias=head.bias))
        for layers, (start, end) in zip(networks, pairwise(starts), strict=True)
    ]


def _start(network: Any, member: Member, *, views: Sequence[NDArray[np.uint8]]) -> None:
    unfold(network, member.layers, views=views)
    if member.head.weight.shape == tuple(network.head.weight.shape):
        with torch.no_grad():
            network.head.weight.copy_(torch.from_numpy(member.head.weight))
            network.head.bias.copy_(torch.from_numpy(member.head.bias))


def _folded_networks(package: ModelPackage) -> list[list[FoldedLayer]]:
    """Return the convolutions of each network from input to output."""
    networks: list[list[FoldedLayer]] = []
    for node in read_network(package).get_ordered_ops():
        if node.get_type_name() not in ("Convolution", "GroupConvolution"):
            continue
        weight = _constant(node.input(1).get_source_output().get_node())
        if node.get_type_name() == "GroupConvolution":
            # [groups, 1, 1, h, w] here, [groups, 1, h, w] in torch.
            weight = weight[:, 0]
        (follower,) = (target.get_node() for target in node.output(0).get_target_inputs())
        if follower.get_type_name() != "Add":
            raise WarmStartError(f"{node.get_friendly_name()} is followed by {follower.get_type_name()}, not a bias")
        bias = _constant(follower.input(1).get_source_output().get_node()).reshape(-1)
        if weight.shape[1] == _COLOURS and node.get_type_name() == "Convolution":
            networks.append([])
        if not networks:
            raise WarmStartError(f"{node.get_friendly_name()}: the package's network does not begin with a picture")
        networks[-1].append(FoldedLayer(weight=weight, bias=bias))
    return networks


def unfold(network: Any, layers: Sequence[FoldedLayer], *, views: Sequence[NDArray[np.uint8]]) -> None:
    """Load folded layers into a network with batch normalisation, without changing what is computed.

    Without views the normalisations keep no statistics: enough to infer with, not to train on.
    """
    pairs = network.convolutions()
    with torch.no_grad():
        for (conv, norm), layer in zip(pairs, layers, strict=True):
            conv.weight.copy_(torch.from_numpy(layer.weight))
            norm.weight.fill_(1.0)
            norm.bias.copy_(torch.from_numpy(layer.bias))
            norm.running_mean.zero_()
            norm.running_var.fill_(1.0 - norm.eps)
        if not views:
            return
        for norm, (mean, variance) in _statistics(network, [norm for _, norm in pairs], views=views):
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
            norm.weight.copy_((variance + norm.eps).sqrt())
            norm.bias.add_(mean)


def _statistics(network: Any, norms: Sequence[Any], *, views: Sequence[NDArray[np.uint8]]) -> list[tuple[Any, Any]]:
    sums: dict[Any, list[Any]] = {norm: [0, 0, 0] for norm in norms}

    def collect(norm: Any, inputs: Any) -> None:
        values = inputs[0].double()
        entry = sums[norm]
        entry[0] = entry[0] + values.sum((0, 2, 3))
        entry[1] = entry[1] + values.square().sum((0, 2, 3))
        entry[2] += values.numel() // values.shape[1]

    hooks = [norm.register_forward_pre_hook(collect) for norm in norms]
    network.eval()
    for batch in views:
        network.feature_map(network.first_layers(torch.from_numpy(batch), blocks=0), blocks=0)
    for hook in hooks:
        hook.remove()
    return [
        (norm, ((total / count).float(), (square / count - (total / count).square()).clamp_min(0).float()))
        for norm, (total, square, count) in sums.items()
    ]


def _head(package: ModelPackage) -> FoldedLayer:
    """Return the classifier's weights, the package's calibration undone."""
    manifest = package.manifest
    classes = len(manifest.labels)
    for node in read_network(package).get_ordered_ops():
        if node.get_type_name() != "MatMul" or list(node.get_output_shape(0))[-1] != classes:
            continue
        (add,) = (target.get_node() for target in node.output(0).get_target_inputs())
        # Slices of the same weights make the activation map; only the classifier is followed by its bias.
        if add.get_type_name() == "Add":
            weight = _constant(node.input(1).get_source_output().get_node())
            bias = _constant(add.input(1).get_source_output().get_node()).reshape(-1)
            shift = np.array(manifest.calibration_bias or np.zeros(classes), dtype=np.float32)
            return FoldedLayer(weight=weight * manifest.temperature, bias=(bias - shift) * manifest.temperature)
    raise WarmStartError("the package's network has no classifier that can be read")


def _constant(node: Any) -> NDArray[np.float32]:
    if node.get_type_name() != "Constant":
        raise WarmStartError(f"{node.get_friendly_name()} is no constant")
    # A copy: the data belong to the graph, which is gone when the layers are used.
    return np.array(node.get_data(), dtype=np.float32)
