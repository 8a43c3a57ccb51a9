"""The patient's journey as a state machine: who may do what when, and when a visit ends by itself."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID, uuid4

from edge.clock import Clock
from edge.errors import EdgeError
from protocol.events import BodySite, Language

SignedInBy = Literal["registration", "password", "face", "reset-code"]
EndedBy = Literal["patient", "idle", "interrupted", "left"]

FACE_OUT_OF_VIEW: Final = frozenset({BodySite.BACK, BodySite.SCALP, BodySite.NECK})
"""Body sites at which a patient turns or bends so that the face camera cannot see the face."""
_AT_THE_DERMOSCOPE_S: Final = 5.0
"""Who looked through the dermoscope this short a time ago looks at it, and not into the face camera."""


class VisitState(StrEnum):
    """Where the patient is."""

    IDLE = "idle"
    READY = "ready"
    CAPTURING = "capturing"
    REFUSED = "refused"
    SAVED = "saved"


_TRANSITIONS: dict[VisitState, frozenset[VisitState]] = {
    VisitState.IDLE: frozenset({VisitState.READY}),
    VisitState.READY: frozenset({VisitState.CAPTURING, VisitState.IDLE}),
    # Back to READY when a capture fails before anything was saved.
    VisitState.CAPTURING: frozenset({VisitState.SAVED, VisitState.REFUSED, VisitState.READY}),
    VisitState.REFUSED: frozenset({VisitState.CAPTURING, VisitState.IDLE}),
    VisitState.SAVED: frozenset({VisitState.CAPTURING, VisitState.IDLE}),
}


class NobodySignedIn(EdgeError):
    """The step needs a patient, and nobody is signed in or the visit has ended."""

    code = "nobody-signed-in"
    remedy = "Sign in first."


class KioskOccupied(EdgeError):
    """Somebody is signed in; the kiosk serves one patient at a time."""

    code = "kiosk-occupied"
    remedy = "End the current visit first."


class StepNotPossible(EdgeError):
    """The step does not follow from where the visit is, such as a second capture while one runs."""

    code = "step-not-possible"
    remedy = "Wait for the current step to end."


@dataclass
class Visit:
    """One patient's session at the kiosk."""

    patient_id: UUID
    full_name: str = field(repr=False)
    language: Language
    patient_code: str
    signed_in_by: SignedInBy
    started_at: datetime
    birth_date: date | None = field(default=None, repr=False)
    visit_id: UUID = field(default_factory=uuid4)
    analyses: int = 0
    refusals: int = 0
    lesions: dict[UUID, BodySite] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    """Content hash to media type of what this visit's screens may show."""
    pointed_at: BodySite | None = None
    """Where the spot is that the patient spoke of last."""
    revoked: bool = False
    """Whether the account behind it was deleted or withdrawn: the visit ends as soon as no capture runs."""

    def forget(self) -> None:
        """Drop what is personal; whoever still holds the visit after its end finds ids and counts."""
        self.full_name = ""
        self.birth_date = None
        self.patient_code = ""
        self.lesions.clear()
        self.images.clear()
        self.pointed_at = None


class Journey:
    """The kiosk's one current visit and its state. Not thread-safe: the kiosk's lock is its caller's."""

    def __init__(self, *, clock: Clock, idle_s: float) -> None:
        self._clock = clock
        self._idle_s = idle_s
        self._touched_s = 0.0
        self._looked_s = -_AT_THE_DERMOSCOPE_S
        self._visit: Visit | None = None
        self.state = VisitState.IDLE

    @property
    def visit(self) -> Visit:
        """The current visit.

        Raises:
            NobodySignedIn: there is none.
        """
        if self._visit is None:
            raise NobodySignedIn("no visit is under way")
        return self._visit

    @property
    def under_way(self) -> bool:
        """Whether there is a visit."""
        return self._visit is not None

    def require_idle(self) -> None:
        """Raise KioskOccupied while a visit is under way."""
        if self._visit is not None:
            raise KioskOccupied("a visit is under way")

    def begin(self, visit: Visit) -> None:
        """A patient has signed in."""
        self.require_idle()
        self._visit = visit
        self.move(VisitState.READY)

    def move(self, state: VisitState) -> None:
        """Take a step.

        Raises:
            NobodySignedIn: no visit is under way.
            StepNotPossible: the step does not follow from the current state.
        """
        if self._visit is None:
            raise NobodySignedIn("no visit is under way")
        if state not in _TRANSITIONS[self.state]:
            raise StepNotPossible(f"{state} does not follow {self.state}")
        self.state = state
        self.touch()

    def end(self) -> Visit:
        """Leave the kiosk idle and forget the visit; its last word is the returned value."""
        visit = self.visit
        self.move(VisitState.IDLE)
        self._visit = None
        return visit

    def touch(self) -> None:
        """The patient did something."""
        self._touched_s = self._clock.monotonic_s()

    def remaining_s(self) -> float:
        """Seconds until the visit ends for lack of touch; the whole time while a capture runs or nobody is here."""
        if self.state in (VisitState.IDLE, VisitState.CAPTURING):
            return self._idle_s
        return max(0.0, self._idle_s - (self._clock.monotonic_s() - self._touched_s))

    def revoke(self, patient_id: UUID) -> None:
        """The patient's account is gone: a visit of theirs is to end."""
        if self._visit is not None and self._visit.patient_id == patient_id:
            self._visit.revoked = True

    @property
    def revoked(self) -> bool:
        """Whether the visit is to end since its account is gone, and can end now."""
        return self._visit is not None and self._visit.revoked and self.state is not VisitState.CAPTURING

    def look(self) -> None:
        """The dermoscope's live view was shown, which is no touch."""
        self._looked_s = self._clock.monotonic_s()

    @property
    def face_may_be_away(self) -> bool:
        """Whether the patient cannot be expected before the face camera now: at a picture, or at a back or scalp."""
        if self._visit is None or self.state is VisitState.CAPTURING:
            return True
        at_dermoscope = self._clock.monotonic_s() - self._looked_s < _AT_THE_DERMOSCOPE_S
        return at_dermoscope or self._visit.pointed_at in FACE_OUT_OF_VIEW
