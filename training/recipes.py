"""Named recipes: everything that decides how a network is trained, in one frozen record each."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Augmentation:
    """Strengths of the random changes; a probability is per image, a range is drawn uniformly."""

    rotation_deg: float = 30.0
    # Quarter turns besides: dermoscopy has no up.
    quarter_turns: bool = True
    crop_fraction: tuple[float, float] = (0.72, 1.0)
    shift_fraction: float = 0.06
    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    channel_gain: float = 0.06
    gamma: float = 0.0
    # The data mixes two resolutions that go with the lesion, so sharpness is randomised to be worthless as a cue.
    sharp_probability: float = 0.6
    blur_probability: float = 0.35
    blur_sigma_px: tuple[float, float] = (0.3, 1.3)
    downscale_probability: float = 0.35
    downscale: tuple[float, float] = (0.5, 0.95)
    jpeg_probability: float = 0.4
    jpeg_quality: tuple[int, int] = (40, 95)
    # Dark corners and hair go with the source and the class in the data; drawn at random they say nothing.
    vignette_probability: float = 0.0
    hair_probability: float = 0.0


# Other clinics' dermoscopes differ in white balance, exposure, field of view, tube and compression.
OTHER_DERMOSCOPES: Final = Augmentation(
    rotation_deg=45.0,
    crop_fraction=(0.6, 1.12),
    shift_fraction=0.08,
    brightness=0.25,
    contrast=0.25,
    saturation=0.3,
    channel_gain=0.12,
    gamma=0.25,
    downscale=(0.4, 0.95),
    jpeg_quality=(30, 95),
    vignette_probability=0.25,
    hair_probability=0.2,
)

# The seed paper's: rotation by up to 90 degrees either way, scale 1 to 2, flips.
PUBLISHED: Final = Augmentation(
    rotation_deg=90.0,
    quarter_turns=False,
    crop_fraction=(0.5, 1.0),
    shift_fraction=0.0,
    brightness=0.0,
    contrast=0.0,
    saturation=0.0,
    channel_gain=0.0,
    sharp_probability=1.0,
    blur_probability=0.0,
    downscale_probability=0.0,
    jpeg_probability=0.0,
)


@dataclass(frozen=True)
class Recipe:
    """How one network is trained."""

    name: str
    network: str
    # (first epoch, side): early epochs on smaller images cost less, and lose little if the last are full size (FixRes).
    sizes_px: tuple[tuple[int, int], ...]
    epochs: int
    batch: int
    peak_lr: float
    weight_decay: float
    warmup_fraction: float = 0.05
    label_smoothing: float = 0.0
    dropout: float = 0.2
    drop_connect: float = 0.0
    # 0 keeps the last weights instead of their moving average.
    ema_decay: float = 0.0
    loss: Literal["cross-entropy", "mse"] = "cross-entropy"
    # Weights of the classes are their inverse frequency to this power.
    class_balance: float = 0.5
    optimizer: Literal["adamw", "adam"] = "adamw"
    schedule: Literal["one-cycle", "constant"] = "one-cycle"
    gradient_limit: float | None = 5.0
    imagenet: bool = True
    # Blocks after the stem that are kept as they start; they then run in OpenVINO at a fraction of the cost.
    frozen_blocks: int = 0
    # Beta(a, a) of the share of each picture in a mixture of two (Zhang et al. 2018); 0 mixes none.
    mix_alpha: float = 0.0
    # The last epochs see pictures as they are.
    unmixed_epochs: int = 0
    augmentation: Augmentation = Augmentation()

    @property
    def size_px(self) -> int:
        """The side of the finished network's input."""
        return self.sizes_px[-1][1]

    def size_at(self, epoch: int) -> int:
        """Return the side of the training images in one epoch, counted from 0."""
        return [size for first, size in self.sizes_px if first <= epoch][-1]

    def mixes_at(self, epoch: int) -> bool:
        """Tell whether an epoch, counted from 0, learns from mixtures of two pictures."""
        return self.mix_alpha > 0 and epoch < self.epochs - self.unmixed_epochs


RECIPES: Final = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="lite0-160",
            network="efficientnet-lite0",
            sizes_px=((0, 128), (9, 160)),
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
        # Goes on from a package of lite0-160: its first layers are kept, the rest learns on larger and harsher images.
        Recipe(
            name="lite0-224",
            network="efficientnet-lite0",
            sizes_px=((0, 160), (12, 224)),
            epochs=19,
            batch=32,
            peak_lr=6e-4,
            warmup_fraction=0.05,
            weight_decay=0.03,
            label_smoothing=0.05,
            dropout=0.3,
            drop_connect=0.15,
            ema_decay=0.999,
            frozen_blocks=5,
            augmentation=OTHER_DERMOSCOPES,
        ),
        # Wider and deeper, from ImageNet; first layers kept, so that two cores train it in about an hour and a half.
        Recipe(
            name="lite2-224",
            network="efficientnet-lite2",
            sizes_px=((0, 160), (6, 224)),
            epochs=11,
            batch=32,
            peak_lr=6e-4,
            warmup_fraction=0.08,
            weight_decay=0.03,
            label_smoothing=0.05,
            dropout=0.3,
            drop_connect=0.15,
            ema_decay=0.999,
            frozen_blocks=7,
            augmentation=OTHER_DERMOSCOPES,
        ),
        # Many more passes than lite2-224, from ImageNet; mixtures keep it from learning the pictures by heart.
        Recipe(
            name="lite2-224-mixed",
            network="efficientnet-lite2",
            sizes_px=((0, 160), (13, 192), (21, 224)),
            epochs=27,
            batch=32,
            peak_lr=6e-4,
            warmup_fraction=0.05,
            weight_decay=0.05,
            label_smoothing=0.02,
            dropout=0.3,
            drop_connect=0.2,
            ema_decay=0.999,
            frozen_blocks=4,
            mix_alpha=0.4,
            unmixed_epochs=3,
            augmentation=OTHER_DERMOSCOPES,
        ),
        # Yu et al. 2022: GoogLeNet, 224 px, Adam 1e-4, mean square error and L2. Its weights of L2, batch size and
        # epochs are not in the paper; MATLAB's default of L2 (1e-4) is taken, and the epochs of ours from scratch.
        Recipe(
            name="published",
            network="googlenet",
            sizes_px=((0, 224),),
            epochs=8,
            batch=32,
            peak_lr=1e-4,
            weight_decay=1e-4,
            loss="mse",
            class_balance=0.0,
            optimizer="adam",
            schedule="constant",
            gradient_limit=None,
            imagenet=False,
            augmentation=PUBLISHED,
        ),
        # Ours without ImageNet, to compare recipes rather than what they start from.
        Recipe(
            name="lite0-scratch",
            network="efficientnet-lite0",
            sizes_px=((0, 128), (5, 224)),
            epochs=8,
            batch=32,
            peak_lr=2e-3,
            warmup_fraction=0.1,
            weight_decay=0.02,
            label_smoothing=0.05,
            drop_connect=0.1,
            ema_decay=0.998,
            imagenet=False,
            augmentation=OTHER_DERMOSCOPES,
        ),
        Recipe(
            name="lite0-scalp",
            network="efficientnet-lite0",
            sizes_px=((0, 160), (6, 224)),
            epochs=9,
            batch=32,
            peak_lr=6e-4,
            weight_decay=0.03,
            label_smoothing=0.05,
            drop_connect=0.1,
            ema_decay=0.99,
            frozen_blocks=3,
            augmentation=OTHER_DERMOSCOPES,
        ),
    )
}
