"""What patients are told: reset codes they ordered, and attempts that failed."""

from datetime import datetime, timedelta
from typing import Final, Literal

from sqlalchemy.orm import Session

from hub.db.tables import Patient
from hub.identity.attempts import NewLock
from hub.identity.reset_codes import LIFE, NewCode
from hub.messages.outbox import Sealer, queue_message
from hub.messages.texts import locked_text, reset_code_text

_NOTICE_LIFE: Final = timedelta(days=1)


def send_code(
    session: Session, sealer: Sealer, code: NewCode, channel: Literal["email", "sms"], *, now: datetime
) -> None:
    """Queue the message with a code, once for each code."""
    patient = session.get_one(Patient, code.patient_id)
    recipient = patient.email if channel == "email" else patient.phone
    assert recipient is not None
    text = reset_code_text(patient.language, code=code.code, minutes=int(LIFE.total_seconds() // 60))
    queue_message(
        session,
        sealer,
        dedupe_key=f"reset-code/{code.id}",
        purpose="reset-code",
        channel=channel,
        patient_id=patient.id,
        recipient=recipient,
        subject=text.subject,
        text=text.text,
        now=now,
        expires_at=code.expires_at,
    )


def tell_of_lock(session: Session, sealer: Sealer, lock: NewLock, *, now: datetime) -> bool:
    """Tell a patient of failed attempts, once a lock, if there is one and they agreed to messages."""
    patient = session.get(Patient, lock.patient_id) if lock.patient_id else None
    if patient is None or not patient.consent_messages:
        return False
    channel: Literal["email", "sms"] = "email" if patient.email else "sms"
    recipient = patient.email or patient.phone
    if recipient is None:
        return False
    text = locked_text(patient.language, failures=lock.failures, until=lock.locked_until)
    queue_message(
        session,
        sealer,
        dedupe_key=f"locked/{lock.claim_digest}/{lock.locked_until.isoformat()}",
        purpose="sign-in-locked",
        channel=channel,
        patient_id=patient.id,
        recipient=recipient,
        subject=text.subject,
        text=text.text,
        now=now,
        expires_at=now + _NOTICE_LIFE,
    )
    return True
