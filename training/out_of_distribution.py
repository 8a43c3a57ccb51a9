"""How well a package tells pictures it can judge from those it cannot: faces, photographs, blank and noise frames."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import skimage.data
from numpy.typing import NDArray

from edge.inference.classifier import Classifier
from edge.inference.model_package import Metrics
from edge.inference.preprocess import ImageRefused, decode_image
from training import weighted
from training.card import REFUSAL
from training.data import DataError
from training.resampling import Defined, estimate

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})
# Those that come with scikit-image itself; others would be fetched.
_PHOTOGRAPHS: Final = ("astronaut", "chelsea", "coffee", "rocket", "cat")
_CROPS_OF_A_PHOTOGRAPH: Final = 12
_FRAME_PX: Final = 320
_NONE: Final = "no picture"

Named = tuple[str, NDArray[np.uint8]]
"""A picture and its unit: what a resample draws whole."""


@dataclass(frozen=True)
class Judged:
    """One package's answers on pictures of one source: scores [N], which it refuses, and which belong together."""

    distance: NDArray[np.float64]
    refused: NDArray[np.bool_]
    units: tuple[str, ...]


def judge(classifier: Classifier, pictures: Iterable[Named]) -> Judged:
    """Classify each picture; refused are those unlike the training images or with views that disagree."""
    units, predictions = [], []
    for unit, picture in pictures:
        units.append(unit)
        predictions.append(classifier.classify(picture))
    return Judged(
        distance=np.array([p.ood_score for p in predictions]),
        refused=np.array([not (p.in_distribution and p.views_agree) for p in predictions]),
        units=tuple(units),
    )


def measure_sources(inside: Judged, outside: Mapping[str, Judged], *, data: str, seed: int = 0) -> tuple[Metrics, ...]:
    """Return for each source the AUROC of the distance against the pictures inside, and the share refused.

    Intervals come from resampling units, such as lesions, or the photographs that crops were taken from; `data` says
    what lies inside.
    """
    kept = estimate({"refused": weighted.defined_share(inside.refused, _NONE)}, inside.units, seed=seed)
    return (
        Metrics(
            split=f"{REFUSAL}{data}, which should be judged",
            n=len(inside.units),
            lesions=len(set(inside.units)),
            figures=kept,
        ),
        *(_measure(name, judged, inside, seed=seed) for name, judged in outside.items()),
    )


def _measure(name: str, judged: Judged, inside: Judged, *, seed: int) -> Metrics:
    strange = np.repeat([False, True], [len(inside.units), len(judged.units)])
    distance = np.concatenate([inside.distance, judged.distance])
    both = (*(f"inside {unit}" for unit in inside.units), *(f"outside {unit}" for unit in judged.units))
    area = estimate({"auroc": Defined(weighted.roc_auc(strange, distance), _NONE)}, both, seed=seed)
    refused = estimate({"refused": weighted.defined_share(judged.refused, _NONE)}, judged.units, seed=seed)
    return Metrics(
        split=f"{REFUSAL}{name}", n=len(judged.units), lesions=len(set(judged.units)), figures=area | refused
    )


def folder_pictures(folder: Path, *, limit: int, seed: int = 0) -> Iterator[Named]:
    """Yield up to `limit` readable pictures below a folder, drawn at random."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise DataError(f"{folder} holds no JPEG or PNG picture")
    order = np.random.default_rng(seed).permutation(len(files))
    yielded = 0
    for index in order:
        if yielded == limit:
            return
        try:
            picture = decode_image(files[index].read_bytes())
        except ImageRefused:
            continue
        yield files[index].as_posix(), picture
        yielded += 1


def photographs(*, seed: int = 0) -> Iterator[Named]:
    """Yield random square crops of scikit-image's everyday photographs."""
    rng = np.random.default_rng(seed)
    for name in _PHOTOGRAPHS:
        picture = np.asarray(getattr(skimage.data, name)(), dtype=np.uint8)
        height, width = picture.shape[:2]
        for _ in range(_CROPS_OF_A_PHOTOGRAPH):
            side = int(rng.uniform(0.5, 1.0) * min(height, width))
            top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
            yield name, np.ascontiguousarray(picture[top : top + side, left : left + side])


def blank_frames(*, count: int, seed: int = 0) -> Iterator[Named]:
    """Yield frames of one colour with a little sensor noise: black, white, grey, skin-like and others."""
    rng = np.random.default_rng(seed)
    colours: Sequence[Sequence[int]] = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (224, 172, 150), (141, 85, 60)]
    for number in range(count):
        colour = colours[number] if number < len(colours) else rng.integers(0, 256, 3)
        noise = rng.normal(0, rng.uniform(0, 4), (_FRAME_PX, _FRAME_PX, 3))
        yield f"{number}", np.clip(np.asarray(colour) + noise, 0, 255).astype(np.uint8)


def noise_frames(*, count: int, seed: int = 0) -> Iterator[Named]:
    """Yield frames of uniform or Gaussian noise, grey or coloured."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        channels = 1 if number % 2 else 3
        values = rng.normal(128, rng.uniform(20, 90), (_FRAME_PX, _FRAME_PX, channels))
        frame = np.clip(np.broadcast_to(values, (_FRAME_PX, _FRAME_PX, 3)), 0, 255).astype(np.uint8)
        yield f"{number}", frame
