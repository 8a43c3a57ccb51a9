"""Messages that cannot become records: kept, once each, for a technician."""

import hashlib
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from hub.db.tables import QuarantinedMessage
from hub.ingest.messages import Refused

MAX_BODY_BYTES = 256 * 1024


def quarantine(session: Session, refused: Refused, *, kiosk_id: int | None, now: datetime) -> None:
    """Keep the message; a repeated one is counted, not kept again."""
    body = refused.delivery.body
    digest = hashlib.sha256(body).digest()
    topic = refused.delivery.topic[:250].replace("\x00", "?")
    repeated: Any = session.execute(
        update(QuarantinedMessage)
        .where(
            QuarantinedMessage.body_sha256 == digest,
            QuarantinedMessage.topic == topic,
            QuarantinedMessage.code == refused.code,
        )
        .values(times=QuarantinedMessage.times + 1, last_received_at=now)
    )
    if repeated.rowcount:
        return
    session.add(
        QuarantinedMessage(
            code=refused.code,
            detail=refused.detail,
            topic=topic,
            kiosk_id=kiosk_id,
            message_id=refused.message_id,
            sequence=refused.sequence,
            size_bytes=len(body),
            body_sha256=digest,
            body=body[:MAX_BODY_BYTES],
            truncated=len(body) > MAX_BODY_BYTES,
            received_at=now,
            last_received_at=now,
            times=1,
        )
    )
    session.flush()
