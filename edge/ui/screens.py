"""What the screens of an examination send and show, as data."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.examination import Refused, Saved
from edge.inference.rules import Exclusion, RedFlag
from protocol.events import Answer, BodySite, Task, Tier, states_estimate
from protocol.fields import Slug


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Given = Literal[Answer.YES, Answer.NO, Answer.NOT_SURE]


class CaptureOrder(_Input):
    """Photograph this lesion; a known one by its id. A question left out counts as not asked."""

    body_site: BodySite
    lesion_id: UUID | None = None
    purpose: Literal["lesion", "scalp"] = "lesion"
    answers: dict[Slug, Given] = Field(default_factory=dict, max_length=40, repr=False)

    @property
    def task(self) -> Task:
        """What a model is to be asked."""
        return "scalp" if self.purpose == "scalp" else "skin-lesion"

    @model_validator(mode="after")
    def _where_the_purpose_lies(self) -> Self:
        if self.purpose == "scalp" and self.body_site is not BodySite.SCALP:
            raise ValueError("the purpose scalp belongs to the body site scalp")
        return self


class QuestionsView(BaseModel):
    """The questions about a spot, by the id of their rule, screen by screen."""

    screens: list[list[str]]


class SavedView(BaseModel):
    """An analysis, shown only once it is saved; `message_id` names it to the hub.

    Where no model was asked, because none may be about this spot, all that comes from one is null.
    """

    outcome: Literal["saved"] = "saved"
    message_id: UUID
    analysis_id: UUID
    lesion_id: UUID
    body_site: BodySite
    tier: Tier
    advice: str
    reasons: list[str]
    valid_until: datetime
    task: Task
    exclusions: list[str]
    malignant: float | None
    states_estimate: bool
    out_of_distribution: float | None
    simulated: bool
    image_sha256: str
    heat_map_sha256: str | None
    model_name: str | None
    model_version: str | None
    model_sha256: str | None
    licence_of_use: str | None
    licence_of_use_in: dict[str, str]
    clinical: bool | None
    stage_ms: dict[str, float]


class RefusedView(BaseModel):
    """A refused capture, saved as such; the faults name what to mend."""

    outcome: Literal["refused"] = "refused"
    message_id: UUID
    capture_id: UUID
    faults: list[str]
    simulated: bool


def outcome_view(outcome: Saved | Refused) -> SavedView | RefusedView:
    """Screen data of one capture."""
    if isinstance(outcome, Refused):
        refusal = outcome.refusal
        return RefusedView(
            message_id=outcome.message_id,
            capture_id=refusal.capture_id,
            faults=list(refusal.faults),
            simulated=refusal.simulated,
        )
    analysis = outcome.analysis
    assessment, model = analysis.assessment, analysis.model
    return SavedView(
        message_id=outcome.message_id,
        analysis_id=analysis.analysis_id,
        lesion_id=analysis.lesion.lesion_id,
        body_site=analysis.lesion.body_site,
        tier=assessment.tier,
        advice=assessment.advice,
        reasons=list(assessment.reasons),
        valid_until=assessment.valid_until,
        task=analysis.task,
        exclusions=list(analysis.exclusions),
        malignant=analysis.malignant,
        states_estimate=states_estimate(analysis.malignant, tier=assessment.tier, reasons=assessment.reasons),
        out_of_distribution=analysis.out_of_distribution,
        simulated=analysis.simulated,
        image_sha256=analysis.image.sha256,
        heat_map_sha256=analysis.heat_map.sha256 if analysis.heat_map else None,
        model_name=model.name if model else None,
        model_version=model.version if model else None,
        model_sha256=model.sha256 if model else None,
        licence_of_use=model.licence_of_use if model else None,
        licence_of_use_in=dict(outcome.licence_of_use_in),
        clinical=model.clinical if model else None,
        stage_ms=analysis.stage_ms,
    )


def questions_view(rules: list[Exclusion | RedFlag]) -> QuestionsView:
    """Screen data of the questions; a screen without any is left out."""
    screens = [[rule.id for rule in rules if rule.screen == number] for number in (1, 2)]
    return QuestionsView(screens=[screen for screen in screens if screen])
