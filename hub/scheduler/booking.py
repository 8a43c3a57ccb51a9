"""Finding, booking and cancelling appointments. The database refuses the second booker."""

import threading
from datetime import datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Select, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hub.db.engine import Database
from hub.db.scheduling_tables import OCCUPIES_ITS_SLOT, Appointment, AppointmentStatus, Specialist
from hub.db.tables import Analysis, Counter, Patient
from hub.db.upsert import insert_missing
from hub.errors import NotFound
from hub.scheduler.availability import Slot, bookable_slots
from hub.scheduler.codes import appointment_code
from hub.scheduler.errors import AnalysisUnknown, AppointmentBegun, PatientUnknown, SlotNotOffered, SlotTaken
from hub.scheduler.specialists import get_specialist, openings_of

HORIZON = timedelta(days=366)
"""Nothing is offered further ahead."""

_ALTERNATIVES = 3
_NEIGHBOURHOOD = timedelta(days=7)
_SERIES = "appointment"
# SQLite lets writers wait without any order: in a crowd at one slot some would wait beyond its time-out, and get
# neither the slot nor alternatives. The bookers of this process therefore queue here; between processes, and on
# other databases, the database alone decides.
_turn = threading.Lock()


def list_slots(*, session: Session, specialist_id: UUID, starts: datetime, ends: datetime, now: datetime) -> list[Slot]:
    """Free slots of a specialist that begin in [starts, ends), from now on and within the horizon.

    Raises:
        NotFound: there is no such specialist.
    """
    specialist = get_specialist(session=session, specialist_id=specialist_id)
    return _free_slots(session, specialist, starts=starts, ends=ends, now=now)


def book_in_turn(
    *,
    database: Database,
    specialist_id: UUID,
    starts_at: datetime,
    patient_id: UUID,
    booked_by: str,
    now: datetime,
    analysis_id: UUID | None = None,
) -> Appointment:
    """Book a slot in a transaction of its own; otherwise as `book_appointment`."""
    with _turn, database.writing() as session:
        appointment = book_appointment(
            session=session,
            specialist_id=specialist_id,
            starts_at=starts_at,
            patient_id=patient_id,
            analysis_id=analysis_id,
            booked_by=booked_by,
            now=now,
        )
        session.commit()
        return appointment


def book_appointment(
    *,
    session: Session,
    specialist_id: UUID,
    starts_at: datetime,
    patient_id: UUID,
    booked_by: str,
    now: datetime,
    analysis_id: UUID | None = None,
) -> Appointment:
    """Book a slot; the caller commits. The same patient asking for the same slot again gets the same appointment.

    Raises:
        NotFound: there is no such specialist.
        PatientUnknown, AnalysisUnknown: the hub has no record of them.
        SlotNotOffered: it is over, too far ahead, or not among the specialist's slots.
        SlotTaken: somebody else has it; carries the nearest alternatives.
    """
    specialist = get_specialist(session=session, specialist_id=specialist_id)
    _check_patient(session, patient_id=patient_id, analysis_id=analysis_id)
    wanted = Slot(starts_at, starts_at + timedelta(minutes=specialist.slot_minutes))
    offered = _is_offered(session, specialist, wanted, now=now)
    refusal: IntegrityError | None = None
    if offered and not _overlaps_another(session, specialist, wanted):
        appointment = Appointment(
            id=uuid4(),
            specialist_id=specialist.id,
            patient_id=patient_id,
            analysis_id=analysis_id,
            starts_at=wanted.starts_at,
            ends_at=wanted.ends_at,
            status=AppointmentStatus.BOOKED,
            booked_at=now,
            booked_by=booked_by,
        )
        try:
            # The number is drawn inside, so that a refused booking leaves no gap in the series.
            with session.begin_nested():
                appointment.code = appointment_code(_next_number(session))
                session.add(appointment)
        except IntegrityError as error:
            refusal = error
        else:
            return appointment
    occupant = session.scalar(_occupying(specialist).where(Appointment.starts_at == wanted.starts_at))
    if occupant is not None and occupant.patient_id == patient_id:
        return occupant
    if not offered:
        raise SlotNotOffered("the specialist offers no slot that begins at this moment")
    if occupant is None and refusal is not None:
        raise refusal
    raise SlotTaken(_nearest(session, specialist, wanted, now=now))


