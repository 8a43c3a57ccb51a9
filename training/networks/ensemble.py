"""Several networks as one: their logits averaged, so that the errors which they do not share cancel."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class Ensemble(nn.Module):  # type: ignore[misc]  # torch has no types here
    """A finished network to export, not to train. All members take the same pictures and halve them as often.

    The mean of linear heads is one linear head on all last features, so calibration, activation map and export see an
    ordinary network. The statistics that tell strange pictures are the first member's.
    """

    def __init__(self, members: Sequence[Any]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        heads = [member.head for member in members]
        self.head = nn.Linear(sum(head.in_features for head in heads), heads[0].out_features)
        with torch.no_grad():
            self.head.weight.copy_(torch.cat([head.weight for head in heads], 1) / len(heads))
            self.head.bias.copy_(torch.stack([head.bias for head in heads]).mean(0))

    def stages(self, batch: Any) -> list[Any]:
        """Return the first member's features from several depths, and last all members' last ones side by side."""
        first, *others = self.members
        *depths, last = first.stages(batch)
        return [*depths, torch.cat([last, *(member.stages(batch)[-1] for member in others)], 1)]
