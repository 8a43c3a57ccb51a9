"""What kiosks ask about names: noted for the audit, and limited, so that a stolen kiosk cannot read out a town."""

from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hub.db.identity_tables import IdentityRequest
from hub.identity.errors import TooManyRequests

Kind = Literal["claim", "reset-order", "reset-proof"]
PERIOD = timedelta(hours=1)


def require_allowance(session: Session, kind: Kind, *, kiosk_id: int, most: int, now: datetime) -> None:
    """Refuse a kiosk that has asked `most` times within the last hour.

    Raises:
        TooManyRequests: whatever name it asks for.
    """
    asked = session.scalar(
        select(func.count())
        .select_from(IdentityRequest)
        .where(
            IdentityRequest.kiosk_id == kiosk_id,
            IdentityRequest.kind == kind,
            IdentityRequest.asked_at > now - PERIOD,
        )
    )
    if (asked or 0) >= most:
        headers = {"Retry-After": str(int(PERIOD.total_seconds()))}
        raise TooManyRequests(f"{most} questions of this kind within an hour", headers=headers)


def note_request(
    session: Session, kind: Kind, claim_digest: str, *, kiosk_id: int, outcome: str, now: datetime
) -> None:
    """Keep who asked for whom, and what came of it."""
    session.add(
        IdentityRequest(
            id=uuid4(), kiosk_id=kiosk_id, kind=kind, claim_digest=claim_digest, outcome=outcome, asked_at=now
        )
    )
