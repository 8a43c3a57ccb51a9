"""Named recipes: everything that decides how a network is trained, in one frozen record each."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes; a probability is per image, a range is drawn uniformly."""

    rotation_deg: float = 30.0
    crop_fraction: tuple[float, float] = (0.72, 1.0)
    shift_fraction: float = 0.06
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    channel_gain: float = 0.06
    # The data mixes two resolutions that go with the lesion, so sharpness is randomised to be worthless as a cue.
    sharp_probability: float = 0.6
    blur_probability: float = 0.35
    blur_sigma_px: tuple[float, float] = (0.3, 1.3)
    downscale_probability: float = 0.35
    downscale: tuple[float, float] = (0.5, 0.95)
    jpeg_probability: float = 0.4
    jpeg_quality: tuple[int, int] = (40, 95)


@dataclass(frozen=True)
class Recipe:
    """How one network is trained."""

    name: str
    network: str
    size_px: int
    # Early epochs on smaller images cost two thirds and lose nothing once the last ones are full size (FixRes).
    early_size_px: int
    full_size_from_epoch: int
    epochs: int
    batch: int
    peak_lr: float
    warmup_fraction: float
    weight_decay: float
    label_smoothing: float
    dropout: float
    drop_connect: float
    ema_decay: float
    augmentation: Augmentation = Augmentation()

    def size_at(self, epoch: int) -> int:
        """Return the side of the training images in one epoch, counted from 0."""
        return self.size_px if epoch >= self.full_size_from_epoch else self.early_size_px


RECIPES: Final = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="lite0-160",
            network="efficientnet-lite0",
            size_px=160,
            early_size_px=128,
            full_size_from_epoch=9,
            epochs=10,
            batch=32,
            peak_lr=8e-4,
            warmup_fraction=0.1,
            weight_decay=0.02,
            label_smoothing=0.05,
            dropout=0.2,
            drop_connect=0.1,
            ema_decay=0.998,
        ),
    )
}
