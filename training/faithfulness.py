"""Do the heat maps point at what decides? Deletion and insertion curves (Petsiuk, Das, Saenko: RISE, BMVC 2018).

Deletion wipes out the picture from its most to its least important place and looks how fast the score falls; insertion
brings it back in that order and looks how fast the score rises. A map that points at what decides has a small area
under the deletion curve and a large one under the insertion curve; `overall` is insertion less deletion (Zhang, Rao,
Yang: Group-CAM, 2021), and what is demanded is that it beats both rivals.

What is measured is the map as it is drawn for people. The rivals: a centred Gaussian, since lesions lie in the middle
and a map that only says "the middle" beats chance; and random maps of the same grain as the network's own, drawn in the
same way, so that drawing alone gains nothing. Finer random maps would leave a mottled picture, which the network
takes for a malignant lesion wherever the spots are, so that they would lose at deletion and win at insertion for a
reason that has nothing to do with the place. Part of that is left: a lesion that is brought back in pieces has jagged
edges, which alone raise the score.

Where the lesions of a data set were centred by hand a centred Gaussian all but outlines them: on HAM10000 `val` neither
the map's bare cells nor maps made by covering each place in turn, which ask the network itself, beat it; the cells'
evidence spread over what they saw does. A kiosk's pictures are not centred so; `off_centre` takes the middle away, and
there a map has to find the lesion.

Only pictures with a score in the moderate or high tier are of use: the map shows evidence for the positive labels.
Needs no torch.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.inference.classifier import Classifier
from edge.inference.explain import spread
from edge.inference.model_package import Estimate, Metrics
from edge.inference.preprocess import to_input
from training.card import FAITHFULNESS
from training.data import DataError

_STEPS: Final = 16
_CELLS: Final = 16
"""Places a side that are changed as one: finer than any map, and few enough that no place is a single pixel."""
_BLUR_SHARE: Final = 0.1
_PART: Final = 0.7
"""Of the side that an off-centre picture keeps: a lesion in the middle comes to lie up to 21 % of the new side away."""
_ROUNDS: Final = 2000
_DIGITS: Final = 4


Curve = NDArray[np.float64]


@dataclass(frozen=True)
class Areas:
    """Areas under the two curves of one picture and one order of its places, each 0 to 1."""

    deletion: float
    insertion: float


@dataclass(frozen=True)
class Advantage:
    """Mean over the pictures of how much better the network's own maps are than a rival's; positive is better."""

    deletion: Estimate
    insertion: Estimate
    overall: Estimate


@dataclass(frozen=True)
class Faithfulness:
    """The advantages over `n` pictures with 95 % bootstrap intervals."""

    n: int
    against_random: Advantage
    against_gaussian: Advantage

    @property
    def proven(self) -> bool:
        """Whether both overall intervals lie above 0."""
        lows = (self.against_random.overall.low, self.against_gaussian.overall.low)
        return all(low is not None and low > 0 for low in lows)


def measure_faithfulness(
    classifier: Classifier, pictures: Iterable[NDArray[np.uint8]], *, limit: int, seed: int = 0
) -> Faithfulness:
    """Compare the network's maps with random and Gaussian ones on the first `limit` pictures that it does not call low.

    Raises:
        DataError: fewer than two pictures are of use.
    """
    rng = np.random.default_rng(seed)
    size, tier = classifier.manifest.input, classifier.manifest.thresholds.moderate
    ours: list[Areas] = []
    random: list[Areas] = []
    gaussian: list[Areas] = []
    for picture in pictures:
        if len(ours) == limit:
            break
        square = to_input(picture, width=size.width, height=size.height)[0]
        prediction = classifier.classify(square)
        if prediction.score < tier:
            continue
        noise = rng.normal(size=prediction.cam.shape).astype(np.float32)
        for found, map_ in ((ours, spread(prediction.cam)), (random, spread(noise)), (gaussian, centred_gaussian())):
            found.append(areas(classifier, square, order_of(map_)))
    if len(ours) < 2:  # noqa: PLR2004  # an interval needs a spread
        raise DataError("heat maps are checked on two pictures or more in the moderate or high tier; fewer were found")
    return Faithfulness(len(ours), _advantage(ours, random, rng), _advantage(ours, gaussian, rng))


def off_centre(pictures: Iterable[NDArray[np.uint8]], *, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield a square part of each picture [H, W, 3], at a random place."""
    rng = np.random.default_rng(seed)
    for picture in pictures:
        side = round(_PART * min(picture.shape[:2]))
        top, left = (int(rng.integers(length - side + 1)) for length in picture.shape[:2])
        yield np.ascontiguousarray(picture[top : top + side, left : left + side])


