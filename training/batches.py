"""Training batches, prepared while the one before is learned from."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.augment import augment
from training.images import CachedImage
from training.losses import Targets
from training.recipes import Recipe
from training.trunk import Trunk

# Keeps the random numbers of the mixtures apart from those of the pictures, which are numbered from 0.
_MIXTURES = 2**31


def batches(
    images: Sequence[CachedImage], *, recipe: Recipe, epoch: int, seed: int
) -> Iterator[tuple[NDArray[np.uint8], Targets]]:
    """Yield the epoch's views [N, S, S, 3] and what they show; seed and epoch alone decide them."""
    order = np.random.default_rng((seed, epoch)).permutation(len(images))
    size_px = recipe.size_at(epoch)
    # The last, shorter batch is left out: one image alone would upset batch normalisation.
    for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
        chosen = order[start : start + recipe.batch]
        views = [
            augment(
                images[index],
                size_px=size_px,
                settings=recipe.augmentation,
                rng=np.random.default_rng((seed, epoch, int(index))),
            )
            for index in chosen
        ]
        stacked, targets = np.stack(views), np.array([images[index].target for index in chosen])
        if recipe.mixes_at(epoch):
            yield mix(
                stacked, targets, alpha=recipe.mix_alpha, rng=np.random.default_rng((seed, epoch, start, _MIXTURES))
            )
        else:
            yield stacked, Targets(targets)


def mix(
    views: NDArray[np.uint8], targets: NDArray[np.int64], *, alpha: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], Targets]:
    """Lay each view over the next one, with shares drawn from Beta(alpha, alpha); the larger share is its own."""
    drawn = rng.beta(alpha, alpha, size=len(views)).astype(np.float32)
    share = np.maximum(drawn, 1 - drawn)
    kept = share.reshape(-1, 1, 1, 1)
    mixed = np.rint(kept * views + (1 - kept) * np.roll(views, -1, axis=0)).astype(np.uint8)
    return mixed, Targets(targets, other=np.roll(targets, -1), share=share)


def prepared(
    images: Sequence[CachedImage], *, trunk: Trunk, recipe: Recipe, epoch: int, seed: int
) -> Iterator[tuple[Any, Targets]]:
    """Yield, as tensors, the features that the trained layers start from, or the views when all layers are trained."""
    source = batches(images, recipe=recipe, epoch=epoch, seed=seed)

    def prepare() -> tuple[Any, Targets] | None:
        batch = next(source, None)
        if batch is None:
            return None
        views, targets = batch
        return (trunk(views) if recipe.frozen_blocks else torch.from_numpy(views)), targets

    with ThreadPoolExecutor(1) as background:
        coming: Future[tuple[Any, Targets] | None] = background.submit(prepare)
        while (batch := coming.result()) is not None:
            coming = background.submit(prepare)
            yield batch
