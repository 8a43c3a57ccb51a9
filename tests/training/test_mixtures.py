from dataclasses import replace

import numpy as np
import pytest
import torch

from training.batches import batches, mix
from training.images import CachedImage
from training.losses import Targets, loss_of
from training.recipes import RECIPES

RECIPE = replace(RECIPES["lite2-224-mixed"], sizes_px=((0, 32),), epochs=3, unmixed_epochs=1, batch=4)
SHADES = np.array([0, 80, 160, 240], dtype=np.uint8)


def _images() -> list[CachedImage]:
    pictures = [np.full((40, 40, 3), shade, dtype=np.uint8) for shade in SHADES]
    return [CachedImage(plain=picture, sharp=None, target=number) for number, picture in enumerate(pictures)]


def test_a_mixture_shows_two_pictures_by_their_shares() -> None:
    views = SHADES[:, np.newaxis, np.newaxis, np.newaxis] * np.ones((4, 2, 2, 3), dtype=np.uint8)
    mixed, targets = mix(views, np.arange(4), alpha=0.4, rng=np.random.default_rng(0))
    assert targets.other is not None
    assert targets.share is not None
    assert targets.classes.tolist() == [0, 1, 2, 3]
    assert targets.other.tolist() == [1, 2, 3, 0]
    assert (targets.share >= 0.5).all()
    assert (targets.share <= 1).all()
    expected = targets.share * SHADES[targets.classes] + (1 - targets.share) * SHADES[targets.other]
    assert np.abs(mixed - expected[:, np.newaxis, np.newaxis, np.newaxis]).max() <= 0.5
    assert mixed.dtype == np.uint8


def test_the_same_mixtures_come_again_and_none_in_the_last_epochs() -> None:
    first, again = (list(batches(_images(), recipe=RECIPE, epoch=1, seed=3)) for _ in range(2))
    for (views, targets), (same_views, same_targets) in zip(first, again, strict=True):
        assert (views == same_views).all()
        assert targets.share is not None
        assert same_targets.share is not None
        assert (targets.share == same_targets.share).all()
    assert [targets.other for _, targets in batches(_images(), recipe=RECIPE, epoch=2, seed=3)] == [None]


@pytest.mark.parametrize("share", [1.0, 0.7])
def test_the_loss_of_a_mixture_lies_between_those_of_its_pictures(share: float) -> None:
    logits = [torch.from_numpy(np.random.default_rng(1).normal(size=(6, 7)).astype(np.float32))]
    own, other = np.array([0, 1, 2, 3, 4, 5]), np.array([6, 5, 4, 2, 1, 0])
    weights = torch.ones(7)
    shares = np.full(6, share, dtype=np.float32)
    mixture, first, second = (
        loss_of(logits, targets, recipe=RECIPE, weights=weights).item()
        for targets in (Targets(own, other=other, share=shares), Targets(own), Targets(other))
    )
    assert mixture == pytest.approx(share * first + (1 - share) * second, rel=1e-5)