def metrics_of(found: Faithfulness, *, data: str, off_centre: bool = False) -> Metrics:
    """Return the figures as a model manifest records them; `found` has one picture a lesion."""
    return Metrics(
        split=f"{FAITHFULNESS}{data}{', lesions off centre' if off_centre else ''}",
        n=found.n,
        lesions=found.n,
        figures={
            f"{kind}_advantage_over_{rival}_maps": getattr(advantage, kind)
            for rival, advantage in (("random", found.against_random), ("centred", found.against_gaussian))
            for kind in ("overall", "deletion", "insertion")
        },
    )


def areas(classifier: Classifier, square: NDArray[np.uint8], order: NDArray[np.int64]) -> Areas:
    """Return the areas under both curves of the score.

    Args:
        classifier: whose score is followed.
        square: the network's input [S, S, 3].
        order: the cells, row by row of a 16 x 16 grid, most important first.
    """
    scores = np.array([prediction.score for prediction in classifier.classify_many(_steps(square, order))])
    return Areas(deletion=_area(scores[: _STEPS + 1]), insertion=_area(scores[_STEPS + 1 :]))


def order_of(importance: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return the cells of the 16 x 16 grid, most important first, of a map [h, w]; equal ones in an order by lot."""
    cells = np.asarray(cv2.resize(importance.astype(np.float32), (_CELLS, _CELLS), interpolation=cv2.INTER_LINEAR))
    # A map that says nothing must not be read row by row, as if it said "the top".
    lot = np.random.default_rng(0).permutation(cells.size)
    return np.asarray(lot[np.argsort(-cells.ravel()[lot], kind="stable")])


def centred_gaussian() -> NDArray[np.float32]:
    """Importance [16, 16] that falls with the distance from the middle; its width does not change its order."""
    offsets = (np.arange(_CELLS) - (_CELLS - 1) / 2) / _CELLS
    return np.asarray(np.exp(-(offsets[:, np.newaxis] ** 2 + offsets**2)), dtype=np.float32)


def _steps(square: NDArray[np.uint8], order: NDArray[np.int64]) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of the deletion curve, then those of the insertion curve."""
    side = square.shape[0]
    # Black or grey would be unlike any skin: the curve would measure surprise instead of loss.
    plain = np.broadcast_to(np.median(square, axis=(0, 1)).astype(np.uint8), square.shape)
    blurred = cv2.GaussianBlur(square, (0, 0), _BLUR_SHARE * side)
    for start, end in ((square, plain), (blurred, square)):
        for step in range(_STEPS + 1):
            changed = np.zeros(_CELLS * _CELLS, np.float32)
            changed[order[: len(order) * step // _STEPS]] = 1
            mask = cv2.resize(changed.reshape(_CELLS, _CELLS), (side, side), interpolation=cv2.INTER_LINEAR)
            mixed = start * (1 - mask[..., np.newaxis]) + end * mask[..., np.newaxis]
            yield np.rint(mixed).astype(np.uint8)


def _area(scores: Curve) -> float:
    return float(np.trapezoid(scores, dx=1 / _STEPS))


def _advantage(ours: Sequence[Areas], rival: Sequence[Areas], rng: np.random.Generator) -> Advantage:
    deletion = np.array([theirs.deletion - own.deletion for own, theirs in zip(ours, rival, strict=True)])
    insertion = np.array([own.insertion - theirs.insertion for own, theirs in zip(ours, rival, strict=True)])
    return Advantage(_mean(deletion, rng), _mean(insertion, rng), _mean(deletion + insertion, rng))


def _mean(differences: NDArray[np.float64], rng: np.random.Generator) -> Estimate:
    picked = rng.integers(len(differences), size=(_ROUNDS, len(differences)))
    low, high = np.quantile(differences[picked].mean(axis=1), (0.025, 0.975))
    return Estimate(
        value=round(float(differences.mean()), _DIGITS),
        low=round(float(low), _DIGITS),
        high=round(float(high), _DIGITS),
    )
