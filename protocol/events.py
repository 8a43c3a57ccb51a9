"""Facts that a kiosk reports to the hub, in the past tense. Adding one: class, EVENTS row, golden message."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from protocol.fields import (
    LongText,
    Milliseconds,
    Probability,
    Sha256,
    ShortText,
    Slug,
    UtcMoment,
    WireModel,
)


class Tier(StrEnum):
    """What a result asks for. LOW is never shown without its limits and what to watch for."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"
    CANNOT_ASSESS = "cannot-assess"


class Sex(StrEnum):
    """Administrative sex, after FHIR's administrative-gender."""

    FEMALE = "female"
    MALE = "male"
    OTHER = "other"
    UNKNOWN = "unknown"


class BodySite(StrEnum):
    """Where the lesion is; ISIC's anatomical sites plus the scalp."""

    SCALP = "scalp"
    FACE = "face"
    NECK = "neck"
    CHEST = "chest"
    ABDOMEN = "abdomen"
    BACK = "back"
    ARM = "arm"
    HAND = "hand"
    LEG = "leg"
    FOOT = "foot"


class Language(StrEnum):
    """Languages of the kiosk's screens."""

    EN = "en"
    ES = "es"
    ZH = "zh"


class PatientRegistered(WireModel):
    """A patient gave their particulars at a kiosk. Passwords and face templates stay there."""

    patient_id: UUID
    provisional_code: ShortText
    username: ShortText
    full_name: ShortText
    birth_date: date
    sex: Sex
    language: Language
    consent_care: Literal[True]
    consent_face: bool
    face_enrolled: bool


class Lesion(WireModel):
    """One spot on the patient, stable over visits."""

    lesion_id: UUID
    body_site: BodySite


class ImageReference(WireModel):
    """An image that travels by HTTP, named by its content."""

    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=64 * 1024 * 1024)]
    media_type: Literal["image/jpeg", "image/png"]
    width_px: Annotated[int, Field(ge=1, le=20_000)]
    height_px: Annotated[int, Field(ge=1, le=20_000)]


class CaptureDevice(WireModel):
    """The camera behind an image, with the settings read back at the moment of capture."""

    name: ShortText
    simulated: bool
    settings: dict[Slug, float | bool | None] = Field(max_length=20)


class ModelReference(WireModel):
    """The model package behind a prediction; `sha256` is its manifest's hash, which covers its files."""

    name: ShortText
    version: ShortText
    sha256: Sha256
    licence_of_use: LongText
    clinical: bool


class Assessment(WireModel):
    """What the patient was told, and why."""

    tier: Tier
    reasons: tuple[Slug, ...] = Field(max_length=20)
    advice: Slug
    valid_until: UtcMoment


class AnalysisCompleted(WireModel):
    """An image was captured, assessed and saved."""

    analysis_id: UUID
    visit_id: UUID
    patient_id: UUID
    lesion: Lesion
    captured_at: UtcMoment
    image: ImageReference
    heat_map: ImageReference
    device: CaptureDevice
    quality: dict[Slug, float] = Field(max_length=30)
    model: ModelReference
    probabilities: dict[Slug, Probability] = Field(min_length=2, max_length=50)
    malignant: Probability
    out_of_distribution: Annotated[float, Field(ge=0.0)]
    assessment: Assessment
    simulated: bool
    stage_ms: dict[Slug, Milliseconds] = Field(max_length=20)


class CaptureRefused(WireModel):
    """The quality gate refused an image; only its measures are kept."""

    capture_id: UUID
    visit_id: UUID
    patient_id: UUID
    captured_at: UtcMoment
    faults: tuple[Slug, ...] = Field(min_length=1, max_length=10)
    quality: dict[Slug, float] = Field(max_length=30)
    device: CaptureDevice
    simulated: bool


class VisitEnded(WireModel):
    """A patient's session at the kiosk is over."""

    visit_id: UUID
    patient_id: UUID
    started_at: UtcMoment
    ended_at: UtcMoment
    signed_in_by: Literal["registration", "password", "face"]
    ended_by: Literal["patient", "idle", "interrupted"]
    analyses: Annotated[int, Field(ge=0)]
    refusals: Annotated[int, Field(ge=0)]


class CommandAnswered(WireModel):
    """What became of a hub command."""

    command_id: UUID
    outcome: Literal["done", "refused", "expired"]
    detail: Slug | None = None


Event = PatientRegistered | AnalysisCompleted | CaptureRefused | VisitEnded | CommandAnswered

EVENTS: dict[str, type[Event]] = {
    "patient-registered": PatientRegistered,
    "analysis-completed": AnalysisCompleted,
    "capture-refused": CaptureRefused,
    "visit-ended": VisitEnded,
    "command-answered": CommandAnswered,
}
EVENT_TYPES: dict[type[Event], str] = {model: name for name, model in EVENTS.items()}
