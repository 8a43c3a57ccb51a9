from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Dialect, func, select
from sqlalchemy.dialects import mssql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateIndex

from hub.db.base import Base
from hub.db.engine import Database
from hub.db.scheduling_tables import Appointment, AppointmentStatus, Specialist
from hub.errors import NotFound
from hub.scheduler.availability import Opening, Slot
from hub.scheduler.booking import HORIZON, book_in_turn, cancel_appointment, list_slots
from hub.scheduler.codes import appointment_code
from hub.scheduler.errors import AnalysisUnknown, AppointmentBegun, PatientUnknown, SlotNotOffered, SlotTaken
from hub.scheduler.specialists import ensure_demo_specialist, list_specialists, seed_specialist

HALF_HOUR = timedelta(minutes=30)


@pytest.fixture
def book(database: Database, specialist: Specialist, now: datetime) -> Callable[..., Appointment]:
    """Book and commit."""

    def book(patient_id: UUID, starts_at: datetime, **others: Any) -> Appointment:
        wish = {
            "specialist_id": specialist.id,
            "starts_at": starts_at,
            "patient_id": patient_id,
            "booked_by": "test",
            "now": now,
        }
        return book_in_turn(database=database, **(wish | others))

    return book


@pytest.fixture
def free(database: Database, specialist: Specialist, now: datetime) -> Callable[[datetime], list[datetime]]:
    """Starts of the free slots of one day."""

    def free(day: datetime) -> list[datetime]:
        with database.reading() as session:
            slots = list_slots(
                session=session, specialist_id=specialist.id, starts=day, ends=day + timedelta(hours=12), now=now
            )
        return [slot.starts_at for slot in slots]

    return free


def test_a_booked_slot_is_no_longer_offered(
    book: Callable[..., Appointment],
    free: Callable[..., list[datetime]],
    make_patient: Callable[[], UUID],
    monday: datetime,
) -> None:
    before = free(monday)

    appointment = book(make_patient(), monday)

    assert (appointment.status, appointment.ends_at) == (AppointmentStatus.BOOKED, monday + HALF_HOUR)
    assert before == [monday + i * HALF_HOUR for i in range(8)]
    assert free(monday) == before[1:]


def test_codes_are_correlative_without_gaps(
    book: Callable[..., Appointment], make_patient: Callable[[], UUID], monday: datetime
) -> None:
    first = book(make_patient(), monday)
    with pytest.raises(SlotTaken):
        book(make_patient(), monday)
    second = book(make_patient(), monday + HALF_HOUR)

    assert [first.code, second.code] == [appointment_code(1), appointment_code(2)]


def test_the_loser_learns_the_three_nearest_free_slots(
    book: Callable[..., Appointment], make_patient: Callable[[], UUID], monday: datetime
) -> None:
    for place in (2, 3):
        book(make_patient(), monday + place * HALF_HOUR)

    with pytest.raises(SlotTaken) as refused:
        book(make_patient(), monday + 3 * HALF_HOUR)

    nearest = [monday + place * HALF_HOUR for place in (4, 1, 5)]
    assert refused.value.alternatives == [Slot(starts, starts + HALF_HOUR) for starts in nearest]


def test_alternatives_are_looked_for_further_ahead_when_the_days_around_are_full(
    book: Callable[..., Appointment],
    database: Database,
    make_patient: Callable[[], UUID],
    now: datetime,
    monday: datetime,
) -> None:
    with database.writing() as session:
        rare = seed_specialist(
            session=session,
            name="Dr. Rare",
            speciality="dermatology",
            place="North",
            time_zone="UTC",
            slot_minutes=30,
            openings=[Opening(0, 8 * 60, 8 * 60 + 30)],
            now=now,
        )
        session.commit()
    book(make_patient(), monday, specialist_id=rare.id)

    with pytest.raises(SlotTaken) as refused:
        book(make_patient(), monday, specialist_id=rare.id)

    assert [slot.starts_at for slot in refused.value.alternatives] == [monday + timedelta(weeks=w) for w in (1, 2, 3)]


