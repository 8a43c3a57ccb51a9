"""Visits: completed when their end is reported."""

from uuid import UUID

from sqlalchemy.orm import Session

from hub.db.tables import Visit
from hub.errors import Conflict
from protocol.events import VisitEnded


def end_visit(session: Session, event: VisitEnded, *, message_id: UUID) -> None:
    """Complete the visit's row, which must exist.

    Raises:
        Conflict: the visit has ended already, or is another patient's.
    """
    visit = session.get_one(Visit, event.visit_id, populate_existing=True)
    if visit.patient_id != event.patient_id:
        raise Conflict("the visit is another patient's")
    if visit.ended_at is not None:
        raise Conflict("the visit has ended already, by another message")
    visit.started_at = event.started_at
    visit.ended_at = event.ended_at
    visit.signed_in_by = event.signed_in_by
    visit.ended_by = event.ended_by
    visit.analyses = event.analyses
    visit.refusals = event.refusals
    visit.message_id = message_id
    session.flush()
