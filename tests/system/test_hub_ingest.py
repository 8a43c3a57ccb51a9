"""The hub with its embedded broker, and a raw MQTT client where a kiosk would be."""

import asyncio
import hashlib
import io
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import paho.mqtt.client as mqtt
import pytest
import uvicorn
from paho.mqtt.enums import CallbackAPIVersion
from PIL import Image as Picture
from sqlalchemy import func, select

from hub.api.deps import Services
from hub.app import create_app, running_services
from hub.backup import Watermark, back_up, tell_kiosks
from hub.broker import MAX_READ_BYTES, EmbeddedBroker
from hub.config import HubSettings
from hub.db.tables import Analysis, InboxMessage, Kiosk, QuarantinedMessage
from hub.errors import BackupFailed, PortInUse
from protocol import codec, topics
from protocol.commands import AdvanceBackupWatermark, ReplayEvents
from protocol.envelope import CommandEnvelope, Receipt

GOLDEN = Path(__file__).parents[1] / "contract" / "golden" / "v1"
PATIENCE_S = 30
TOKEN = "kiosk-token"


def until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        threading.Event().wait(0.02)


class RawKiosk:
    """Publishes whatever it is told to and remembers what the hub answers."""

    def __init__(self, port: int, *, name: str = "k1", will: bytes | None = None) -> None:
        self.name = name
        self.receipts: list[Receipt] = []
        self.commands: list[CommandEnvelope[Any]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"raw-{name}-{uuid4().hex[:6]}", protocol=mqtt.MQTTv311)
        subscribed = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topics.subscription(row, site="village", kiosk=name), 1) for row in ("receipt", "command")]
        )
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.on_message = self._hear
        if will is not None:
            self._client.will_set(f"derma/v1/village/{name}/state", will, qos=1, retain=True)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    def event(self, kind: str = "analysis-completed", *, payload: dict[str, Any] | None = None, **fields: Any) -> Any:
        body = json.loads((GOLDEN / f"{kind}.json").read_text())
        body |= {"message_id": str(uuid4()), "kiosk": self.name} | fields
        if kind == "analysis-completed":
            fresh = {name: str(uuid4()) for name in ("analysis_id", "visit_id", "patient_id")}
            body["payload"] |= fresh | {"lesion": {"lesion_id": str(uuid4()), "body_site": "arm"}}
        body["payload"] |= payload or {}
        return body

    def publish(self, body: Any, *, topic: str | None = None, retain: bool = False) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        topic = topic or f"derma/v1/village/{self.name}/event/{body['type']}"
        self._client.publish(topic, data, qos=1, retain=retain)

    def state(self, **fields: Any) -> bytes:
        body = json.loads((GOLDEN / "state.json").read_text()) | {"kiosk": self.name} | fields
        return json.dumps(body).encode()

    def publish_state(self, **fields: Any) -> None:
        self.publish(self.state(**fields), topic=f"derma/v1/village/{self.name}/state", retain=True)

    @property
    def stored(self) -> list[str]:
        return [str(message_id) for receipt in self.receipts for message_id in receipt.stored]

    @property
    def rejected(self) -> dict[str, str]:
        return {
            str(rejection.message_id): rejection.code for receipt in self.receipts for rejection in receipt.rejected
        }

    def await_receipts(self, *bodies: Any) -> None:
        wanted = {body["message_id"] for body in bodies}
        until(lambda: wanted <= {*self.stored, *self.rejected}, what="receipts")

    def break_off(self) -> None:
        """End without a farewell, as a kiosk whose power is cut."""
        self._client._sock_close()
        self.leave()

    def leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        if topics.parse(message.topic).topic.name == "receipt":
            self.receipts.append(codec.decode(message.payload, Receipt))
        else:
            self.commands.append(codec.decode_command(message.payload))


@pytest.fixture
def settings(tmp_path: Path, free_port: Callable[[], int]) -> HubSettings:
    return HubSettings.model_validate(
        {
            "data_dir": tmp_path,
            "broker": {"embedded_port": free_port()},
            "ingest": {"replay_grace_s": 0.1},
            "access": [
                {
                    "name": "Kiosk 1",
                    "role": "kiosk",
                    "site": "village",
                    "kiosk": "k1",
                    "token_sha256": hashlib.sha256(TOKEN.encode()).hexdigest(),
                }
            ],
        }
    )


@contextmanager
def connected_hub(settings: HubSettings) -> Iterator[Services]:
    with running_services(settings) as services:
        until(lambda: services.checks["broker"]() is None, what="the hub's connection")
        yield services


@pytest.fixture
def hub(settings: HubSettings) -> Iterator[Services]:
    with connected_hub(settings) as services:
        yield services


@pytest.fixture
def kiosk(hub: Services, settings: HubSettings) -> Iterator[RawKiosk]:
    raw = RawKiosk(settings.broker.embedded_port)
    yield raw
    raw.leave()


def rows(hub: Services, table: Any) -> list[Any]:
    with hub.database.reading() as session:
        return list(session.scalars(select(table)))


