"""The inbox: which messages are stored already. Its primary key makes a repeated delivery harmless."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from hub.db.tables import InboxMessage
from hub.ingest.messages import Fact, Refused, refuse

REUSED = "message-id-reused"


@dataclass(frozen=True)
class Sorted:
    """Facts by what the inbox knows of them."""

    fresh: list[Fact]
    duplicates: list[Fact]
    reused: list[Refused]


def sort_facts(session: Session, facts: Sequence[Fact]) -> Sorted:
    """Tell new facts from repeated ones, and from other facts under a known message id."""
    known = _stored_digests(session, [fact.envelope.message_id for fact in facts])
    result = Sorted([], [], [])
    for fact in facts:
        digest = known.get(fact.envelope.message_id)
        if digest is None:
            known[fact.envelope.message_id] = fact.body_sha256
            result.fresh.append(fact)
        elif digest == fact.body_sha256:
            result.duplicates.append(fact)
        else:
            result.reused.append(
                refuse(fact.delivery, code=REUSED, detail="another message is stored under this message id")
            )
    return result


def inbox_row(fact: Fact, kiosk_id: int) -> dict[str, object]:
    """The inbox row of a fact."""
    return {
        "message_id": fact.envelope.message_id,
        "kiosk_id": kiosk_id,
        "sequence": fact.envelope.sequence,
        "type": fact.envelope.type,
        "body_sha256": fact.body_sha256,
        "received_at": fact.delivery.received_at,
    }


def _stored_digests(session: Session, message_ids: Iterable[UUID]) -> dict[UUID, bytes]:
    query = select(InboxMessage.message_id, InboxMessage.body_sha256).where(InboxMessage.message_id.in_(message_ids))
    return {row.message_id: row.body_sha256 for row in session.execute(query)}
