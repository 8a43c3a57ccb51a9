"""Training batches, prepared while the one before is learned from."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.augment import augment
from training.images import CachedImage
from training.recipes import Recipe
from training.trunk import Trunk


def batches(
    images: Sequence[CachedImage], *, recipe: Recipe, epoch: int, seed: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Yield the epoch's views [N, S, S, 3] and targets [N]; seed and epoch alone decide them."""
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
        yield np.stack(views), np.array([images[index].target for index in chosen])


def prepared(
    images: Sequence[CachedImage], *, trunk: Trunk, recipe: Recipe, epoch: int, seed: int
) -> Iterator[tuple[Any, NDArray[np.int64]]]:
    """Yield, as tensors, the features that the trained layers start from, or the views when all layers are trained."""
    source = batches(images, recipe=recipe, epoch=epoch, seed=seed)

    def prepare() -> tuple[Any, NDArray[np.int64]] | None:
        batch = next(source, None)
        if batch is None:
            return None
        views, targets = batch
        return (trunk(views) if recipe.frozen_blocks else torch.from_numpy(views)), targets

    with ThreadPoolExecutor(1) as background:
        coming: Future[tuple[Any, NDArray[np.int64]] | None] = background.submit(prepare)
        while (batch := coming.result()) is not None:
            coming = background.submit(prepare)
            yield batch
