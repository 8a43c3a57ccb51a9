"""The challenge that a person before the camera must meet, and the verdict on whether they are there in person."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, TypeVar

from edge.errors import EdgeError


class Step(StrEnum):
    """What the person is asked to do; the picture on the screen and the simulated face go by this value."""

    LOOK = "look"
    """Look straight into the camera and hold still."""
    TURN_LEFT = "turn-left"
    """Turn the head to one's own left."""
    TURN_RIGHT = "turn-right"
    COME_NEAR = "come-near"


T = TypeVar("T", bound=str)

MOVES: Final = (Step.TURN_LEFT, Step.TURN_RIGHT, Step.COME_NEAR)
FLASH_COLOURS: Final = ("#ff4040", "#40ff40", "#4060ff")
FLASH_S: Final = 0.6
"""How long each colour stays: 1.7 changes a second, below the three that WCAG 2.2 (2.3.1) allows."""
MOVES_ASKED: Final = 3
_FLASHES_DRAWN: Final = 60


class ChallengeSpent(EdgeError):
    """A challenge was to be used a second time."""

    code = "challenge-spent"
    remedy = "Start the face check again."


@dataclass(frozen=True)
class Cue:
    """One independent sign of life: it passes at `score >= threshold`."""

    name: str
    score: float
    threshold: float

    @property
    def passed(self) -> bool:
        """Whether this sign speaks for a person; a score that is not a number does not."""
        return self.score >= self.threshold


@dataclass(frozen=True)
class LivenessVerdict:
    """Whether every sign was seen; a sign that could not be measured counts as not seen."""

    cues: tuple[Cue, ...]
    challenge_met: bool

    @property
    def live(self) -> bool:
        """True only if the challenge was met and all cues passed."""
        return self.challenge_met and bool(self.cues) and all(cue.passed for cue in self.cues)


class Challenge:
    """Random moves and colours, drawn anew for each attempt and good for one `FaceBurst`.

    Both turns are always among the moves, no move comes twice in a row, and one more is held back for whoever makes a
    wrong one. The screen shows each only when its turn has come. Eight orders and 3·2^7 colours in the first five
    seconds: an old recording fits the moves once in eight times, and the colours hardly ever.
    """

    def __init__(self, moves: tuple[Step, ...], flashes: tuple[str, ...], *, spare: Step) -> None:
        self.moves = moves
        self.flashes = flashes
        self.spare = spare
        self._spent = False

    @classmethod
    def draw(cls, rng: random.Random | None = None) -> Self:
        """Draw one, by default from the system's randomness."""
        rng = rng or random.SystemRandom()
        moves: list[Step] = []
        while not {Step.TURN_LEFT, Step.TURN_RIGHT} <= set(moves):
            moves = _no_two_alike(rng, MOVES, MOVES_ASKED)
        spare = rng.choice([move for move in (Step.TURN_LEFT, Step.TURN_RIGHT) if move != moves[-1]])
        return cls(tuple(moves), tuple(_no_two_alike(rng, FLASH_COLOURS, _FLASHES_DRAWN)), spare=spare)

    def spend(self) -> None:
        """Mark as used.

        Raises:
            ChallengeSpent: it was.
        """
        if self._spent:
            raise ChallengeSpent("a challenge is good for one attempt")
        self._spent = True

    def flash_at(self, elapsed_s: float) -> str:
        """The screen's colour this long after the challenge began."""
        return self.flashes[min(int(max(elapsed_s, 0) / FLASH_S), len(self.flashes) - 1)]


def _no_two_alike(rng: random.Random, choices: tuple[T, ...], count: int) -> list[T]:
    drawn: list[T] = []
    while len(drawn) < count:
        drawn.append(rng.choice([choice for choice in choices if not drawn or choice != drawn[-1]]))
    return drawn