def test_asking_twice_is_booking_once(
    book: Callable[..., Appointment], make_patient: Callable[[], UUID], monday: datetime
) -> None:
    patient = make_patient()

    first, again = book(patient, monday), book(patient, monday)
    long_after = book(patient, monday, now=monday + timedelta(days=2))

    assert first.id == again.id == long_after.id


def test_a_cancelled_slot_is_free_for_others_and_keeps_its_record(
    book: Callable[..., Appointment],
    free: Callable[..., list[datetime]],
    database: Database,
    make_patient: Callable[[], UUID],
    now: datetime,
    monday: datetime,
) -> None:
    appointment = book(make_patient(), monday)

    for _ in range(2):
        with database.writing() as session:
            cancelled = cancel_appointment(session=session, appointment_id=appointment.id, cancelled_by="test", now=now)
            session.commit()

    assert (cancelled.status, cancelled.cancelled_at) == (AppointmentStatus.CANCELLED, now)
    assert monday in free(monday)
    assert book(make_patient(), monday).id != appointment.id


def test_a_begun_appointment_cannot_be_cancelled(
    book: Callable[..., Appointment], database: Database, make_patient: Callable[[], UUID], monday: datetime
) -> None:
    appointment = book(make_patient(), monday)

    with database.writing() as session, pytest.raises(AppointmentBegun):
        cancel_appointment(session=session, appointment_id=appointment.id, cancelled_by="test", now=monday)


@pytest.mark.parametrize(
    "shift",
    [
        timedelta(minutes=10),
        timedelta(hours=8),
        timedelta(days=5),
        -timedelta(days=3),
        HORIZON + timedelta(days=6),
    ],
    ids=["between slots", "in the evening", "on Saturday", "in the past", "too far ahead"],
)
def test_what_is_not_offered_cannot_be_booked(
    book: Callable[..., Appointment], make_patient: Callable[[], UUID], monday: datetime, shift: timedelta
) -> None:
    with pytest.raises(SlotNotOffered):
        book(make_patient(), monday + shift)


def test_a_slot_that_has_begun_is_neither_offered_nor_booked(
    book: Callable[..., Appointment],
    database: Database,
    specialist: Specialist,
    make_patient: Callable[[], UUID],
    monday: datetime,
) -> None:
    with database.reading() as session:
        slots = list_slots(
            session=session, specialist_id=specialist.id, starts=monday, ends=monday + timedelta(hours=1), now=monday
        )
    assert [slot.starts_at for slot in slots] == [monday + HALF_HOUR]
    with pytest.raises(SlotNotOffered):
        book(make_patient(), monday, now=monday)


def test_only_known_patients_specialists_and_their_own_analyses_are_booked(
    book: Callable[..., Appointment], make_patient: Callable[[], UUID], monday: datetime
) -> None:
    with pytest.raises(PatientUnknown):
        book(uuid4(), monday)
    with pytest.raises(AnalysisUnknown):
        book(make_patient(), monday, analysis_id=uuid4())
    with pytest.raises(NotFound):
        book(make_patient(), monday, specialist_id=uuid4())


def test_after_a_change_of_slot_length_no_appointment_overlaps_an_older_one(
    book: Callable[..., Appointment],
    database: Database,
    specialist: Specialist,
    make_patient: Callable[[], UUID],
    monday: datetime,
) -> None:
    book(make_patient(), monday + HALF_HOUR)
    with database.writing() as session:
        session.get_one(Specialist, specialist.id).slot_minutes = 45
        session.commit()

    with pytest.raises(SlotTaken):
        book(make_patient(), monday)


