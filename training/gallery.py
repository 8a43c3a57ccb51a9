"""The pictures that a package got most wrong, and some that it got right, beside where it found its evidence."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.inference.explain import overlay
from training.images import load_picture
from training.metrics import Scores
from training.scoring import ScoredPicture

EACH: Final = 6
_WIDTH_PX: Final = 220
_JPEG_QUALITY: Final = 80


@dataclass(frozen=True)
class Example:
    """One picture as two data URIs: as it is, and with the activation map drawn over it."""

    file: str
    truth: str
    stated: str
    score: float
    refusals: tuple[str, ...]
    picture: str
    activation: str


@dataclass(frozen=True)
class Row:
    """Examples of one kind, worst or clearest first; `n` is how many there are in all."""

    title: str
    n: int
    examples: tuple[Example, ...]


def gallery(
    pictures: Sequence[ScoredPicture], scores: Scores, *, moderate: float, root: Path, sharp: bool, outcome: str
) -> tuple[Row, ...]:
    """Return missed and falsely flagged pictures at the moderate limit, worst first, then clear right ones."""
    truth, score = scores.is_positive, scores.score
    flagged = score >= moderate
    kinds: tuple[tuple[str, NDArray[np.bool_], Callable[[int], float]], ...] = (
        (f"Missed: {outcome}, scored below the moderate limit", truth & ~flagged, lambda row: score[row]),
        (f"False alarms: not {outcome}, scored highest", ~truth & flagged, lambda row: -score[row]),
        (f"Right: {outcome}, scored highest", truth & flagged, lambda row: -score[row]),
        (f"Right: not {outcome}, scored lowest", ~truth & ~flagged, lambda row: score[row]),
    )
    rows = []
    for title, chosen, key in kinds:
        members = sorted(map(int, np.flatnonzero(chosen)), key=key)
        rows.append(
            Row(
                title=title,
                n=len(members),
                examples=tuple(
                    _example(pictures[row], float(score[row]), root=root, sharp=sharp) for row in members[:EACH]
                ),
            )
        )
    return tuple(rows)


def _example(scored: ScoredPicture, score: float, *, root: Path, sharp: bool) -> Example:
    record = scored.record
    file = record.sharp_file if sharp and record.sharp_file else record.file
    # What was too small for a kiosk was measured, so it is shown as well.
    rgb = load_picture(root, file, dataset=record.dataset, min_side_px=1)
    height, width = rgb.shape[:2]
    size = (_WIDTH_PX, max(1, round(_WIDTH_PX * height / width)))
    interpolation = cv2.INTER_AREA if width >= _WIDTH_PX else cv2.INTER_CUBIC
    small = np.asarray(cv2.resize(rgb, size, interpolation=interpolation), np.uint8)
    _, plain = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return Example(
        file=record.file,
        truth=record.label,
        stated=scored.prediction.label,
        score=score,
        refusals=scored.refusals,
        picture=_data_uri(plain.tobytes()),
        activation=_data_uri(overlay(small, scored.prediction.cam)),
    )


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
