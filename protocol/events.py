"""Facts that a kiosk reports to the hub, in the past tense. Adding one: class, EVENTS row, golden message."""

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import Annotated, Final, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

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
from protocol.identity import (
    Consents,
    Contact,
    CredentialsChanged,
    DeletionReceipted,
    DeletionRequested,
    Guardian,
    MedicalHistory,
    SignInAttempted,
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


Task = Literal["skin-lesion", "scalp"]
"""What a model is asked: whether a spot is malignant, or which disease makes a scalp flaky."""


class Answer(StrEnum):
    """A patient's answer to one question about a spot; a question nobody put has NOT_ASKED, which is no "no"."""

    YES = "yes"
    NO = "no"
    NOT_SURE = "not-sure"
    NOT_ASKED = "not-asked"


class Language(StrEnum):
    """Languages of the kiosk's screens."""

    EN = "en"
    ES = "es"
    ZH = "zh"


class PatientRegistered(WireModel):
    """A patient gave their particulars at a kiosk. Passwords and face templates never ride MQTT.

    `code_suffix` ends the patient's code: it is derived from the enrolment picture, or from a random enrolment salt.
    A kiosk before 1.2 sends none, and only `consent_care` and `consent_face`.
    """

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
    consents: Consents | None = None
    code_suffix: Annotated[str, Field(pattern=r"^[0-9A-Z]{4}$")] | None = None
    contact: Contact = Contact()
    history: MedicalHistory | None = None
    guardian: Guardian | None = None
    attendant: ShortText | None = None
    """Name of the member of staff who helped."""


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
    """The model package behind a prediction; `sha256` is its manifest's hash, which covers its files.

    `precision` is the arithmetic that the network was computed in (f32, bf16, f16, int8): the same picture gets the
    same probabilities again only in the same one. Null: not recorded (before 1.2).
    """

    name: ShortText
    version: ShortText
    sha256: Sha256
    licence_of_use: LongText
    clinical: bool
    precision: Slug | None = None


class Assessment(WireModel):
    """What the patient was told, and why."""

    tier: Tier
    reasons: tuple[Slug, ...] = Field(max_length=20)
    advice: Slug
    valid_until: UtcMoment


DOUBTED: Final = frozenset({"unlike-training-images", "unsteady-score"})
"""Reasons that take back the model's estimate: it is stored, and shown to nobody as an estimate."""


def states_estimate(malignant: float | None, *, tier: str, reasons: Collection[str]) -> bool:
    """Whether the model's estimate may be shown as one."""
    return malignant is not None and tier != Tier.CANNOT_ASSESS and not DOUBTED & set(reasons)


class AnalysisCompleted(WireModel):
    """An image was captured, assessed and saved.

    `answers` holds every question of the kiosk's rules for this spot, `exclusions` the rules that put it outside the
    intended use. Then no model was asked: `model`, `heat_map` and `out_of_distribution` are null together, and there
    are no `probabilities`. `malignant` is null then, and for every task but "skin-lesion".
    """

    analysis_id: UUID
    visit_id: UUID
    patient_id: UUID
    lesion: Lesion
    captured_at: UtcMoment
    image: ImageReference
    heat_map: ImageReference | None = None
    device: CaptureDevice
    quality: dict[Slug, float] = Field(max_length=30)
    task: Task = "skin-lesion"
    answers: dict[Slug, Answer] = Field(default_factory=dict, max_length=40)
    exclusions: tuple[Slug, ...] = Field((), max_length=20)
    model: ModelReference | None = None
    probabilities: dict[Slug, Probability] = Field(default_factory=dict, max_length=50)
    malignant: Probability | None = None
    out_of_distribution: Annotated[float, Field(ge=0.0)] | None = None
    assessment: Assessment
    simulated: bool
    stage_ms: dict[Slug, Milliseconds] = Field(max_length=20)

    @model_validator(mode="after")
    def _one_model_or_none(self) -> Self:
        asked = self.model is not None
        if {asked} != {self.heat_map is not None, self.out_of_distribution is not None, len(self.probabilities) > 1}:
            raise ValueError("a model's name, map, distance and probabilities come together")
        if (self.malignant is not None) != (asked and self.task == "skin-lesion"):
            raise ValueError("a probability of malignancy belongs to a model that was asked about a skin lesion")
        if asked and self.exclusions:
            raise ValueError("no model is asked about what is outside the intended use")
        return self


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
    signed_in_by: Literal["registration", "password", "face", "reset-code"]
    ended_by: Literal["patient", "idle", "interrupted", "left"]
    analyses: Annotated[int, Field(ge=0)]
    refusals: Annotated[int, Field(ge=0)]


class CommandAnswered(WireModel):
    """What became of a hub command."""

    command_id: UUID
    outcome: Literal["done", "refused", "expired"]
    detail: Slug | None = None


Event = (
    PatientRegistered
    | AnalysisCompleted
    | CaptureRefused
    | VisitEnded
    | CommandAnswered
    | SignInAttempted
    | CredentialsChanged
    | DeletionRequested
    | DeletionReceipted
)

EVENTS: dict[str, type[Event]] = {
    "patient-registered": PatientRegistered,
    "analysis-completed": AnalysisCompleted,
    "capture-refused": CaptureRefused,
    "visit-ended": VisitEnded,
    "command-answered": CommandAnswered,
    "sign-in-attempted": SignInAttempted,
    "credentials-changed": CredentialsChanged,
    "deletion-requested": DeletionRequested,
    "deletion-receipted": DeletionReceipted,
}
EVENT_TYPES: dict[type[Event], str] = {model: name for name, model in EVENTS.items()}