def test_events_become_rows_and_receipts(hub: Services, kiosk: RawKiosk) -> None:
    sent = [kiosk.event(sequence=number) for number in range(1, 51)]
    for body in sent:
        kiosk.publish(body)
    kiosk.await_receipts(*sent)
    assert kiosk.rejected == {}
    assert {str(row.message_id) for row in rows(hub, InboxMessage)} == {body["message_id"] for body in sent}
    assert len(rows(hub, Analysis)) == 50
    (known,) = rows(hub, Kiosk)
    assert known.complete_through == 50


def test_a_repeated_event_is_receipted_again_and_stored_once(hub: Services, kiosk: RawKiosk) -> None:
    body = kiosk.event()
    for _ in range(3):
        kiosk.publish(body)
    until(lambda: len(kiosk.stored) == 3, what="three receipts")
    assert len(rows(hub, Analysis)) == 1


def test_bad_messages_among_good_ones_hold_up_nobody(hub: Services, kiosk: RawKiosk) -> None:
    good = [kiosk.event(sequence=number) for number in range(1, 11)]
    wrong_version = kiosk.event(sequence=11, version="2.0")
    unknown_type = kiosk.event(sequence=12) | {"type": "mind-read"}
    contradicting = kiosk.event(sequence=13, payload={"analysis_id": good[0]["payload"]["analysis_id"]})
    elsewhere = kiosk.event(sequence=14) | {"kiosk": "k2"}
    reused = good[1] | {"sequence": 15}
    topic = "derma/v1/village/k1/event/analysis-completed"
    for body in good[:5]:
        kiosk.publish(body)
    kiosk.publish(b"\x00 no json", topic=topic)
    kiosk.publish(b"x" * (codec.MAX_MESSAGE_BYTES + 1), topic=topic)
    for body in (wrong_version, unknown_type, contradicting, elsewhere, reused):
        kiosk.publish(body, topic=topic if body is not unknown_type else None)
    for body in good[5:]:
        kiosk.publish(body)
    kiosk.await_receipts(*good, wrong_version, unknown_type, contradicting, elsewhere)
    until(lambda: len(rows(hub, QuarantinedMessage)) == 7, what="the quarantine")
    assert len(rows(hub, Analysis)) == 10
    assert kiosk.rejected == {
        wrong_version["message_id"]: "version-unsupported",
        unknown_type["message_id"]: "type-unknown",
        contradicting["message_id"]: "record-conflict",
        elsewhere["message_id"]: "topic-invalid",
        reused["message_id"]: "message-id-reused",
    }
    kept = {row.code for row in rows(hub, QuarantinedMessage)}
    assert kept == {*kiosk.rejected.values(), "message-malformed", "message-too-large"}


def test_a_gap_in_the_sequence_is_asked_for_and_closes(hub: Services, kiosk: RawKiosk) -> None:
    sent = [kiosk.event(sequence=number) for number in (1, 2, 3, 4, 5)]
    kiosk.publish_state(oldest_sequence=1, last_sequence=0)
    for body in (sent[0], sent[1], sent[4]):
        kiosk.publish(body)
    until(lambda: bool(kiosk.commands), what="the request for a replay")
    assert kiosk.commands[0].payload == ReplayEvents(from_sequence=3, to_sequence=4)
    for body in sent[2:4]:
        kiosk.publish(body)
    kiosk.await_receipts(*sent)
    assert len(kiosk.commands) == 1


def test_a_kiosk_that_has_more_than_the_hub_is_asked_for_it(kiosk: RawKiosk) -> None:
    kiosk.publish_state(oldest_sequence=3, last_sequence=9)
    until(lambda: bool(kiosk.commands), what="the request for a replay")
    assert kiosk.commands[0].payload == ReplayEvents(from_sequence=3, to_sequence=9)


def test_the_last_will_of_an_older_session_is_ignored_and_that_of_this_one_counts(
    hub: Services, settings: HubSettings
) -> None:
    boot = str(uuid4())
    will = json.loads((GOLDEN / "state.json").read_text()) | {"boot_id": boot, "online": False, "reason": "lost"}

    def online() -> bool | None:
        known = rows(hub, Kiosk)
        return known[0].online if known else None

    old = RawKiosk(settings.broker.embedded_port, will=json.dumps(will | {"session": 1}).encode())
    new = RawKiosk(settings.broker.embedded_port, will=json.dumps(will | {"session": 2}).encode())
    new.publish_state(boot_id=boot, session=2)
    until(lambda: online() is True, what="the birth")
    old.break_off()
    # The old will has been heard once this later message on the same path is dealt with.
    sentinel = new.event()
    new.publish(sentinel)
    new.await_receipts(sentinel)
    assert online() is True
    new.break_off()
    until(lambda: online() is False, what="the death")


