"""GoogLeNet (Szegedy et al. 2015, table 1), with batch normalisation, its layers named as torchvision names them.

So a torchvision ImageNet file loads. That file's third branch has a 3x3 kernel where the paper has 5x5; so has this.
"""

from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import nn
from torch.nn import functional

# Table 1 of the paper: 1x1, 3x3 reduced and full, 5x5 reduced and full, pooled projection.
_INCEPTIONS: Final = {
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}
_AUXILIARY_DROPOUT: Final = 0.7


class GoogLeNet(nn.Module):  # type: ignore[misc]  # torch has no types here
    """22 layers deep; two auxiliary heads that only training uses."""

    def __init__(self, *, classes: int, dropout: float) -> None:
        super().__init__()
        self.conv1 = _Convolution(3, 64, kernel_size=7, stride=2, padding=3)
        self.conv2 = _Convolution(64, 64, kernel_size=1)
        self.conv3 = _Convolution(64, 192, kernel_size=3, padding=1)
        for name, channels in _INCEPTIONS.items():
            self.add_module(f"inception{name}", _Inception(*channels))
        self.aux1 = _AuxiliaryHead(512, classes)
        self.aux2 = _AuxiliaryHead(528, classes)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.01, a=-0.02, b=0.02)

    def first_layers(self, batch: Any, *, blocks: int) -> Any:
        """Return the standardised pictures, (x/255 - 0.5) / 0.5, which is what torchvision's weights expect."""
        if blocks:
            raise ValueError("GoogLeNet is trained whole: no block can be kept")
        pictures = (batch.permute(0, 3, 1, 2).to(torch.float32) - 127.5) / 127.5
        return pictures.contiguous(memory_format=torch.channels_last)

    def feature_map(self, features: Any, *, blocks: int) -> Any:
        """Return the last features [N, 1024, h, w]."""
        del blocks
        return self._maps(features)[-1]

    def stages(self, batch: Any) -> list[Any]:
        """Return the features that the auxiliary heads look at and the last ones, from a u8 batch."""
        return list(self._maps(self.first_layers(batch, blocks=0)))

    def logits(self, features: Any, *, blocks: int) -> list[Any]:
        """Return the logits, in training with those of the two auxiliary heads."""
        del blocks
        first, second, last = self._maps(features)
        main = self.fc(self.dropout(last.mean((2, 3))))
        return [main, self.aux1(first), self.aux2(second)] if self.training else [main]

    def trained(self, *, blocks: int) -> Iterator[Any]:
        """Yield all parameters."""
        del blocks
        yield from self.parameters()

    @property
    def head(self) -> Any:
        """The classifier."""
        return self.fc

    def _maps(self, pictures: Any) -> tuple[Any, Any, Any]:
        """Return what the two auxiliary heads and the classifier look at."""
        x = self.conv3(self.conv2(_halved(self.conv1(pictures), kernel=3)))
        x = self.inception3b(self.inception3a(_halved(x, kernel=3)))
        first = self.inception4a(_halved(x, kernel=3))
        second = self.inception4d(self.inception4c(self.inception4b(first)))
        x = self.inception4e(second)
        return first, second, self.inception5b(self.inception5a(_halved(x, kernel=2)))


def _halved(features: Any, *, kernel: int) -> Any:
    return functional.max_pool2d(features, kernel, stride=2, ceil_mode=True)


class _Convolution(nn.Module):  # type: ignore[misc]
    def __init__(self, inputs: int, outputs: int, **shape: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, bias=False, **shape)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x: Any) -> Any:
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class _Inception(nn.Module):  # type: ignore[misc]
    def __init__(  # noqa: PLR0917  # the columns of the paper's table
        self, inputs: int, one: int, three_reduced: int, three: int, five_reduced: int, five: int, pooled: int
    ) -> None:
        super().__init__()
        self.branch1 = _Convolution(inputs, one, kernel_size=1)
        self.branch2 = nn.Sequential(
            _Convolution(inputs, three_reduced, kernel_size=1),
            _Convolution(three_reduced, three, kernel_size=3, padding=1),
        )
        self.branch3 = nn.Sequential(
            _Convolution(inputs, five_reduced, kernel_size=1),
            _Convolution(five_reduced, five, kernel_size=3, padding=1),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1),
            _Convolution(inputs, pooled, kernel_size=1),
        )

    def forward(self, x: Any) -> Any:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class _AuxiliaryHead(nn.Module):  # type: ignore[misc]
    def __init__(self, inputs: int, classes: int) -> None:
        super().__init__()
        self.conv = _Convolution(inputs, 128, kernel_size=1)
        self.fc1 = nn.Linear(2048, 1024)
        self.fc2 = nn.Linear(1024, classes)
        self.dropout = nn.Dropout(_AUXILIARY_DROPOUT)

    def forward(self, x: Any) -> Any:
        x = torch.flatten(self.conv(functional.adaptive_avg_pool2d(x, 4)), 1)
        return self.fc2(self.dropout(functional.relu(self.fc1(x))))
