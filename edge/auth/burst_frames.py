"""The few pictures of an attempt that are kept until its templates are made."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceObservation

LOOKS_KEPT: Final = 3
MOVES_KEPT: Final = 2


@dataclass(frozen=True)
class KeptFrame:
    """One picture, with what ranks it; less is better."""

    rank: float
    observation: FaceObservation = field(repr=False)
    rgb: NDArray[np.uint8] = field(repr=False)


class BurstFrames:
    """Keeps the sharpest frontal pictures, and those between the moves in which the head was turned least."""

    def __init__(self) -> None:
        self._looks: list[KeptFrame] = []
        self._moves: list[KeptFrame] = []

    @property
    def looks(self) -> tuple[KeptFrame, ...]:
        """Frontal ones, best first."""
        return tuple(self._looks)

    @property
    def moves(self) -> tuple[KeptFrame, ...]:
        """Those between the moves, best first."""
        return tuple(self._moves)

    def offer_look(self, rgb: NDArray[np.uint8], observation: FaceObservation) -> None:
        """Keep a copy if it is among the sharpest."""
        _keep(self._looks, KeptFrame(-observation.sharpness, observation, rgb), LOOKS_KEPT)

    def offer_move(self, rgb: NDArray[np.uint8], observation: FaceObservation, *, turned: float) -> None:
        """Keep a copy if the head is turned less than in the others."""
        _keep(self._moves, KeptFrame(turned, observation, rgb), MOVES_KEPT)

    def clear(self) -> None:
        """Overwrite and forget all pictures."""
        for frame in (*self._looks, *self._moves):
            frame.rgb.fill(0)
        self._looks.clear()
        self._moves.clear()


def _keep(kept: list[KeptFrame], frame: KeptFrame, limit: int) -> None:
    if len(kept) < limit or frame.rank < kept[-1].rank:
        kept.append(KeptFrame(frame.rank, frame.observation, frame.rgb.copy()))
        kept.sort(key=lambda entry: entry.rank)
        for dropped in kept[limit:]:
            dropped.rgb.fill(0)
        del kept[limit:]
