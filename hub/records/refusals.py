"""Reading refused captures, with where they came from."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select

from hub.db.tables import InboxMessage, Kiosk, Patient, Refusal
from hub.records.origin import Origin


@dataclass(frozen=True)
class RefusalRecord:
    """One refused capture with its surroundings."""

    refusal: Refusal
    origin: Origin
    patient_code: str | None


def select_refusals(*, patient_id: UUID | None = None) -> Select[*tuple[Any, ...]]:
    """Query of refusals; give its rows to `refusal_record`."""
    query: Select[*tuple[Any, ...]] = (
        select(Refusal, Kiosk.site, Kiosk.name, InboxMessage.sequence, InboxMessage.received_at, Patient.code)
        .join(InboxMessage, InboxMessage.message_id == Refusal.message_id)
        .join(Kiosk, Kiosk.id == InboxMessage.kiosk_id)
        .join(Patient, Patient.id == Refusal.patient_id)
    )
    return query if patient_id is None else query.where(Refusal.patient_id == patient_id)


def refusal_record(row: Row[Any]) -> RefusalRecord:
    """A row of `select_refusals`, named."""
    origin = Origin(row.Refusal.message_id, row.site, row.name, row.sequence, row.received_at)
    return RefusalRecord(row.Refusal, origin, row.code)
