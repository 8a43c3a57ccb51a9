"""Tables of the scheduler."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.base import Base


class AppointmentStatus(StrEnum):
    """Where an appointment stands. All but CANCELLED occupy their slot, and so will any status that is added."""

    BOOKED = "booked"
    CANCELLED = "cancelled"


OCCUPIES_ITS_SLOT = text("status <> 'cancelled'")


class Specialist(Base):
    """Somebody who sees patients, by weekly opening hours on the wall clock of an IANA time zone."""

    __tablename__ = "specialists"
    __table_args__ = (CheckConstraint("slot_minutes BETWEEN 5 AND 480", "slot_minutes"),)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    speciality: Mapped[str]
    place: Mapped[str]
    time_zone: Mapped[str] = mapped_column(String(64))
    slot_minutes: Mapped[int] = mapped_column(Integer)
    added_at: Mapped[datetime]


class OpeningHours(Base):
    """Opening hours on one weekday (0 is Monday), in minutes since local midnight."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        UniqueConstraint("specialist_id", "weekday", "opens_minute"),
        CheckConstraint("weekday BETWEEN 0 AND 6", "weekday"),
        CheckConstraint("opens_minute >= 0 AND opens_minute < closes_minute AND closes_minute <= 1440", "minutes"),
    )
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    specialist_id: Mapped[UUID] = mapped_column(ForeignKey("specialists.id"))
    weekday: Mapped[int] = mapped_column(Integer)
    opens_minute: Mapped[int] = mapped_column(Integer)
    closes_minute: Mapped[int] = mapped_column(Integer)


class Appointment(Base):
    """A patient's slot with a specialist. The unique index is what refuses the second booker."""

    __tablename__ = "appointments"
    __table_args__ = (
        Index(
            "uq_appointments_occupied_slot",
            "specialist_id",
            "starts_at",
            unique=True,
            sqlite_where=OCCUPIES_ITS_SLOT,
            postgresql_where=OCCUPIES_ITS_SLOT,
            mssql_where=OCCUPIES_ITS_SLOT,
        ),
        Index(None, "patient_id", "starts_at", "id"),
        Index(None, "starts_at", "id"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(32), unique=True)
    specialist_id: Mapped[UUID] = mapped_column(ForeignKey("specialists.id"))
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patients.id"))
    analysis_id: Mapped[UUID | None] = mapped_column(ForeignKey("analyses.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(32))
    booked_at: Mapped[datetime]
    booked_by: Mapped[str]
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None]