def cancel_appointment(*, session: Session, appointment_id: UUID, cancelled_by: str, now: datetime) -> Appointment:
    """Give the slot back; the caller commits. Cancelling twice is cancelling once.

    Raises:
        NotFound: there is no such appointment.
        AppointmentBegun: it is too late.
    """
    appointment = get_appointment(session=session, appointment_id=appointment_id)
    if appointment.status != AppointmentStatus.CANCELLED:
        if appointment.starts_at <= now:
            raise AppointmentBegun("an appointment cannot be cancelled once it has begun")
        appointment.status = AppointmentStatus.CANCELLED
        appointment.cancelled_at = now
        appointment.cancelled_by = cancelled_by
        session.flush()
    return appointment


def get_appointment(*, session: Session, appointment_id: UUID) -> Appointment:
    """One appointment.

    Raises:
        NotFound: there is none with this id.
    """
    appointment = session.get(Appointment, appointment_id)
    if appointment is None:
        raise NotFound("no such appointment")
    return appointment


def _occupying(specialist: Specialist) -> Select[Appointment]:
    return select(Appointment).where(Appointment.specialist_id == specialist.id, OCCUPIES_ITS_SLOT)


def _check_patient(session: Session, *, patient_id: UUID, analysis_id: UUID | None) -> None:
    if session.get(Patient, patient_id) is None:
        raise PatientUnknown("no record of this patient has arrived")
    if analysis_id is not None:
        analysis = session.get(Analysis, analysis_id)
        if analysis is None or analysis.patient_id != patient_id:
            raise AnalysisUnknown("no such analysis of this patient has arrived")


def _is_offered(session: Session, specialist: Specialist, wanted: Slot, *, now: datetime) -> bool:
    """Whether the slot is within the opening hours and still ahead, occupied or not."""
    return now < wanted.starts_at <= now + HORIZON and wanted in bookable_slots(
        openings=openings_of(session=session, specialist=specialist),
        time_zone=ZoneInfo(specialist.time_zone),
        duration=timedelta(minutes=specialist.slot_minutes),
        starts=wanted.starts_at,
        ends=wanted.ends_at,
    )


def _overlaps_another(session: Session, specialist: Specialist, wanted: Slot) -> bool:
    """Whether an appointment reaches into the slot that begins at another moment, as after a change of opening hours.

    The index cannot refuse that; nor need it, since opening hours do not change between two bookings at once.
    """
    others = _occupying(specialist).where(
        Appointment.starts_at < wanted.ends_at,
        Appointment.ends_at > wanted.starts_at,
        Appointment.starts_at != wanted.starts_at,
    )
    return session.scalar(others.limit(1)) is not None


def _free_slots(
    session: Session, specialist: Specialist, *, starts: datetime, ends: datetime, now: datetime
) -> list[Slot]:
    starts, ends = max(starts, now + timedelta(microseconds=1)), min(ends, now + HORIZON)
    occupying = _occupying(specialist).where(
        Appointment.ends_at > starts, Appointment.starts_at < ends + timedelta(minutes=specialist.slot_minutes)
    )
    return bookable_slots(
        openings=openings_of(session=session, specialist=specialist),
        time_zone=ZoneInfo(specialist.time_zone),
        duration=timedelta(minutes=specialist.slot_minutes),
        starts=starts,
        ends=ends,
        occupied=[Slot(taken.starts_at, taken.ends_at) for taken in session.scalars(occupying)],
    )


def _nearest(session: Session, specialist: Specialist, wanted: Slot, *, now: datetime) -> list[Slot]:
    """The free slots nearest in time, the nearest first; around the wanted one, or however far ahead there are any."""
    free = _free_slots(
        session,
        specialist,
        starts=wanted.starts_at - _NEIGHBOURHOOD,
        ends=wanted.starts_at + _NEIGHBOURHOOD,
        now=now,
    )
    if len(free) < _ALTERNATIVES:
        free = _free_slots(session, specialist, starts=now, ends=now + HORIZON, now=now)
    return sorted(free, key=lambda slot: (abs(slot.starts_at - wanted.starts_at), slot.starts_at))[:_ALTERNATIVES]


def _next_number(session: Session) -> int:
    session.execute(insert_missing(session, Counter), [{"name": _SERIES, "value": 0}])
    draw = update(Counter).where(Counter.name == _SERIES).values(value=Counter.value + 1).returning(Counter.value)
    return session.execute(draw, execution_options={"synchronize_session": False}).scalar_one()
