"""The hub's word to each kiosk, after the commit: what is stored, and what was put in quarantine."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from hub.ingest.messages import KioskName
from hub.ingest.recorder import Recorded
from protocol.envelope import Receipt, Rejection

MOST_STORED = 500
MOST_REJECTED = 100


def receipts(recorded: Recorded, *, now: datetime) -> Iterator[Receipt]:
    """Receipts for a committed batch, each within the contract's limits. Repeated messages are receipted again."""
    stored: defaultdict[KioskName, list[UUID]] = defaultdict(list)
    rejected: defaultdict[KioskName, list[Rejection]] = defaultdict(list)
    for fact in recorded.stored + recorded.duplicates:
        stored[fact.kiosk].append(fact.envelope.message_id)
    for refused in recorded.quarantined:
        if refused.kiosk is not None and refused.message_id is not None:
            rejected[refused.kiosk].append(Rejection(message_id=refused.message_id, code=refused.code))
    for name in sorted({*stored, *rejected}):
        ids, rejections = stored[name], rejected[name]
        while ids or rejections:
            yield Receipt(
                site=name.site,
                kiosk=name.kiosk,
                issued_at=now,
                stored=tuple(ids[:MOST_STORED]),
                rejected=tuple(rejections[:MOST_REJECTED]),
            )
            ids, rejections = ids[MOST_STORED:], rejections[MOST_REJECTED:]
