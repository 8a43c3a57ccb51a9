"""The queue of messages. What is to be sent is committed with its reason, and sent at most once.

A message is marked "sending" before it leaves. If the hub dies then, nobody knows whether it left; it is called
"uncertain" and not sent again: a patient can order another code, and cannot tell a stale one from a new one.
"""

import json
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol
from uuid import UUID, uuid4

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from hub.db.identity_tables import OutgoingMessage
from hub.db.upsert import insert_missing
from hub.messages.channel import Message

ChannelName = Literal["email", "sms"]
State = Literal["queued", "sending", "sent", "failed", "expired", "uncertain", "withdrawn"]
_FIRST_RETRY: Final = timedelta(seconds=5)
_LONGEST_RETRY: Final = timedelta(minutes=10)


class Sealer(Protocol):
    """Keeps what is in the database from whoever has the database alone."""

    def seal(self, plaintext: bytes, *, context: str) -> bytes:
        """Encrypt for one context."""
        ...

    def unseal(self, sealed: bytes, *, context: str) -> bytes:
        """Decrypt; raises a HubError for what is altered."""
        ...


def queue_message(
    session: Session,
    sealer: Sealer,
    *,
    dedupe_key: str,
    purpose: str,
    channel: ChannelName,
    patient_id: UUID,
    recipient: str,
    subject: str,
    text: str,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Queue a message in the caller's transaction; one that is queued under this key already is the same message."""
    message_id = uuid4()
    plain = json.dumps({"recipient": recipient, "subject": subject, "text": text}).encode()
    session.execute(
        insert_missing(session, OutgoingMessage),
        [
            {
                "id": message_id,
                "dedupe_key": dedupe_key,
                "purpose": purpose,
                "channel": channel,
                "patient_id": patient_id,
                "sealed": sealer.seal(plain, context=f"message/{message_id}"),
                "queued_at": now,
                "expires_at": expires_at,
                "state": "queued",
                "attempts": 0,
                "next_attempt_at": now,
            }
        ],
    )


def withdraw_messages(session: Session, patient_id: UUID, *, now: datetime) -> None:
    """Send nothing more to a patient, and forget what was to be said."""
    session.execute(
        update(OutgoingMessage)
        .where(OutgoingMessage.patient_id == patient_id, OutgoingMessage.state.in_(("queued", "sending")))
        .values(state="withdrawn", settled_at=now, sealed=None)
    )


def settle_interrupted(session: Session, *, now: datetime) -> None:
    """At start: what was leaving when the hub died."""
    session.execute(
        update(OutgoingMessage)
        .where(OutgoingMessage.state == "sending")
        .values(state="uncertain", settled_at=now, sealed=None, detail="interrupted")
    )


def expire_messages(session: Session, *, now: datetime) -> None:
    """What came too late to be of use is not sent."""
    session.execute(
        update(OutgoingMessage)
        .where(OutgoingMessage.state == "queued", OutgoingMessage.expires_at <= now)
        .values(state="expired", settled_at=now, sealed=None)
    )


def next_message(session: Session, *, now: datetime) -> OutgoingMessage | None:
    """The message whose turn it is, marked as being sent; the caller commits before sending it."""
    row = session.scalars(
        select(OutgoingMessage)
        .where(
            OutgoingMessage.state == "queued",
            # A clock that was set back must not hold a message up for ever.
            or_(OutgoingMessage.next_attempt_at <= now, OutgoingMessage.next_attempt_at > now + 2 * _LONGEST_RETRY),
        )
        .order_by(OutgoingMessage.next_attempt_at, OutgoingMessage.id)
        .limit(1)
    ).one_or_none()
    if row is not None:
        row.state = "sending"
        row.attempts += 1
    return row


def read_message(row: OutgoingMessage, sealer: Sealer) -> Message:
    """What is to be sent.

    Raises:
        HubError: it is altered.
    """
    content = json.loads(sealer.unseal(row.sealed or b"", context=f"message/{row.id}"))
    return Message(id=row.id, **content)


def settle_message(session: Session, message_id: UUID, state: State, *, now: datetime, detail: str | None) -> None:
    """The last word on a message; its content goes."""
    session.execute(
        update(OutgoingMessage)
        .where(OutgoingMessage.id == message_id, OutgoingMessage.state == "sending")
        .values(state=state, settled_at=now, sealed=None, detail=detail)
    )


def try_again(session: Session, row: OutgoingMessage, *, now: datetime, detail: str | None) -> None:
    """Queue a message anew that was certainly not sent."""
    wait = min(_FIRST_RETRY * 2 ** (min(row.attempts, 20) - 1), _LONGEST_RETRY)
    session.execute(
        update(OutgoingMessage)
        .where(OutgoingMessage.id == row.id, OutgoingMessage.state == "sending")
        .values(state="queued", next_attempt_at=now + wait, detail=detail)
    )
