"""One attempt by face: a burst of frames that guides the person, tests that they are there, and yields templates.

Pure: no camera, no thread, no clock. The caller feeds frames with their monotonic times, about eight a second, and
shows the progress. Fewer than `liveness_stream` asks for are the kiosk's fault, and told as such.

Time: within `deadline_s` (5 s) the person must have looked straight into the camera for `LOOK_S`, or the attempt ends
for want of a face. From then on only the challenge runs on: each of its moves has `MOVE_S`, so that the whole is over
`FaceBurst.longest_s` after the first frame at the latest. Who follows the pictures takes five to six seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from edge.auth.burst_frames import BurstFrames
from edge.auth.face import (
    FaceEncoder,
    FaceError,
    FaceFramesMissing,
    FaceMatch,
    FaceNotFound,
    FaceNotLive,
    FaceObservation,
    FaceTemplate,
)
from edge.auth.face_quality import require_quality
from edge.auth.liveness import Challenge, LivenessVerdict, Step
from edge.auth.liveness_light import Shown
from edge.auth.liveness_moire import regularity
from edge.auth.liveness_moves import MoveJudge, Outcome, Stance
from edge.auth.liveness_stream import too_far_apart
from edge.auth.liveness_trace import Sample, sample_of
from edge.auth.liveness_verdict import judge
from edge.auth.template_transform import centre, enrolled_templates, transform_probe
from protocol.credentials import FaceCredential

DEADLINE_S: Final = 5.0
LOOK_S: Final = 1.2
LOOK_FRAMES: Final = 5
MOVE_S: Final = 4.0


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
    """Of the best frontal frames, best first, then of frames between the moves; empty unless the
    challenge was met."""
    live: LivenessVerdict
    best_frame: NDArray[np.uint8] | None = field(repr=False)
    """The sharpest frontal frame, RGB [H, W, 3], to confirm at enrolment; `FaceBurst.clear` blackens it."""
    problem: str | None
    """Code of the `FaceError` that kept the attempt from having a readable face, `face-frames-missing` when the kiosk
    was too slow to judge, `face-not-live` when the person did not prove to be there, None when all is well."""

    @property
    def usable(self) -> bool:
        """Whether the templates may be compared or enrolled."""
        return self.problem is None


class FaceBurst:
    """An attempt under way; see the module. Used by one thread at a time, and holds no picture after `clear`."""

    def __init__(self, encoder: FaceEncoder, challenge: Challenge, *, deadline_s: float = DEADLINE_S) -> None:
        """Start an attempt; time starts with the first frame.

        Raises:
            ChallengeSpent: the challenge was used before.
        """
        challenge.spend()
        self._encoder = encoder
        self._challenge = challenge
        self._deadline_s = deadline_s
        self._moves = list(challenge.moves)
        self._position = 0
        self._spare_used = False
        self._limit_s: float | None = None
        self._times_s: list[float] = []
        self._samples: list[Sample] = []
        self._looks: list[tuple[float, FaceObservation]] = []
        self._at_rest: Stance | None = None
        self._judge: MoveJudge | None = None
        self._shown: list[Shown] = []
        self._problem: str | None = FaceNotFound.code
        self._frames = BurstFrames()
        self._done: Progress | None = None
        self._result: BurstResult | None = None

    @property
    def longest_s(self) -> float:
        """Seconds after which the attempt is over in any case."""
        return self._deadline_s + MOVE_S * (len(self._challenge.moves) + 1)

    def feed(self, rgb: NDArray[np.uint8], at_s: float) -> Progress:
        """Take the frame captured at this monotonic time; after `done` it changes nothing."""
        if self._done is not None:
            return self._done
        self._times_s.append(at_s)
        if self._limit_s is None:
            self._limit_s = at_s + self._deadline_s
        if at_s > self._limit_s:
            return self._end()
        step = self._step()
        observation, problem = self._observe(rgb, step)
        looking = step == Step.LOOK
        readable = looking and observation is not None and problem is None
        pattern = regularity(rgb, observation) if readable and observation else math.nan
        sample = sample_of(rgb, at_s, step, observation, regularity=pattern)
        self._samples.append(sample)
        if looking:
            self._look(rgb, at_s, observation, problem)
        else:
            self._move(rgb, at_s, observation)
        return self._done or self._progress(at_s, problem)

    def result(self) -> BurstResult:
        """Say how it ended, or how it stands if it is given up now (then never usable). Makes the templates: slow."""
        if self._result is None:
            looks, moves = (
                # Without the challenge met nothing can come of it, so the slow part is left out.
                tuple(self._encoder.describe(frame.rgb, frame.observation) for frame in frames if self._met)
                for frames in (self._frames.looks, self._frames.moves)
            )
            verdict = judge(
                self._samples, self._shown, challenge_met=self._met, encoder=self._encoder, looks=looks, moves=moves
            )
            best = self._frames.looks[0].rgb if self._frames.looks else None
            self._result = BurstResult(
                templates=looks + moves, live=verdict, best_frame=best, problem=self._what_kept(verdict)
            )
        return self._result

    def _what_kept(self, verdict: LivenessVerdict) -> str | None:
        if verdict.live:
            return None
        if too_far_apart(self._times_s):
            return FaceFramesMissing.code
        return self._problem if self._at_rest is None else FaceNotLive.code

    def clear(self) -> None:
        """Forget all pictures and templates, and end; safe to repeat."""
        self._end()
        self._frames.clear()
        self._samples.clear()
        self._looks.clear()
        self._result = None

    @property
    def _met(self) -> bool:
        return self._at_rest is not None and self._position == len(self._moves)

    def _step(self) -> Step:
        return Step.LOOK if self._at_rest is None else self._moves[self._position]

    def _observe(self, rgb: NDArray[np.uint8], step: Step) -> tuple[FaceObservation | None, str | None]:
        observation = None
        try:
            observation = self._encoder.observe(rgb)
            # Whoever moves is turned and blurred; only the frames of looking straight are compared as they are.
            if step == Step.LOOK:
                require_quality(observation)
        except FaceError as error:
            return observation, error.code
        return observation, None

    def _look(
        self, rgb: NDArray[np.uint8], at_s: float, observation: FaceObservation | None, problem: str | None
    ) -> None:
        if observation is None or problem is not None:
            self._problem = problem
            return
        if not self._shown:
            self._shown.append((at_s, self._challenge.flash_at(0)))
        self._looks.append((at_s, observation))
        self._frames.offer_look(rgb, observation)
        if len(self._looks) >= LOOK_FRAMES and at_s - self._looks[0][0] >= LOOK_S:
            self._at_rest = Stance.of([look for _, look in self._looks])
            self._ask(at_s)

    def _move(self, rgb: NDArray[np.uint8], at_s: float, observation: FaceObservation | None) -> None:
        assert self._judge is not None
        assert self._at_rest is not None
        if observation is not None and self._position > 0:
            self._frames.offer_move(rgb, observation, turned=abs(observation.yaw - self._at_rest.yaw))
        outcome = self._judge.judge(observation)
        if outcome == Outcome.MET:
            self._position += 1
            if self._met:
                self._end()
            else:
                self._ask(at_s)
        elif outcome == Outcome.WRONG:
            # Left and right are easily mistaken: one mistake is met with one more move, not with refusal.
            if self._spare_used:
                self._end()
                return
            self._spare_used = True
            self._moves.append(self._challenge.spare)
            self._ask(at_s)

    def _ask(self, at_s: float) -> None:
        assert self._at_rest is not None
        self._judge = MoveJudge(self._moves[self._position], self._at_rest)
        self._limit_s = at_s + MOVE_S

    def _progress(self, at_s: float, problem: str | None) -> Progress:
        step = self._step()
        flash = None
        if self._shown:
            flash = self._challenge.flash_at(at_s - self._shown[0][0])
            if flash != self._shown[-1][1]:
                self._shown.append((at_s, flash))
        assert self._limit_s is not None
        return Progress(
            guidance=problem or step.value,
            step=step,
            step_number=1 if self._at_rest is None else self._position + 2,
            steps_total=len(self._moves) + 1,
            seconds_left=max(0.0, self._limit_s - at_s),
            flash=flash,
            done=False,
        )

    def _end(self) -> Progress:
        if self._done is None:
            total = len(self._moves) + 1
            self._done = Progress(
                guidance="done", step=None, step_number=total, steps_total=total, seconds_left=0, flash=None, done=True
            )
        return self._done


def match_burst(encoder: FaceEncoder, enrolled: FaceCredential, templates: Sequence[FaceTemplate]) -> FaceMatch:
    """Compare the middle of a burst's templates with the middle of those in the claimed patient's credential.

    Raises:
        FaceTemplateIncompatible: made by another algorithm, damaged, or no template given.
    """
    probe = transform_probe(enrolled, centre(templates))
    distance = encoder.distance(centre(enrolled_templates(enrolled)), probe)
    # A distance that is not a number compares false, so it never matches.
    return FaceMatch(matched=distance <= encoder.burst_threshold, distance=distance, threshold=encoder.burst_threshold)
