"""How well a package tells pictures it can judge from those it cannot: faces, photographs, blank and noise frames."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import skimage.data
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from edge.inference.classifier import Classifier
from edge.inference.model_package import Estimate, Metrics
from edge.inference.preprocess import ImageRefused, decode_image

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png"})
_BOOTSTRAP_ROUNDS: Final = 500
# Those that come with scikit-image itself; others would be fetched.
_PHOTOGRAPHS: Final = ("astronaut", "chelsea", "coffee", "rocket", "cat")
_CROPS_OF_A_PHOTOGRAPH: Final = 12
_FRAME_PX: Final = 320


@dataclass(frozen=True)
class Judged:
    """One package's answers on pictures of one source: scores [N], and which it refuses."""

    distance: NDArray[np.float64]
    refused: NDArray[np.bool_]


def judge(classifier: Classifier, pictures: Iterator[NDArray[np.uint8]]) -> Judged:
    """Classify each picture; refused are those unlike the training images or with views that disagree."""
    predictions = [classifier.classify(picture) for picture in pictures]
    return Judged(
        distance=np.array([p.ood_score for p in predictions]),
        refused=np.array([not (p.in_distribution and p.views_agree) for p in predictions]),
    )


def measure_sources(inside: Judged, outside: Mapping[str, Judged], *, seed: int = 0) -> tuple[Metrics, ...]:
    """Return for each source the AUROC of the distance against the pictures inside, and the share refused."""
    rng = np.random.default_rng(seed)
    kept = Metrics(
        split="refusal: lesions of the validation split",
        n=len(inside.distance),
        lesions=len(inside.distance),
        figures={"refused": _share(inside.refused, rng)},
    )
    return (kept, *(_measure(name, judged, inside, rng) for name, judged in outside.items()))


def _measure(name: str, judged: Judged, inside: Judged, rng: np.random.Generator) -> Metrics:
    rounds = [
        _auroc(rng.choice(inside.distance, len(inside.distance)), rng.choice(judged.distance, len(judged.distance)))
        for _ in range(_BOOTSTRAP_ROUNDS)
    ]
    low, high = np.quantile(rounds, (0.025, 0.975))
    value = _auroc(inside.distance, judged.distance)
    return Metrics(
        split=f"refusal: {name}",
        n=len(judged.distance),
        lesions=len(judged.distance),
        figures={
            "auroc": Estimate(value=round(value, 4), low=round(float(low), 4), high=round(float(high), 4)),
            "refused": _share(judged.refused, rng),
        },
    )


def _auroc(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> float:
    truth = np.repeat([0, 1], [len(inside), len(outside)])
    return float(roc_auc_score(truth, np.concatenate([inside, outside])))


def _share(hits: NDArray[np.bool_], rng: np.random.Generator) -> Estimate:
    rounds = [rng.choice(hits, len(hits)).mean() for _ in range(_BOOTSTRAP_ROUNDS)]
    low, high = np.quantile(rounds, (0.025, 0.975))
    return Estimate(value=round(float(hits.mean()), 4), low=round(float(low), 4), high=round(float(high), 4))


def folder_pictures(folder: Path, *, limit: int, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield up to `limit` readable pictures below a folder, drawn at random."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not files:
        raise FileNotFoundError(f"{folder} holds no JPEG or PNG picture")
    order = np.random.default_rng(seed).permutation(len(files))
    yielded = 0
    for index in order:
        if yielded == limit:
            return
        try:
            picture = decode_image(files[index].read_bytes())
        except ImageRefused:
            continue
        yield picture
        yielded += 1


def photographs(*, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield random square crops of scikit-image's everyday photographs."""
    rng = np.random.default_rng(seed)
    for name in _PHOTOGRAPHS:
        picture = np.asarray(getattr(skimage.data, name)(), dtype=np.uint8)
        height, width = picture.shape[:2]
        for _ in range(_CROPS_OF_A_PHOTOGRAPH):
            side = int(rng.uniform(0.5, 1.0) * min(height, width))
            top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
            yield np.ascontiguousarray(picture[top : top + side, left : left + side])


def blank_frames(*, count: int, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of one colour with a little sensor noise: black, white, grey, skin-like and others."""
    rng = np.random.default_rng(seed)
    colours: Sequence[Sequence[int]] = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (224, 172, 150), (141, 85, 60)]
    for number in range(count):
        colour = colours[number] if number < len(colours) else rng.integers(0, 256, 3)
        noise = rng.normal(0, rng.uniform(0, 4), (_FRAME_PX, _FRAME_PX, 3))
        yield np.clip(np.asarray(colour) + noise, 0, 255).astype(np.uint8)


def noise_frames(*, count: int, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of uniform or Gaussian noise, grey or coloured."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        channels = 1 if number % 2 else 3
        values = rng.normal(128, rng.uniform(20, 90), (_FRAME_PX, _FRAME_PX, channels))
        yield np.clip(np.broadcast_to(values, (_FRAME_PX, _FRAME_PX, 3)), 0, 255).astype(np.uint8)
