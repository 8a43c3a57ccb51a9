"""Specialists, their free slots, and appointments."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import select

from hub.api.deps import ReadSession, RunningServices, WriteSession, require
from hub.api.paging import DEFAULT_LIMIT, Cursor, Limit, page
from hub.api.problem import problem
from hub.api.schemas import Page
from hub.db.scheduling_tables import Appointment
from hub.errors import Unprocessable
from hub.scheduler.booking import book_in_turn, cancel_appointment, get_appointment, list_slots
from hub.scheduler.errors import SlotTaken
from hub.scheduler.specialists import list_specialists
from hub.security import Principal

router = APIRouter(prefix="/api/v1", tags=["appointments"])

_staff = require("clinician", "administrator")
# A patient books at the kiosk, which then asks on their behalf.
_booker = require("clinician", "administrator", "kiosk")
_Booker = Annotated[Principal, Depends(_booker)]
_Staff = Annotated[Principal, Depends(_staff)]
# The bounds keep arithmetic on moments from overflowing.
_Moment = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))]
_DEFAULT_WINDOW = timedelta(days=14)
_LONGEST_WINDOW = timedelta(days=62)


class SpecialistOut(BaseModel):
    """Somebody who sees patients."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    id: UUID
    name: str
    speciality: str
    place: str
    time_zone: str
    slot_minutes: int


class SlotOut(BaseModel):
    """A free slot, in UTC."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    starts_at: datetime
    ends_at: datetime


class AppointmentIn(BaseModel):
    """A wish for a slot, which is named by its begin."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    specialist_id: UUID
    starts_at: _Moment
    patient_id: UUID
    analysis_id: UUID | None = None


class AppointmentOut(BaseModel):
    """An appointment; `code` is what the patient gets to keep."""

    model_config = ConfigDict(frozen=True, from_attributes=True)
    id: UUID
    code: str
    specialist_id: UUID
    patient_id: UUID
    analysis_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    status: str
    booked_at: datetime
    booked_by: str
    cancelled_at: datetime | None
    cancelled_by: str | None


@router.get("/specialists", dependencies=[Depends(_booker)])
def specialists(session: ReadSession) -> list[SpecialistOut]:
    """Whom patients can see."""
    return [SpecialistOut.model_validate(specialist) for specialist in list_specialists(session=session)]


@router.get("/slots", dependencies=[Depends(_booker)])
def slots(
    session: ReadSession,
    specialist_id: UUID,
    starts: Annotated[_Moment | None, Query(alias="from", description="First begin; now if left out.")] = None,
    ends: Annotated[_Moment | None, Query(alias="to", description="Begins before; two weeks on if left out.")] = None,
) -> list[SlotOut]:
    """Free slots of a specialist, in order."""
    now = datetime.now(UTC)
    starts = starts or now
    ends = ends or starts + _DEFAULT_WINDOW
    if not starts <= ends <= starts + _LONGEST_WINDOW:
        raise Unprocessable(f"query.to: must be 0 to {_LONGEST_WINDOW.days} days after `from`")
    free = list_slots(session=session, specialist_id=specialist_id, starts=starts, ends=ends, now=now)
    return [SlotOut.model_validate(slot) for slot in free]


@router.post(
    "/appointments",
    status_code=201,
    response_model=AppointmentOut,
    responses={200: {"model": AppointmentOut, "description": "The same patient had booked this slot before."}},
)
def book(
    wish: AppointmentIn, running: RunningServices, principal: _Booker, request: Request, response: Response
) -> Any:
    """Book a slot; 409 names the nearest alternatives when somebody else has it."""
    now = datetime.now(UTC)
    try:
        appointment = book_in_turn(
            database=running.database,
            specialist_id=wish.specialist_id,
            starts_at=wish.starts_at.astimezone(UTC),
            patient_id=wish.patient_id,
            analysis_id=wish.analysis_id,
            booked_by=principal.name,
            now=now,
        )
    except SlotTaken as taken:
        return _taken(taken, request)
    response.status_code = 201 if appointment.booked_at == now else 200
    response.headers["Location"] = f"{router.prefix}/appointments/{appointment.id}"
    return AppointmentOut.model_validate(appointment)


@router.get("/appointments", dependencies=[Depends(_staff)])
def appointments(
    session: ReadSession,
    patient_id: UUID | None = None,
    specialist_id: UUID | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Page[AppointmentOut]:
    """Appointments, the latest begin first."""
    query = select(Appointment)
    if patient_id is not None:
        query = query.where(Appointment.patient_id == patient_id)
    if specialist_id is not None:
        query = query.where(Appointment.specialist_id == specialist_id)
    return page(
        session,
        query,
        at=Appointment.starts_at,
        key=Appointment.id,
        limit=limit,
        cursor=cursor,
        show=lambda row: AppointmentOut.model_validate(row[0]),
        position=lambda row: (row[0].starts_at, row[0].id),
    )


@router.get("/appointments/{appointment_id}", dependencies=[Depends(_staff)])
def appointment(session: ReadSession, appointment_id: UUID) -> AppointmentOut:
    """One appointment."""
    return AppointmentOut.model_validate(get_appointment(session=session, appointment_id=appointment_id))


@router.post("/appointments/{appointment_id}/cancel")
def cancel(session: WriteSession, appointment_id: UUID, principal: _Staff) -> AppointmentOut:
    """Undo a booking: its slot is free for others."""
    cancelled = cancel_appointment(
        session=session, appointment_id=appointment_id, cancelled_by=principal.name, now=datetime.now(UTC)
    )
    session.commit()
    return AppointmentOut.model_validate(cancelled)


def _taken(taken: SlotTaken, request: Request) -> JSONResponse:
    described = problem(taken, instance=request.url.path)
    alternatives = [SlotOut.model_validate(slot).model_dump(mode="json") for slot in taken.alternatives]
    return JSONResponse(
        {**json.loads(bytes(described.body)), "alternatives": alternatives},
        status_code=described.status_code,
        headers={"Cache-Control": described.headers["Cache-Control"]},
        media_type=described.media_type,
    )
