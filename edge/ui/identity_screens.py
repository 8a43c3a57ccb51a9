"""What the screens of sign-in, registration and "my account" send and show, as data."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from edge.auth.password_strength import PasswordAdvice
from edge.identity.account_desk import AccountSummary
from edge.identity.face_check import FaceCheckState
from protocol.identity import Consents

ClaimText = Annotated[str, Field(max_length=200)]
"""User name, patient code or the text of a card's QR code."""
Password = Annotated[SecretStr, Field(max_length=1024)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PasswordSignIn(_Input):
    """Sign-in by password."""

    claim: ClaimText = Field(repr=False)
    password: Password


class FaceSignIn(_Input):
    """Sign-in by face: the claim; the face comes from the kiosk's own camera."""

    claim: ClaimText = Field(repr=False)


class PasswordCandidate(_Input):
    """A password to judge while it is typed, with what it must not be made of."""

    password: Password
    username: ClaimText = Field("", repr=False)
    full_name: ClaimText = Field("", repr=False)
    birth_date: date | None = Field(None, repr=False)


class ResetOrder(_Input):
    """Have a code sent to the owner of a name."""

    claim: ClaimText = Field(repr=False)
    channel: Literal["email", "sms"]


class ResetProof(_Input):
    """The code that arrived, or that staff read out, and the new password."""

    claim: ClaimText = Field(repr=False)
    code: SecretStr = Field(max_length=32)
    new_password: Password


class FaceOrder(_Input):
    """Use this enrolment, which the patient looked at, as their face."""

    enrolment_id: UUID


class PasswordOrder(_Input):
    """A new password, with proof of the old one."""

    password: Password
    new_password: Password


class DeletionOrder(_Input):
    """Delete the account; the password proves that its owner wants it."""

    password: Password


class AttemptBegun(BaseModel):
    """A face check that runs now, and what will be asked in it as far as it may be told."""

    attempt_id: UUID
    steps: int
    deadline_s: float


class FaceAttemptView(BaseModel):
    """A face check: what to show now, or how it ended.

    `guidance` and `step` are slugs, `flash` is a colour `#rrggbb` for the whole screen. `problem` is null until it
    failed: then a code, and `remaining_s` where the code is about a wait.
    """

    attempt_id: UUID
    state: Literal["running", "matched", "failed"]
    guidance: str | None
    step: str | None
    step_number: int
    steps_total: int
    seconds_left: float
    flash: str | None
    problem: str | None
    remaining_s: float | None


class ScannedClaim(BaseModel):
    """What a card said."""

    claim: str


class RuleView(BaseModel):
    """One rule of a good password."""

    id: str
    satisfied: bool


class PasswordAdviceView(BaseModel):
    """How good a password is: `score` from 0 to 4; only an acceptable one is taken."""

    score: int
    acceptable: bool
    rules: list[RuleView]
    suggestions: list[str]


class AccountView(BaseModel):
    """The account, as its owner sees it."""

    full_name: str
    patient_code: str
    provisional: bool
    consents: Consents
    face_enrolled: bool
    failed_attempts: int
    last_sign_in_at: datetime | None


def attempt_view(state: FaceCheckState) -> FaceAttemptView:
    """Screen data of a face check."""
    progress = state.progress
    return FaceAttemptView(
        attempt_id=state.check_id,
        state=state.outcome or "running",
        guidance=progress.guidance if progress else None,
        step=progress.step.value if progress and progress.step else None,
        step_number=progress.step_number if progress else 0,
        steps_total=progress.steps_total if progress else 0,
        seconds_left=progress.seconds_left if progress else 0.0,
        flash=progress.flash if progress and state.outcome is None else None,
        problem=state.problem.code if state.problem else None,
        remaining_s=getattr(state.problem, "remaining_s", None),
    )


def advice_view(advice: PasswordAdvice) -> PasswordAdviceView:
    """Screen data of a judged password."""
    return PasswordAdviceView(
        score=advice.score,
        acceptable=advice.acceptable,
        rules=[RuleView(id=rule.id, satisfied=rule.satisfied) for rule in advice.rules],
        suggestions=list(advice.suggestions),
    )


def account_view(summary: AccountSummary) -> AccountView:
    """Screen data of the account."""
    return AccountView(
        full_name=summary.full_name,
        patient_code=summary.patient_code,
        provisional=summary.provisional,
        consents=summary.consents,
        face_enrolled=summary.face_enrolled,
        failed_attempts=summary.failed_attempts,
        last_sign_in_at=summary.last_sign_in_at,
    )
