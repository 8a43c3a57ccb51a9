"""What the API answers, as closed models."""

from datetime import date, datetime
from typing import Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from hub.devices.presence import Presence
from protocol.events import (
    Answer,
    Assessment,
    CaptureDevice,
    ImageReference,
    Lesion,
    ModelReference,
    Task,
)

T = TypeVar("T")


class _Schema(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Page(_Schema, Generic[T]):
    """Part of a list; `next` is the cursor of the part that follows, null at the end."""

    items: list[T]
    next: str | None


class PatientOut(_Schema):
    """A patient; without a code, one whose registration has not arrived yet."""

    id: UUID
    code: str | None
    provisional_code: str | None
    username: str | None
    full_name: str | None
    birth_date: date | None
    sex: str | None
    language: str | None
    consent_care: bool | None
    consent_face: bool | None
    face_enrolled: bool | None
    registered_at: datetime | None
    stored_at: datetime


class LesionOut(_Schema):
    """One spot on a patient."""

    id: UUID
    patient_id: UUID
    body_site: str
    stored_at: datetime


class Origin(_Schema):
    """Where and when a record came from."""

    message_id: UUID
    site: str
    kiosk: str
    sequence: int
    received_at: datetime


class AnalysisOut(_Schema):
    """One assessed image; `complete` once the image and its heat map, if it has one, are stored here.

    `answers` holds each question of the kiosk about this spot. Where no model was asked, all that comes from one is
    null.
    """

    id: UUID
    complete: bool
    image_stored: bool
    heat_map_stored: bool
    origin: Origin
    patient_id: UUID
    patient_code: str | None
    visit_id: UUID
    lesion: Lesion
    captured_at: datetime
    image: ImageReference
    heat_map: ImageReference | None
    device: CaptureDevice
    quality: dict[str, float]
    task: Task
    answers: dict[str, Answer]
    exclusions: list[str]
    model: ModelReference | None
    probabilities: dict[str, float]
    malignant: float | None
    out_of_distribution: float | None
    assessment: Assessment
    simulated: bool
    stage_ms: dict[str, float]


class RefusalOut(_Schema):
    """One capture that the kiosk's quality gate refused."""

    id: UUID
    origin: Origin
    patient_id: UUID
    patient_code: str | None
    visit_id: UUID
    captured_at: datetime
    faults: list[str]
    quality: dict[str, float]
    device: CaptureDevice
    simulated: bool


class KioskOut(_Schema):
    """One kiosk of the fleet, for technicians."""

    site: str
    kiosk: str
    presence: Presence
    reason: str | None
    first_seen_at: datetime
    last_seen_at: datetime | None
    software_version: str | None
    model_sha256: str | None
    simulated: bool | None
    pending_events: int | None
    pending_images: int | None
    free_disk_bytes: int | None
    last_sequence: int
    complete_through: int


class QuarantinedOut(_Schema):
    """One message in quarantine, without its content."""

    id: int
    code: str
    detail: str
    topic: str
    message_id: UUID | None
    sequence: int | None
    size_bytes: int
    truncated: bool
    received_at: datetime
    last_received_at: datetime
    times: int
