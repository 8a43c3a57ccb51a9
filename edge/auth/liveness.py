"""The challenge that a person before the camera must meet, and the verdict on whether they are there in person."""

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from edge.errors import EdgeError


class Step(StrEnum):
    """What the person is asked to do; the picture on the screen and the simulated face go by this value."""

    LOOK = "look"
    """Look straight into the camera and hold still, while the screen shines in colours."""
    TURN_LEFT = "turn-left"
    """Turn the head to one's own left."""
    TURN_RIGHT = "turn-right"
    COME_NEAR = "come-near"


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
    """Random steps and colours, drawn anew for each attempt and good for one `FaceBurst`."""

    def __init__(self, steps: tuple[Step, ...], flashes: tuple[str, ...]) -> None:
        self.steps = steps
        self.flashes = flashes
        self._spent = False

    @classmethod
    def draw(cls, rng: random.Random | None = None) -> Self:
        """Draw one, by default from the system's randomness."""
        raise NotImplementedError

    def spend(self) -> None:
        """Mark as used.

        Raises:
            ChallengeSpent: it was.
        """
        if self._spent:
            raise ChallengeSpent("a challenge is good for one attempt")
        self._spent = True
