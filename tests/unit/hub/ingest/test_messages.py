import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.messages import Delivery, Fact, KioskName, Refused, understand
from protocol.envelope import Heartbeat, KioskState

Build = Callable[..., dict[str, Any]]
Deliver = Callable[..., Delivery]


@pytest.mark.parametrize("kind", ["patient-registered", "analysis-completed", "capture-refused", "visit-ended"])
def test_an_event_on_its_topic_is_a_fact(message: Build, deliver: Deliver, kind: str) -> None:
    fact = understand(deliver(message(kind)))
    assert isinstance(fact, Fact)
    assert fact.kiosk == KioskName("village", "k1")


def test_states_and_heartbeats_are_told_apart(message: Build, deliver: Deliver) -> None:
    assert isinstance(understand(deliver(message("state"))), KioskState)
    assert isinstance(understand(deliver(message("heartbeat"))), Heartbeat)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": "2.0"}, "version-unsupported"),
        ({"version": "nonsense"}, "version-unsupported"),
        ({"sequence": 0}, "message-malformed"),
        ({"surprise": True}, "message-malformed"),
        ({"payload": {"visit_id": "x"}}, "message-malformed"),
        ({"occurred_at": "2026-11-22T08:30:15"}, "message-malformed"),
        ({"monotonic_ms": 2**63}, "message-malformed"),
    ],
)
def test_a_message_that_breaks_the_contract_is_refused_with_its_id(
    message: Build, deliver: Deliver, changes: dict[str, Any], code: str
) -> None:
    body = message("visit-ended", **changes)
    refused = understand(deliver(body))
    assert isinstance(refused, Refused)
    assert refused.code == code
    assert str(refused.message_id) == body["message_id"]


def test_an_unknown_type_is_told_from_a_wrong_topic(message: Build, deliver: Deliver) -> None:
    unknown = understand(deliver(message("visit-ended", type="mind-read")))
    assert isinstance(unknown, Refused)
    assert (unknown.code, unknown.kiosk) == ("type-unknown", KioskName("village", "k1"))


@pytest.mark.parametrize(
    "topic",
    [
        "derma/v1/village/k2/event/visit-ended",
        "derma/v1/town/k1/event/visit-ended",
        "derma/v1/village/k1/event/capture-refused",
        "derma/v1/village/k1/event/mind-read",
        "derma/v1/village/k1/event",
        "derma/v1/Village/k1/event/visit-ended",
        "other/topic",
        "",
    ],
)
def test_a_message_on_anothers_topic_is_refused_and_counts_in_nobodys_sequence(
    message: Build, deliver: Deliver, topic: str
) -> None:
    refused = understand(Delivery(topic, json.dumps(message("visit-ended")).encode(), deliver(b"").received_at))
    assert isinstance(refused, Refused)
    assert refused.code == "topic-invalid"
    assert refused.sequence is None


def test_a_state_on_anothers_topic_is_refused(message: Build, deliver: Deliver) -> None:
    refused = understand(deliver(message("state"), topic="derma/v1/village/k2/state"))
    assert isinstance(refused, Refused)
    assert refused.code == "topic-invalid"


def test_a_too_large_message_is_refused_unread(deliver: Deliver) -> None:
    refused = understand(deliver(b'{"message_id": "' + b"x" * 70_000))
    assert isinstance(refused, Refused)
    assert (refused.code, refused.message_id, refused.sequence) == ("message-too-large", None, None)


@pytest.mark.parametrize("body", [b"", b"\x00\xff", b"[" * 60_000, b"null", b'{"version": "1.0"}', b'"\\ud800"'])
def test_garbage_is_malformed(deliver: Deliver, body: bytes) -> None:
    refused = understand(deliver(body))
    assert isinstance(refused, Refused)
    assert refused.code == "message-malformed"


def test_what_is_kept_of_a_refusal_repeats_no_value_of_the_message(
    message: Build, deliver: Deliver, planted_name: str
) -> None:
    body = message("patient-registered", payload={"full_name": planted_name, "birth_date": planted_name})
    body["payload"]["\u202e\x00evil"] = planted_name
    refused = understand(deliver(body))
    assert isinstance(refused, Refused)
    assert planted_name not in refused.detail
    assert "birth_date" in refused.detail
    assert refused.detail.isprintable()


@given(body=st.binary(max_size=300), topic=st.text(max_size=60))
def test_nothing_breaks_the_reading(body: bytes, topic: str) -> None:
    assert isinstance(understand(Delivery(topic, body, datetime.now(UTC))), Refused)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
        max_leaves=20,
    )
)
def test_no_json_breaks_the_reading(value: Any) -> None:
    for name in ("event/visit-ended", "state", "heartbeat"):
        delivery = Delivery(f"derma/v1/village/k1/{name}", json.dumps(value).encode(), datetime.now(UTC))
        assert isinstance(understand(delivery), Refused)
