"""What a delivery turns out to be, once read: a fact to store, a state, a heartbeat, or nothing usable."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from protocol import codec, topics
from protocol.envelope import Envelope, Heartbeat, KioskState
from protocol.errors import MessageTooLarge, ProtocolError, TopicInvalid


@dataclass(frozen=True)
class Delivery:
    """One message as the broker delivered it. `connection` counts the link's connections."""

    topic: str
    body: bytes
    received_at: datetime
    qos: int = 1
    mid: int = 0
    connection: int = 0


class KioskName(NamedTuple):
    """A kiosk's full name."""

    site: str
    kiosk: str


@dataclass(frozen=True)
class Fact:
    """An event that fits the contract and its topic."""

    kiosk: KioskName
    envelope: Envelope[Any]
    body_sha256: bytes
    delivery: Delivery


@dataclass(frozen=True)
class Refused:
    """A message for the quarantine: why, and what could be read of it."""

    delivery: Delivery
    code: str
    detail: str
    kiosk: KioskName | None
    message_id: UUID | None
    sequence: int | None


Understood = Fact | KioskState | Heartbeat | Refused


def understand(delivery: Delivery) -> Understood:
    """Read one delivery; never fails."""
    try:
        return _read(delivery)
    except ProtocolError as error:
        return refuse(delivery, code=error.code, detail=str(error))


def refuse(delivery: Delivery, *, code: str, detail: str) -> Refused:
    """The delivery as one for the quarantine."""
    kiosk = _sender(delivery.topic)
    too_large = len(delivery.body) > codec.MAX_MESSAGE_BYTES
    # A message that names another kiosk than its topic must not count in this kiosk's sequence.
    foreign = code == TopicInvalid.code
    return Refused(
        delivery=delivery,
        code=code,
        detail=_plain(detail),
        kiosk=kiosk,
        message_id=codec.salvage_message_id(delivery.body),
        sequence=None if too_large or foreign else _salvage_sequence(delivery.body),
    )


def _read(delivery: Delivery) -> Understood:
    if len(delivery.body) > codec.MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"{len(delivery.body)} bytes; the limit is {codec.MAX_MESSAGE_BYTES}")
    name = _part(delivery.topic, 2)
    if name == "state":
        state = codec.decode(delivery.body, KioskState)
        _check_topic(delivery.topic, state.site, state.kiosk, None)
        return state
    if name == "heartbeat":
        heartbeat = codec.decode(delivery.body, Heartbeat)
        _check_topic(delivery.topic, heartbeat.site, heartbeat.kiosk, None)
        return heartbeat
    # The body first: an unknown type in topic and body alike is an unknown type, not a wrong topic.
    envelope = codec.decode_event(delivery.body)
    _check_topic(delivery.topic, envelope.site, envelope.kiosk, envelope.type)
    return Fact(
        kiosk=KioskName(envelope.site, envelope.kiosk),
        envelope=envelope,
        body_sha256=hashlib.sha256(delivery.body).digest(),
        delivery=delivery,
    )


def _check_topic(topic: str, site: str, kiosk: str, event_type: str | None) -> None:
    address = topics.parse(topic)
    if (address.site, address.kiosk, address.type) != (site, kiosk, event_type):
        raise TopicInvalid("the message names another kiosk or type than the topic it came on")


def _sender(topic: str) -> KioskName | None:
    """Kiosk that the topic names, also when the rest of the topic is unknown."""
    site, kiosk = _part(topic, 0), _part(topic, 1)
    try:
        topics.build("receipt", site=site, kiosk=kiosk)
    except TopicInvalid:
        return None
    return KioskName(site, kiosk)


def _part(topic: str, index: int) -> str:
    parts = topic.removeprefix(f"{topics.ROOT}/").split("/")
    return parts[index] if index < len(parts) else ""


class _SequenceOnly(BaseModel):
    model_config = ConfigDict(extra="ignore")
    sequence: int = Field(ge=1, le=2**63 - 1)


def _salvage_sequence(body: bytes) -> int | None:
    try:
        return _SequenceOnly.model_validate_json(body).sequence
    except ValidationError:
        return None


def _plain(text: str) -> str:
    # Names of unknown fields come from the sender: keep them from carrying control characters into the database.
    return re.sub(r"[^\x20-\x7e]", "?", text)[:500]
