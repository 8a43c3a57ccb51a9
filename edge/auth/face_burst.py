"""One attempt by face: a burst of frames that guides the person, tests that they are there, and yields templates.

Pure: no camera, no thread, no clock. The caller feeds frames with their monotonic times and shows the progress. A
frame must be fed at least every `edge.auth.liveness_timing.MAX_GAP_S`, or the attempt fails as an interrupted stream.

Time: within `deadline_s` (5 s) a face must have been readable, or the attempt ends without having been one. From then
on the challenge runs: each of its steps has its own limit, so that the whole ends at the latest after
`FaceBurst.longest_s` seconds. No frame taken after that is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.auth.face import FaceEncoder, FaceMatch, FaceTemplate
from edge.auth.liveness import Challenge, LivenessVerdict, Step
from protocol.credentials import FaceCredential


@dataclass(frozen=True)
class Progress:
    """What the screen shows now."""

    guidance: str
    """Slug of the text: the step's value (`look`, `turn-left` …), the code of a `FaceError` (`face-too-small` …: the
    person can put it right and go on), or `done`."""
    step: Step | None
    """What is asked now, for the picture beside the text; None when done."""
    step_number: int
    """From 1 to `steps_total`."""
    steps_total: int
    seconds_left: float
    """Until this step, or the wait for a readable face, is over."""
    flash: str | None
    """Colour with which the whole screen shines now, `#rrggbb`; None for the ordinary screen."""
    done: bool


@dataclass(frozen=True)
class BurstResult:
    """What an attempt gave."""

    templates: tuple[FaceTemplate, ...] = field(repr=False)
    """Of the best frontal frames, best first; empty if there was none."""
    live: LivenessVerdict
    best_frame: NDArray[np.uint8] | None = field(repr=False)
    """The sharpest frontal frame, RGB [H, W, 3], for the person to confirm at enrolment."""
    problem: str | None
    """Code of the `FaceError` that kept the attempt from having a readable face or from finishing, `face-not-live` when
    the person did not prove to be there, None when all is well."""

    @property
    def usable(self) -> bool:
        """Whether the templates may be compared or enrolled."""
        return self.problem is None


class FaceBurst:
    """An attempt under way; see the module. Used by one thread at a time, and holds no picture after `clear`."""

    def __init__(self, encoder: FaceEncoder, challenge: Challenge, *, deadline_s: float = 5.0) -> None:
        """Start an attempt; time starts with the first frame.

        Raises:
            ChallengeSpent: the challenge was used before.
        """
        challenge.spend()
        self._encoder = encoder
        self._challenge = challenge
        self._deadline_s = deadline_s

    @property
    def longest_s(self) -> float:
        """Seconds after which the attempt is over in any case."""
        raise NotImplementedError

    def feed(self, rgb: NDArray[np.uint8], at_s: float) -> Progress:
        """Take the frame captured at this monotonic time; after `done` it changes nothing."""
        raise NotImplementedError

    def result(self) -> BurstResult:
        """Say how it ended, or how it stands if it is given up now (then never usable). Makes the templates: slow."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget all pictures and templates; safe to repeat."""
        raise NotImplementedError


def match_burst(encoder: FaceEncoder, enrolled: FaceCredential, templates: Sequence[FaceTemplate]) -> FaceMatch:
    """Compare a burst's templates with the claimed patient's credential.

    Raises:
        FaceTemplateIncompatible: made by another algorithm, damaged, or no template given.
    """
    raise NotImplementedError
