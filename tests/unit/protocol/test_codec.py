import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from protocol import codec
from protocol.envelope import Envelope, Receipt
from protocol.errors import MessageMalformed, MessageTooLarge, ProtocolError, TypeUnknown, VersionUnsupported
from protocol.events import CommandAnswered, PatientRegistered


def answered(**changes: Any) -> dict[str, Any]:
    message = {
        "version": "1.0",
        "message_id": str(uuid4()),
        "type": "command-answered",
        "site": "village",
        "kiosk": "k1",
        "boot_id": str(uuid4()),
        "sequence": 7,
        "occurred_at": "2026-11-22T09:00:00+01:00",
        "monotonic_ms": 12,
        "payload": {"command_id": str(uuid4()), "outcome": "done"},
    }
    return message | changes


def as_bytes(message: object) -> bytes:
    return json.dumps(message).encode()


def test_an_event_survives_the_wire_and_its_time_becomes_utc() -> None:
    event = codec.decode_event(as_bytes(answered()))
    assert isinstance(event, Envelope)
    assert isinstance(event.payload, CommandAnswered)
    assert event.occurred_at == datetime(2026, 11, 22, 8, tzinfo=UTC)
    assert codec.decode_event(codec.encode(event)) == event


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", MessageMalformed),
        (b"\xff\xfe", MessageMalformed),
        (b"[]", MessageMalformed),
        (b"[" * 60_000, MessageMalformed),
        (as_bytes(answered(version="2.0")), VersionUnsupported),
        (as_bytes(answered(version="0.9")), VersionUnsupported),
        (as_bytes(answered(version="1.0\n")), VersionUnsupported),
        (as_bytes(answered(type="patient-exploded")), TypeUnknown),
        (as_bytes(answered(surprise=1)), MessageMalformed),
        (as_bytes(answered(sequence=0)), MessageMalformed),
        (as_bytes(answered(sequence=2**63)), MessageMalformed),
        (as_bytes(answered(site="../etc")), MessageMalformed),
        (as_bytes(answered(occurred_at="2026-11-22T09:00:00")), MessageMalformed),
        (as_bytes(answered(occurred_at="0001-01-01T00:00:00+14:00")), MessageMalformed),
        (as_bytes(answered(payload={"command_id": str(uuid4()), "outcome": "maybe"})), MessageMalformed),
        (b" " * (codec.MAX_MESSAGE_BYTES + 1), MessageTooLarge),
    ],
)
def test_what_breaks_the_contract_is_refused_with_its_own_error(data: bytes, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        codec.decode_event(data)


def test_a_newer_minor_version_may_bring_keys_this_side_does_not_know() -> None:
    payload = {"command_id": str(uuid4()), "outcome": "done", "mood": "good"}
    event = codec.decode_event(as_bytes(answered(version="1.9", weather="fine", payload=payload)))
    assert event.payload.outcome == "done"


def test_an_error_never_repeats_what_the_sender_wrote(planted_name: str) -> None:
    with pytest.raises(MessageMalformed) as caught:
        codec.decode_event(as_bytes(answered(sequence=planted_name)))
    assert planted_name not in str(caught.value)


def test_the_id_of_a_message_of_another_version_can_still_be_named() -> None:
    message = answered(version="7.0")
    assert str(codec.salvage_message_id(as_bytes(message))) == message["message_id"]
    assert codec.salvage_message_id(b"\x00garbage") is None


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_protocol_error(data: bytes) -> None:
    for decode in (codec.decode_event, codec.decode_command, lambda d: codec.decode(d, Receipt)):
        with pytest.raises(ProtocolError):
            decode(data)
    codec.salvage_message_id(data)


@pytest.mark.parametrize("change", [{"full_name": "{name}\x00"}, {"birth_date": "{name}"}])
def test_an_event_that_cannot_be_built_does_not_name_the_patient_in_its_error(
    change: dict[str, Any], planted_name: str
) -> None:
    particulars: dict[str, Any] = {"patient_id": uuid4(), "full_name": planted_name, "username": planted_name}
    particulars |= {
        key: value.format(name=planted_name) if isinstance(value, str) else value for key, value in change.items()
    }
    with pytest.raises(ValidationError) as caught:
        PatientRegistered.model_validate(particulars)
    assert planted_name not in str(caught.value)
