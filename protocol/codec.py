"""Bytes to models and back: size limit, version rule, closed schemas."""

from typing import Any, TypeVar
from uuid import UUID

from pydantic import ValidationError

from protocol import version
from protocol.commands import COMMAND_NAMES, COMMANDS, Command
from protocol.envelope import CommandEnvelope, Envelope, Header
from protocol.errors import MessageMalformed, MessageTooLarge, TypeUnknown
from protocol.events import EVENT_TYPES, EVENTS, Event
from protocol.fields import WireModel

MAX_MESSAGE_BYTES = 64 * 1024
M = TypeVar("M", bound=WireModel)


class _VersionOnly(WireModel):
    version: str


def encode(message: WireModel) -> bytes:
    """JSON bytes of a message.

    Raises:
        MessageTooLarge: more than MAX_MESSAGE_BYTES.
    """
    data = message.model_dump_json().encode()
    _check_size(data)
    return data


def decode(data: bytes, model: type[M]) -> M:
    """Parse one message of a known kind (state, heartbeat, receipt).

    Raises:
        ProtocolError: too large, malformed, or of an unsupported version.
    """
    _check_size(data)
    sender = version.accept(_validate(data, _VersionOnly, newer=True).version)
    return _validate(data, model, newer=sender > version.CURRENT)


def decode_event(data: bytes) -> Envelope[Any]:
    """Parse one event.

    Raises:
        ProtocolError: too large, malformed, of an unsupported version, or of a type this side does not know.
    """
    header = decode_header(data)
    if header.type not in EVENTS:
        raise TypeUnknown(f"event type {header.type!r} is not known")
    newer = version.accept(header.version) > version.CURRENT
    return _validate(data, EVENT_ENVELOPES[header.type], newer=newer)


def decode_command(data: bytes) -> CommandEnvelope[Any]:
    """Parse one command; the same rules as for events."""
    header = decode_header(data)
    if header.type not in COMMANDS:
        raise TypeUnknown(f"command {header.type!r} is not known")
    newer = version.accept(header.version) > version.CURRENT
    return _validate(data, COMMAND_ENVELOPES[header.type], newer=newer)


def decode_header(data: bytes) -> Header:
    """Parse what every version shares, then apply the version rule.

    Raises:
        ProtocolError: too large, without a readable header, or of an unsupported version.
    """
    _check_size(data)
    version.accept(_validate(data, _VersionOnly, newer=True).version)
    return _validate(data, Header, newer=True)


def salvage_message_id(data: bytes) -> UUID | None:
    """Message id of a message that does not decode, so that its sender can be told; None if even that is unreadable."""
    if len(data) > MAX_MESSAGE_BYTES:
        return None
    try:
        return _validate(data, _MessageIdOnly, newer=True).message_id
    except MessageMalformed:
        return None


class _MessageIdOnly(WireModel):
    message_id: UUID


def _check_size(data: bytes) -> None:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(f"{len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")


def _validate(data: bytes, model: type[M], *, newer: bool) -> M:
    try:
        return model.model_validate_json(data, extra="ignore" if newer else "forbid")
    except ValidationError as error:
        # The input is left out of the text: it may be patient data, and this text is logged.
        places = ", ".join(
            f"{'.'.join(map(str, e['loc'])) or 'message'}: {e['type']}"
            for e in error.errors(include_input=False, include_url=False, include_context=False)[:5]
        )
        raise MessageMalformed(places) from None


def event_type(event: Event) -> str:
    """Wire name of an event."""
    return EVENT_TYPES[type(event)]


def command_name(command: Command) -> str:
    """Wire name of a command."""
    return COMMAND_NAMES[type(command)]


EVENT_ENVELOPES: dict[str, type[Envelope[Any]]] = {name: Envelope[model] for name, model in EVENTS.items()}  # type: ignore[valid-type]  # parametrised at run time
COMMAND_ENVELOPES: dict[str, type[CommandEnvelope[Any]]] = {
    name: CommandEnvelope[model]  # type: ignore[valid-type]  # parametrised at run time
    for name, model in COMMANDS.items()
}
