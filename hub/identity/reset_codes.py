"""Codes that prove a patient who forgot the password: 8 digits, 15 minutes, 5 tries, one use."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast
from uuid import UUID, uuid4

from sqlalchemy import CursorResult, func, select, update
from sqlalchemy.orm import Session

from hub.db.identity_tables import CredentialDigest, ResetCode
from hub.db.tables import Patient
from hub.errors import NotFound
from hub.identity.errors import ResetCodeWrong
from hub.identity.hub_keys import HubKeys

DIGITS: Final = 8
LIFE: Final = timedelta(minutes=15)
MOST_TRIES: Final = 5
MOST_PER_HOUR: Final = 3
"""Ordered for one patient by e-mail or SMS: whoever orders more only wants to annoy."""

Channel = Literal["email", "sms", "staff"]


@dataclass(frozen=True)
class NewCode:
    """A code to be sent or read out; nowhere else in plain."""

    id: UUID
    patient_id: UUID
    code: str = field(repr=False)
    expires_at: datetime


def order_code(
    session: Session, keys: HubKeys, claim_digest: str, channel: Literal["email", "sms"], *, by: str, now: datetime
) -> NewCode | None:
    """A code for the patient who is named so; None when there is nobody, no address, or there were too many."""
    named = session.get(CredentialDigest, claim_digest)
    patient = session.get(Patient, named.patient_id) if named else None
    if patient is None or not (patient.email if channel == "email" else patient.phone):
        return None
    ordered = session.scalar(
        select(func.count())
        .select_from(ResetCode)
        .where(
            ResetCode.patient_id == patient.id,
            ResetCode.channel != "staff",
            ResetCode.ordered_at > now - timedelta(hours=1),
        )
    )
    if (ordered or 0) >= MOST_PER_HOUR:
        return None
    return _new_code(session, keys, patient.id, channel, by=by, now=now)


def give_code(session: Session, keys: HubKeys, patient_id: UUID, *, by: str, now: datetime) -> NewCode:
    """A code for staff to read out to a patient whom they know.

    Raises:
        NotFound: the hub has no credentials of such a patient.
    """
    if session.scalar(select(CredentialDigest).where(CredentialDigest.patient_id == patient_id).limit(1)) is None:
        raise NotFound("the hub has no credentials of such a patient")
    return _new_code(session, keys, patient_id, "staff", by=by, now=now)


def prove(session: Session, keys: HubKeys, claim_digest: str, code: str, *, now: datetime) -> UUID:
    """The patient whose code this is; commits each try before it compares, so that none is free.

    Raises:
        ResetCodeWrong: for every reason alike.
    """
    named = session.get(CredentialDigest, claim_digest)
    row = _open_code(session, named.patient_id, now=now) if named else None
    if row is not None:
        row.tries += 1
    session.commit()
    known_id, expected = (row.id, row.code_digest) if row else (uuid4(), bytes(32))
    right = hmac.compare_digest(_digest(keys, known_id, code), expected)
    if row is None or not right:
        raise ResetCodeWrong("the code is not accepted")
    used = session.execute(
        update(ResetCode).where(ResetCode.id == row.id, ResetCode.settled_at.is_(None)).values(settled_at=now)
    )
    if not cast("CursorResult[Any]", used).rowcount:  # somebody else was faster with the same code
        raise ResetCodeWrong("the code is not accepted")
    return row.patient_id


def _open_code(session: Session, patient_id: UUID, *, now: datetime) -> ResetCode | None:
    return session.scalars(
        select(ResetCode)
        .where(
            ResetCode.patient_id == patient_id,
            ResetCode.settled_at.is_(None),
            ResetCode.expires_at > now,
            ResetCode.tries < MOST_TRIES,
        )
        .limit(1)
    ).one_or_none()


def _new_code(
    session: Session, keys: HubKeys, patient_id: UUID, channel: Channel, *, by: str, now: datetime
) -> NewCode:
    # The newest alone counts, or each order would add five more tries.
    session.execute(
        update(ResetCode)
        .where(ResetCode.patient_id == patient_id, ResetCode.settled_at.is_(None))
        .values(settled_at=now)
    )
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
    new = NewCode(id=uuid4(), patient_id=patient_id, code=code, expires_at=now + LIFE)
    session.add(
        ResetCode(
            id=new.id,
            patient_id=patient_id,
            channel=channel,
            ordered_by=by,
            code_digest=_digest(keys, new.id, code),
            ordered_at=now,
            expires_at=new.expires_at,
            tries=0,
        )
    )
    session.flush()
    return new


def _digest(keys: HubKeys, code_id: UUID, code: str) -> bytes:
    # People read codes out in groups; what they type between the digits does not count.
    plain = "".join(character for character in code if character.isalnum())
    return keys.digest(plain.encode(), context=f"reset-code/{code_id}")
