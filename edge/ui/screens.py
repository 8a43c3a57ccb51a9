"""What the screens show, as data."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from edge.examination import Refused, Saved
from edge.visit import Visit, VisitState
from protocol.events import BodySite, Language, Tier


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class PasswordSignIn(_Input):
    """Sign-in by password."""

    username: Annotated[str, Field(max_length=200)]
    password: SecretStr = Field(max_length=1024)


class FaceSignIn(_Input):
    """Sign-in by face: the claim; the face comes from the kiosk's own camera."""

    username: Annotated[str, Field(max_length=200)]


class CaptureOrder(_Input):
    """Photograph this lesion; a known one by its id."""

    body_site: BodySite
    lesion_id: UUID | None = None


class LesionView(BaseModel):
    """A lesion photographed in this visit."""

    lesion_id: UUID
    body_site: BodySite


class VisitView(BaseModel):
    """The current visit, or that there is none."""

    state: VisitState
    visit_id: UUID | None = None
    full_name: str | None = None
    patient_code: str | None = None
    language: Language | None = None
    signed_in_by: str | None = None
    lesions: list[LesionView] = []
    remaining_s: float
    idle_s: float
    simulated: bool
    offers_face: bool


class SavedView(BaseModel):
    """An analysis, shown only once it is saved; `message_id` names it to the hub."""

    outcome: Literal["saved"] = "saved"
    message_id: UUID
    analysis_id: UUID
    lesion_id: UUID
    body_site: BodySite
    tier: Tier
    advice: str
    reasons: list[str]
    valid_until: datetime
    malignant: float
    out_of_distribution: float
    simulated: bool
    image_sha256: str
    heat_map_sha256: str
    model_name: str
    model_version: str
    model_sha256: str
    licence_of_use: str
    clinical: bool
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
    return SavedView(
        message_id=outcome.message_id,
        analysis_id=analysis.analysis_id,
        lesion_id=analysis.lesion.lesion_id,
        body_site=analysis.lesion.body_site,
        tier=analysis.assessment.tier,
        advice=analysis.assessment.advice,
        reasons=list(analysis.assessment.reasons),
        valid_until=analysis.assessment.valid_until,
        malignant=analysis.malignant,
        out_of_distribution=analysis.out_of_distribution,
        simulated=analysis.simulated,
        image_sha256=analysis.image.sha256,
        heat_map_sha256=analysis.heat_map.sha256,
        model_name=analysis.model.name,
        model_version=analysis.model.version,
        model_sha256=analysis.model.sha256,
        licence_of_use=analysis.model.licence_of_use,
        clinical=analysis.model.clinical,
        stage_ms=analysis.stage_ms,
    )


def visit_fields(visit: Visit) -> dict[str, Any]:
    """The part of a VisitView that only a signed-in patient sees."""
    return {
        "visit_id": visit.visit_id,
        "full_name": visit.full_name,
        "patient_code": visit.patient_code,
        "language": visit.language,
        "signed_in_by": visit.signed_in_by,
        "lesions": [LesionView(lesion_id=key, body_site=site) for key, site in visit.lesions.items()],
    }