def test_the_database_itself_refuses_a_second_row_for_an_occupied_slot(
    book: Callable[..., Appointment], database: Database, make_patient: Callable[[], UUID], monday: datetime
) -> None:
    first = book(make_patient(), monday)
    copied = {column.key: getattr(first, column.key) for column in Appointment.__table__.columns}

    with database.writing() as session:
        session.add(Appointment(**copied | {"id": uuid4(), "code": "another", "status": "held"}))
        with pytest.raises(IntegrityError, match="starts_at"):
            session.commit()


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect(), mssql.dialect()], ids=lambda d: d.name)
def test_on_every_database_only_occupied_slots_are_unique(dialect: Dialect) -> None:
    (index,) = (index for index in Base.metadata.tables["appointments"].indexes if index.unique)

    statement = str(CreateIndex(index).compile(dialect=dialect))

    assert "UNIQUE INDEX uq_appointments_occupied_slot" in statement
    assert "(specialist_id, starts_at) WHERE status <> 'cancelled'" in statement


def _race(callers: int, call: Callable[[int], Any]) -> list[Any]:
    """What each of many threads got, started at one moment."""
    barrier = Barrier(callers)

    def start(number: int) -> Any:
        barrier.wait()
        try:
            return call(number)
        except SlotTaken as taken:
            return taken

    with ThreadPoolExecutor(callers) as threads:
        return list(threads.map(start, range(callers)))


def test_of_forty_who_want_one_slot_exactly_one_gets_it_and_each_other_gets_alternatives(
    book: Callable[..., Appointment], database: Database, make_patients: Callable[[int], list[UUID]], monday: datetime
) -> None:
    patients = make_patients(40)

    results = _race(40, lambda number: book(patients[number], monday))

    losers = [result for result in results if isinstance(result, SlotTaken)]
    assert len(losers) == 39
    assert all(len(loser.alternatives) == 3 for loser in losers)
    with database.reading() as session:
        assert session.scalar(select(func.count(Appointment.id))) == 1


def test_a_hundred_who_want_fifty_slots_fill_exactly_fifty(
    book: Callable[..., Appointment], database: Database, make_patients: Callable[[int], list[UUID]], monday: datetime
) -> None:
    patients = make_patients(100)
    # Eight a day from Monday to Friday, and ten of the week after.
    slots = [monday + timedelta(days=place // 8 + 2 * (place // 40)) + place % 8 * HALF_HOUR for place in range(50)]

    results = _race(25, lambda number: [_try(book, patients[n], slots[n % 50]) for n in range(number, 100, 25)])

    outcomes = [outcome for several in results for outcome in several]
    won = [outcome for outcome in outcomes if isinstance(outcome, Appointment)]
    assert sorted(appointment.starts_at for appointment in won) == slots
    assert len({appointment.code for appointment in won}) == 50
    assert all(outcome.alternatives for outcome in outcomes if isinstance(outcome, SlotTaken))
    with database.reading() as session:
        assert session.scalar(select(func.count(Appointment.id))) == 50


def _try(book: Callable[..., Appointment], patient: UUID, starts_at: datetime) -> Appointment | SlotTaken:
    try:
        return book(patient, starts_at)
    except SlotTaken as taken:
        return taken


def test_the_demonstration_has_one_specialist_however_often_it_starts(database: Database, now: datetime) -> None:
    for _ in range(2):
        with database.writing() as session:
            ensure_demo_specialist(session, now=now)
            session.commit()

    with database.reading() as session:
        (specialist,) = list_specialists(session=session)
        starts = list_slots(
            session=session, specialist_id=specialist.id, starts=now, ends=now + timedelta(days=1), now=now
        )
    assert len(starts) > 10


def test_overlapping_opening_hours_and_unknown_time_zones_are_refused(database: Database, now: datetime) -> None:
    particulars = {"name": "Dr. X", "speciality": "dermatology", "place": "North", "slot_minutes": 30, "now": now}
    with database.writing() as session:
        with pytest.raises(ValueError, match="overlap"):
            seed_specialist(
                session=session, time_zone="UTC", openings=[Opening(0, 60, 180), Opening(0, 120, 240)], **particulars
            )
        with pytest.raises(KeyError):
            seed_specialist(session=session, time_zone="Mars/Olympus", openings=[], **particulars)
