"""Whether the person made the move that was asked, against how they stood while looking straight."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import numpy as np

from edge.auth.face import FaceObservation
from edge.auth.liveness import Step

TURN: Final = 0.065
"""Change of yaw that counts as a turn: about 15 degrees. A flat print that is turned changes it by at most 0.04."""
NEARER: Final = 1.2
"""Growth of the eyes' distance that counts as having come near."""
FRAMES: Final = 2
"""Frames in a row that must show a move: one alone may be a slip of the landmarks."""


class Outcome(Enum):
    """How a move stands."""

    WAITING = auto()
    MET = auto()
    WRONG = auto()


@dataclass(frozen=True)
class Stance:
    """How somebody stands: relative turn and nearness."""

    yaw: float
    eyes_px: float

    @classmethod
    def of(cls, observations: Sequence[FaceObservation]) -> "Stance":
        """The middle of several frames."""
        return cls(
            yaw=float(np.median([observation.yaw for observation in observations])),
            eyes_px=float(np.median([eyes_px(observation) for observation in observations])),
        )


def eyes_px(observation: FaceObservation) -> float:
    """Distance of the outer eye corners."""
    return float(np.hypot(*(observation.landmarks[0] - observation.landmarks[2])))


class MoveJudge:
    """Judges one move, frame by frame."""

    def __init__(self, move: Step, at_rest: Stance) -> None:
        self._move = move
        self._at_rest = at_rest
        self._in_a_row: tuple[Outcome, int] = (Outcome.WAITING, 0)
        # Somebody who comes out of a turn to the other side has not made a wrong move; who then turns there again has.
        self._was_at_rest = False

    def judge(self, observation: FaceObservation | None) -> Outcome:
        """Take the next frame, None for one without a face."""
        now = Outcome.WAITING if observation is None else self._of_frame(observation)
        before, count = self._in_a_row
        self._in_a_row = (now, count + 1 if now == before else 1)
        return now if self._in_a_row[1] >= FRAMES else Outcome.WAITING

    def _of_frame(self, observation: FaceObservation) -> Outcome:
        turn = observation.yaw - self._at_rest.yaw
        nearer = eyes_px(observation) / self._at_rest.eyes_px >= NEARER
        done = {Step.TURN_LEFT: turn >= TURN, Step.TURN_RIGHT: turn <= -TURN, Step.COME_NEAR: nearer}
        if done[self._move]:
            return Outcome.MET
        armed, self._was_at_rest = self._was_at_rest, self._was_at_rest or abs(turn) < TURN / 2
        other_turn = abs(turn) >= TURN and self._move != Step.COME_NEAR
        return Outcome.WRONG if armed and other_turn else Outcome.WAITING
