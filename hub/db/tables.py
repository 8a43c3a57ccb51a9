"""Tables of what kiosks report. A kiosk may report in any order, so patients and visits can be incomplete rows."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, Integer, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.base import Base

Slug = String(32)
Sha256Text = String(64)


class Counter(Base):
    """Last number given out of each correlative series."""

    __tablename__ = "counters"
    name: Mapped[str] = mapped_column(Slug, primary_key=True)
    value: Mapped[int]


class Kiosk(Base):
    """One kiosk: its last reported state, and how far its events are complete here."""

    __tablename__ = "kiosks"
    __table_args__ = (UniqueConstraint("site", "name"),)
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    site: Mapped[str] = mapped_column(Slug)
    name: Mapped[str] = mapped_column(Slug)
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    online: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(Slug)
    state_at: Mapped[datetime | None]
    boot_id: Mapped[UUID | None]
    session: Mapped[int | None]
    software_version: Mapped[str | None]
    model_sha256: Mapped[str | None] = mapped_column(Sha256Text)
    simulated: Mapped[bool | None]
    pending_events: Mapped[int | None]
    pending_images: Mapped[int | None]
    free_disk_bytes: Mapped[int | None]
    oldest_sequence: Mapped[int] = mapped_column(default=0)
    """The kiosk keeps no event before this one."""
    last_sequence: Mapped[int] = mapped_column(default=0)
    """Highest sequence the kiosk has named, in a birth or an event."""
    complete_through: Mapped[int] = mapped_column(default=0)
    """Every event up to this one is settled: stored, in quarantine, or no longer kept by the kiosk."""


class InboxMessage(Base):
    """One stored message; its primary key is what makes a repeated delivery harmless."""

    __tablename__ = "inbox"
    __table_args__ = (Index(None, "kiosk_id", "sequence"),)
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"))
    sequence: Mapped[int]
    type: Mapped[str] = mapped_column(Slug)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    received_at: Mapped[datetime]


class QuarantinedMessage(Base):
    """A message that could not become a record, kept for a technician."""

    __tablename__ = "quarantine"
    __table_args__ = (
        UniqueConstraint("body_sha256", "topic", "code"),
        Index(None, "kiosk_id", "sequence"),
        Index(None, "received_at", "id"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    code: Mapped[str] = mapped_column(Slug)
    detail: Mapped[str] = mapped_column(String(500))
    topic: Mapped[str] = mapped_column(String(250))
    kiosk_id: Mapped[int | None] = mapped_column(ForeignKey("kiosks.id"))
    message_id: Mapped[UUID | None]
    sequence: Mapped[int | None]
    size_bytes: Mapped[int]
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    body: Mapped[bytes]
    truncated: Mapped[bool]
    received_at: Mapped[datetime]
    last_received_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)


class Patient(Base):
    """A patient; without a code, one whose registration has not arrived yet."""

    __tablename__ = "patients"
    __table_args__ = (Index(None, "stored_at", "id"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    stored_at: Mapped[datetime]
    code: Mapped[str | None] = mapped_column(Slug, unique=True)
    provisional_code: Mapped[str | None]
    username: Mapped[str | None]
    full_name: Mapped[str | None]
    birth_date: Mapped[date | None]
    sex: Mapped[str | None] = mapped_column(Slug)
    language: Mapped[str | None] = mapped_column(String(8))
    consent_care: Mapped[bool | None]
    consent_face: Mapped[bool | None]
    consent_messages: Mapped[bool | None]
    consent_research: Mapped[bool | None]
    face_enrolled: Mapped[bool | None]
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(20))
    history: Mapped[dict[str, Any] | None]
    guardian: Mapped[dict[str, Any] | None]
    attendant: Mapped[str | None]
    """Who helped with the registration."""
    credentials_version: Mapped[int | None]
    """Of the newest change of consents that counts here."""
    account_deleted_at: Mapped[datetime | None]
    registered_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("inbox.message_id"))


class Lesion(Base):
    """One spot on a patient."""

    __tablename__ = "lesions"
    __table_args__ = (UniqueConstraint("id", "patient_id"), Index(None, "patient_id", "stored_at", "id"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    body_site: Mapped[str] = mapped_column(Slug)
    stored_at: Mapped[datetime]


class Visit(Base):
    """One session of a patient at a kiosk; without an end, one whose end has not arrived yet."""

    __tablename__ = "visits"
    __table_args__ = (UniqueConstraint("id", "patient_id"), Index(None, "patient_id", "stored_at", "id"))
    id: Mapped[UUID] = mapped_column(primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    kiosk_id: Mapped[int] = mapped_column(ForeignKey("kiosks.id"))
    stored_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    signed_in_by: Mapped[str | None] = mapped_column(Slug)
    ended_by: Mapped[str | None] = mapped_column(Slug)
    analyses: Mapped[int | None]
    refusals: Mapped[int | None]
    message_id: Mapped[UUID | None] = mapped_column(ForeignKey("inbox.message_id"))


class Image(Base):
    """An image whose bytes are stored and verified."""

    __tablename__ = "images"
    sha256: Mapped[str] = mapped_column(Sha256Text, primary_key=True)
    size_bytes: Mapped[int]
    media_type: Mapped[str] = mapped_column(Slug)
    width_px: Mapped[int] = mapped_column(Integer)
    height_px: Mapped[int] = mapped_column(Integer)
    stored_at: Mapped[datetime]


def _same_patient(*, column: str, table: str) -> ForeignKeyConstraint:
    """A reference that holds only when both rows name the same patient."""
    return ForeignKeyConstraint([column, "patient_id"], [f"{table}.id", f"{table}.patient_id"])


class Analysis(Base):
    """One assessed image; where no model was asked, all that comes from one is null."""

    __tablename__ = "analyses"
    __table_args__ = (
        _same_patient(column="lesion_id", table="lesions"),
        _same_patient(column="visit_id", table="visits"),
        Index(None, "stored_at", "id"),
        Index(None, "patient_id", "stored_at", "id"),
        Index(None, "visit_id", "stored_at", "id"),
        Index(None, "tier", "stored_at", "id"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("inbox.message_id"))
    stored_at: Mapped[datetime]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    lesion_id: Mapped[UUID] = mapped_column(Uuid())
    visit_id: Mapped[UUID] = mapped_column(Uuid())
    captured_at: Mapped[datetime]
    # Not foreign keys: the bytes come by HTTP, before or after the event.
    image_sha256: Mapped[str] = mapped_column(Sha256Text)
    heat_map_sha256: Mapped[str | None] = mapped_column(Sha256Text)
    image: Mapped[dict[str, Any]]
    heat_map: Mapped[dict[str, Any] | None]
    device: Mapped[dict[str, Any]]
    quality: Mapped[dict[str, Any]]
    task: Mapped[str] = mapped_column(Slug)
    answers: Mapped[dict[str, Any]]
    exclusions: Mapped[list[str]]
    model: Mapped[dict[str, Any] | None]
    probabilities: Mapped[dict[str, Any]]
    malignant: Mapped[float | None]
    out_of_distribution: Mapped[float | None]
    tier: Mapped[str] = mapped_column(Slug)
    reasons: Mapped[list[str]]
    advice: Mapped[str] = mapped_column(Slug)
    valid_until: Mapped[datetime]
    simulated: Mapped[bool]
    stage_ms: Mapped[dict[str, Any]]


class Refusal(Base):
    """One capture that the kiosk's quality gate refused; its image was not kept."""

    __tablename__ = "refusals"
    __table_args__ = (
        _same_patient(column="visit_id", table="visits"),
        Index(None, "stored_at", "id"),
        Index(None, "patient_id", "stored_at", "id"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey("inbox.message_id"))
    stored_at: Mapped[datetime]
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    visit_id: Mapped[UUID] = mapped_column(Uuid())
    captured_at: Mapped[datetime]
    faults: Mapped[list[str]]
    quality: Mapped[dict[str, Any]]
    device: Mapped[dict[str, Any]]
    simulated: Mapped[bool]
