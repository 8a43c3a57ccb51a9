import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.augment import augment
from training.images import CachedImage, eval_batch
from training.recipes import RECIPES, Augmentation

NONE = Augmentation(
    rotation_deg=0,
    crop_fraction=(1.0, 1.0),
    shift_fraction=0,
    brightness=0,
    contrast=0,
    saturation=0,
    channel_gain=0,
    sharp_probability=0,
    blur_probability=0,
    downscale_probability=0,
    jpeg_probability=0,
)


def _image() -> CachedImage:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    plain = cv2.resize(coarse, (150, 150), interpolation=cv2.INTER_CUBIC)
    sharp = cv2.resize(coarse, (224, 224), interpolation=cv2.INTER_CUBIC)
    return CachedImage(plain=plain, sharp=sharp, target=0)


def _view(seed: int, settings: Augmentation = RECIPES["lite0-160"].augmentation) -> NDArray[np.uint8]:
    return augment(_image(), size_px=160, settings=settings, rng=np.random.default_rng(seed))


def test_the_seed_alone_decides_the_view() -> None:
    np.testing.assert_array_equal(_view(1), _view(1))
    assert (_view(1) != _view(2)).any()


def test_views_are_full_size_rgb_bytes() -> None:
    for seed in range(20):
        assert _view(seed).shape == (160, 160, 3)
        assert _view(seed).dtype == np.uint8


def test_with_all_strengths_at_zero_only_right_angles_and_flips_remain() -> None:
    plain = cv2.resize(_image().plain, (160, 160), interpolation=cv2.INTER_LINEAR).astype(int)
    turned = [np.rot90(p, k) for p in (plain, plain[:, ::-1]) for k in range(4)]
    seen = set()
    for seed in range(60):
        differences = [np.abs(_view(seed, NONE) - other).mean() for other in turned]
        assert min(differences) < 2
        seen.add(int(np.argmin(differences)))
    assert seen == set(range(8))


def test_sharpness_of_views_overlaps_between_the_two_resolutions() -> None:
    # Otherwise sharpness would tell which source an image came from, and with it the class.
    def sharpness(image: CachedImage) -> list[float]:
        views = [
            augment(image, size_px=160, settings=Augmentation(), rng=np.random.default_rng(seed)) for seed in range(80)
        ]
        return [cv2.Laplacian(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.CV_64F).std() for view in views]

    rng = np.random.default_rng(0)
    sharp = cv2.GaussianBlur(rng.integers(0, 256, (224, 224, 3), dtype=np.uint8), (0, 0), 1.0)
    plain = cv2.resize(sharp, (150, 150), interpolation=cv2.INTER_AREA)
    both = sharpness(CachedImage(plain=plain, sharp=sharp, target=0))
    plain_only = sharpness(CachedImage(plain=plain, sharp=None, target=0))
    assert min(plain_only) < np.median(both) < max(plain_only)
    assert min(both) < np.median(plain_only) < max(both)


@pytest.mark.parametrize("size_px", [64, 160])
def test_evaluation_takes_the_sharpest_file(size_px: int) -> None:
    image = _image()
    batch = eval_batch([image, CachedImage(plain=image.plain, sharp=None, target=0)], size_px=size_px)
    assert batch.shape == (2, size_px, size_px, 3)
    assert (batch[0] != batch[1]).any()


@pytest.mark.parametrize("side", [480, 1944])
def test_a_cameras_picture_is_learned_as_smooth_as_a_kiosk_sees_it(side: int) -> None:
    # Texture finer than the network's input, which is all noise to one that takes single pixels of it.
    square = np.random.default_rng(2).integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = CachedImage(plain=square, sharp=None, target=0)
    view = augment(image, size_px=160, settings=NONE, rng=np.random.default_rng(0))
    seen = eval_batch([image], size_px=160)[0]
    assert view.std() == pytest.approx(seen.std(), rel=0.3)
