"""Specialists and their opening hours."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db.scheduling_tables import OpeningHours, Specialist
from hub.errors import NotFound
from hub.scheduler.availability import Opening

_DEMO_SPECIALIST = UUID("5eed0000-0000-4000-8000-000000000001")


def seed_specialist(
    *,
    session: Session,
    name: str,
    speciality: str,
    place: str,
    time_zone: str,
    slot_minutes: int,
    openings: Sequence[Opening],
    now: datetime,
    specialist_id: UUID | None = None,
) -> Specialist:
    """Add a specialist; the caller commits.

    Raises:
        ZoneInfoNotFoundError: no such IANA time zone.
        ValueError: the openings of a weekday overlap.
    """
    ZoneInfo(time_zone)
    in_order = sorted(openings, key=lambda opening: (opening.weekday, opening.opens_minute))
    if any(a.weekday == b.weekday and b.opens_minute < a.closes_minute for a, b in pairwise(in_order)):
        raise ValueError("opening hours of one weekday overlap")
    specialist = Specialist(
        id=specialist_id or uuid4(),
        name=name,
        speciality=speciality,
        place=place,
        time_zone=time_zone,
        slot_minutes=slot_minutes,
        added_at=now,
    )
    session.add(specialist)
    session.flush()
    session.add_all(
        OpeningHours(
            specialist_id=specialist.id,
            weekday=opening.weekday,
            opens_minute=opening.opens_minute,
            closes_minute=opening.closes_minute,
        )
        for opening in in_order
    )
    session.flush()
    return specialist


def ensure_demo_specialist(session: Session, *, now: datetime) -> None:
    """Add the demonstration's specialist unless present; open all week, so that every demonstration finds a slot."""
    if session.get(Specialist, _DEMO_SPECIALIST) is None:
        seed_specialist(
            session=session,
            specialist_id=_DEMO_SPECIALIST,
            name="Dr. Demo",
            speciality="dermatology",
            place="Demo health centre",
            time_zone="UTC",
            slot_minutes=30,
            openings=[
                Opening(day, opens * 60, closes * 60) for day in range(7) for opens, closes in ((8, 13), (14, 20))
            ],
            now=now,
        )


def list_specialists(*, session: Session) -> list[Specialist]:
    """All specialists, by name."""
    return list(session.scalars(select(Specialist).order_by(Specialist.name, Specialist.id)))


def get_specialist(*, session: Session, specialist_id: UUID) -> Specialist:
    """One specialist.

    Raises:
        NotFound: there is none with this id.
    """
    specialist = session.get(Specialist, specialist_id)
    if specialist is None:
        raise NotFound("no such specialist")
    return specialist


def openings_of(*, session: Session, specialist: Specialist) -> list[Opening]:
    """The specialist's weekly opening hours."""
    rows = session.scalars(select(OpeningHours).where(OpeningHours.specialist_id == specialist.id))
    return [Opening(row.weekday, row.opens_minute, row.closes_minute) for row in rows]