def test_a_hub_that_was_away_takes_in_what_is_sent_again(settings: HubSettings, free_port: Callable[[], int]) -> None:
    port = settings.broker.embedded_port
    outside = settings.model_copy(
        update={"broker": settings.broker.model_copy(update={"host": "127.0.0.1", "port": port})}
    )
    broker = EmbeddedBroker(port)
    broker.start()
    kiosk = RawKiosk(port)
    bodies = [kiosk.event(sequence=number) for number in (1, 2)]
    with connected_hub(outside):
        kiosk.publish(bodies[0])
        kiosk.await_receipts(bodies[0])
    kiosk.publish(bodies[1])
    with connected_hub(outside) as hub:
        for body in bodies:
            kiosk.publish(body)
        kiosk.await_receipts(*bodies)
        assert len(rows(hub, Analysis)) == 2
    kiosk.leave()
    broker.stop()


def test_a_hub_starts_without_its_broker_says_so_and_connects_when_it_comes(
    settings: HubSettings, free_port: Callable[[], int]
) -> None:
    port = free_port()
    outside = settings.model_copy(
        update={"broker": settings.broker.model_copy(update={"host": "127.0.0.1", "port": port})}
    )
    with running_services(outside) as hub:
        assert hub.checks["broker"]() == "not connected to the broker"
        assert hub.checks["database"]() is None
        assert hub.checks["ingest"]() is None
        broker = EmbeddedBroker(port)
        broker.start()
        until(lambda: hub.checks["broker"]() is None, what="the connection")
        broker.stop()
        until(lambda: hub.checks["broker"]() is not None, what="the loss of the connection")


def test_the_embedded_broker_drops_a_client_that_announces_too_much(hub: Services, settings: HubSettings) -> None:
    with socket.create_connection(("127.0.0.1", settings.broker.embedded_port), timeout=PATIENCE_S) as raw:
        raw.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x3c\x00\x04evil")
        assert raw.recv(4) == b"\x20\x02\x00\x00"
        length = MAX_READ_BYTES * 4
        encoded = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127 | 128, length >> 21])
        raw.sendall(b"\x30" + encoded + b"\x00\x01a")
        assert raw.recv(1) == b""
    assert hub.checks["broker"]() is None


def test_a_backup_tells_each_kiosk_how_far_it_may_forget(
    hub: Services, kiosk: RawKiosk, settings: HubSettings, tmp_path: Path
) -> None:
    sent = [kiosk.event("command-answered", sequence=number) for number in (1, 2, 3)]
    for body in sent:
        kiosk.publish(body)
    kiosk.await_receipts(*sent)
    now = datetime.now(UTC)
    backup = back_up(settings, tmp_path / "safe", now=now)
    tell_kiosks(settings, backup.watermarks, now=now)
    until(lambda: bool(kiosk.commands), what="the watermark")
    assert kiosk.commands[0].payload == AdvanceBackupWatermark(through_sequence=3)


def test_without_a_broker_a_backup_says_that_kiosks_were_not_told(
    settings: HubSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.backup._BROKER_S", 0.1)
    with pytest.raises(BackupFailed, match="did not take the watermarks"):
        tell_kiosks(settings, [Watermark("village", "k1", 3)], now=datetime.now(UTC))


def test_two_embedded_brokers_cannot_share_a_port(free_port: Callable[[], int]) -> None:
    port = free_port()
    first = EmbeddedBroker(port)
    first.start()
    with pytest.raises(PortInUse, match=str(port)):
        EmbeddedBroker(port).start()
    first.stop()
    again = EmbeddedBroker(port)
    again.start()
    again.stop()


@pytest.fixture
def http_hub(settings: HubSettings, free_port: Callable[[], int]) -> Iterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    until(lambda: server.started, what="the server")
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(PATIENCE_S)


def test_an_upload_cut_off_half_way_goes_on_from_there(http_hub: str) -> None:
    buffer = io.BytesIO()
    Picture.effect_noise((1200, 900), 90).save(buffer, "PNG")
    data = buffer.getvalue()
    path = f"/api/v1/images/{hashlib.sha256(data).hexdigest()}"
    host, port = http_hub.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(
            f"PATCH {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Upload-Offset: 0\r\nUpload-Length: {len(data)}\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data[: len(data) // 2]
        )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=http_hub, headers=headers) as client:

        def arrived() -> int:
            return int(client.head(path).headers.get("Upload-Offset", 0))

        until(lambda: arrived() == len(data) // 2, what="the first half")
        rest = client.patch(
            path,
            headers={"Upload-Offset": str(len(data) // 2), "Upload-Length": str(len(data))},
            content=data[len(data) // 2 :],
        )
        assert rest.status_code == 201
        assert client.head(path).headers["Upload-Complete"] == "?1"


def test_everything_is_stored_when_two_kiosks_talk_at_once(hub: Services, settings: HubSettings) -> None:
    with ExitStack() as stack:
        kiosks = []
        for name in ("k1", "k2"):
            raw = RawKiosk(settings.broker.embedded_port, name=name)
            stack.callback(raw.leave)
            kiosks.append(raw)
        sent = {raw: [raw.event(sequence=number) for number in range(1, 101)] for raw in kiosks}
        for pair in zip(*sent.values(), strict=True):
            for raw, body in zip(kiosks, pair, strict=True):
                raw.publish(body)
        for raw in kiosks:
            raw.await_receipts(*sent[raw])
            assert sorted(raw.stored) == sorted(body["message_id"] for body in sent[raw])
    with hub.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Analysis)) == 200
