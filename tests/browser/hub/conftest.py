"""A real hub with its embedded broker, and a kiosk's side of the wire."""

import asyncio
import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import cv2
import httpx
import numpy as np
import paho.mqtt.client as mqtt
import pytest
import uvicorn
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, ConsoleMessage, Page, Response

from edge.capture.phantom import render, scene_for
from edge.inference.explain import overlay
from hub.app import create_app
from hub.config import HubSettings
from protocol import codec, topics
from protocol.envelope import Envelope, Receipt
from protocol.events import AnalysisCompleted, Event, PatientRegistered

PATIENCE_S = 20
RESEND_S = 2
TOKENS = {"clinician": "clinician-token", "technician": "technician-token", "kiosk": "kiosk-token"}
ADVICE = {
    "low": "watch-and-return",
    "moderate": "book-a-review",
    "high": "see-a-dermatologist-soon",
    "cannot-assess": "show-a-clinician",
}
REASON = {
    "low": "score-below-limits",
    "moderate": "score-above-moderate-limit",
    "high": "score-above-high-limit",
    "cannot-assess": "unlike-training-images",
}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@dataclass
class RunningHub:
    """The hub's application behind uvicorn, in a thread; stop and start it as often as wanted."""

    data_dir: Path
    port: int
    broker_port: int
    _server: _Server | None = None
    _thread: threading.Thread | None = None
    _app: Any = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        access = [
            {"name": "Dr. Example", "role": "clinician"},
            {"name": "Technician", "role": "technician"},
            {"name": "Kiosk 1", "role": "kiosk", "site": "village", "kiosk": "k1"},
        ]
        settings = HubSettings.model_validate(
            {
                "data_dir": self.data_dir,
                "http": {"port": self.port},
                "broker": {"embedded_port": self.broker_port},
                "access": [
                    entry | {"token_sha256": hashlib.sha256(TOKENS[entry["role"]].encode()).hexdigest()}
                    for entry in access
                ],
            }
        )
        self._app = create_app(settings)
        self._server = _Server(uvicorn.Config(self._app, port=self.port, log_config=None, lifespan="on"))
        self._thread = threading.Thread(target=lambda server: asyncio.run(server.serve()), args=(self._server,))
        self._thread.start()
        assert self._server.ready.wait(PATIENCE_S)

    def stop(self) -> None:
        if self._server is None or self._thread is None:
            return
        self._app.state.services.bus.close()
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        self._server = None


@dataclass
class KioskSide:
    """What a kiosk sends, over MQTT and HTTP, waiting for the hub's receipts."""

    hub: RunningHub
    pictures: list[tuple[bytes, bytes]]
    _sequence: int = 0
    _analyses: int = 0
    _boot_id: UUID = field(default_factory=uuid4)
    _receipted: set[UUID] = field(default_factory=set)
    _came: threading.Condition = field(default_factory=threading.Condition)

    def __post_init__(self) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, "village-k1", protocol=mqtt.MQTTv311)
        self.client.on_message = self._on_receipt
        subscribed = threading.Event()
        self.client.on_connect = lambda client, *_: client.subscribe(
            topics.subscription("receipt", site="village", kiosk="k1"), qos=1
        )
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.connect("127.0.0.1", self.hub.broker_port)
        self.client.loop_start()
        assert subscribed.wait(PATIENCE_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def register(self, name: str = "A. Patient") -> UUID:
        patient_id = uuid4()
        self.report(
            PatientRegistered.model_validate(
                {
                    "patient_id": patient_id,
                    "provisional_code": f"village-{patient_id.hex[:6]}",
                    "username": f"user-{patient_id.hex[:8]}",
                    "full_name": name,
                    "birth_date": "1961-04-12",
                    "sex": "female",
                    "language": "en",
                    "consent_care": True,
                    "consent_face": False,
                    "face_enrolled": False,
                }
            )
        )
        return patient_id

    def analyse(
        self,
        tier: str,
        *,
        malignant: float | None = 0.2,
        patient_id: UUID | None = None,
        upload: bool = True,
        wait: bool = True,
        **changes: Any,
    ) -> AnalysisCompleted:
        """Report an analysis, with its images if `upload`; returns once the hub has stored it, unless not to `wait`."""
        picture, heat_map = self.pictures[self._analyses % len(self.pictures)]
        self._analyses += 1
        now = datetime.now(UTC)
        simulated = changes.get("simulated", False)
        reasons = changes.pop("reasons", [REASON[tier], "simulated-image"] if simulated else [REASON[tier]])
        analysis = AnalysisCompleted.model_validate(
            {
                "analysis_id": uuid4(),
                "visit_id": uuid4(),
                "patient_id": patient_id or self.register(),
                "lesion": {"lesion_id": uuid4(), "body_site": changes.pop("body_site", "back")},
                "captured_at": now,
                "image": _reference(picture),
                "heat_map": _reference(heat_map),
                "device": {"name": "Phantom dermoscope", "simulated": simulated, "settings": {"gain": 1.0}},
                "quality": {"sharpness": 0.31, "brightness": 171.0},
                "model": {
                    "name": "melanoma",
                    "version": "0.1.0",
                    "sha256": hashlib.sha256(b"model").hexdigest(),
                    "licence_of_use": "research only",
                    "clinical": changes.pop("clinical", False),
                },
                "probabilities": {"mel": malignant or 0.0, "nv": 1 - (malignant or 0.0)},
                "malignant": malignant,
                "out_of_distribution": 0.9 if tier == "cannot-assess" else 0.1,
                "assessment": {
                    "tier": tier,
                    "reasons": reasons,
                    "advice": ADVICE[tier],
                    "valid_until": now + timedelta(days=14),
                },
                "simulated": simulated,
                "stage_ms": {"decode": 9.4, "inference": 21.0},
            }
            | changes
        )
        if upload:
            self.upload(picture)
            self.upload(heat_map)
        self.report(analysis, wait=wait)
        return analysis

    def analyse_excluded(self, **answers: str) -> AnalysisCompleted:
        """Report a picture of a nail, about which no model was asked."""
        absent = dict.fromkeys(("heat_map", "model", "malignant", "out_of_distribution"))
        urgent = "see-a-dermatologist-soon" if answers.get("bleeding") == "yes" else "show-a-clinician"
        return self.analyse(
            "cannot-assess",
            body_site="hand",
            probabilities={},
            answers={"nail": "yes", "treated": "not-asked"} | answers,
            exclusions=["nail"],
            assessment={
                "tier": "cannot-assess",
                "reasons": ["nail", *(flag for flag, answer in answers.items() if answer == "yes")],
                "advice": urgent,
                "valid_until": datetime.now(UTC) + timedelta(days=14),
            },
            **absent,
        )

    def images_of(self, analysis: AnalysisCompleted) -> tuple[bytes, bytes]:
        return next(pair for pair in self.pictures if _sha256(pair[0]) == analysis.image.sha256)

    def report(self, event: Event, *, wait: bool = True) -> None:
        self._sequence += 1
        message_id = uuid4()
        kind = codec.event_type(event)
        envelope = Envelope[type(event)].model_validate(  # type: ignore[misc]  # parametrised at run time
            {
                "message_id": message_id,
                "type": kind,
                "site": "village",
                "kiosk": "k1",
                "boot_id": self._boot_id,
                "sequence": self._sequence,
                "occurred_at": datetime.now(UTC),
                "monotonic_ms": self._sequence,
                "payload": event,
            }
        )
        topic, body = topics.build("event", site="village", kiosk="k1", type=kind), codec.encode(envelope)
        # As a kiosk does, again until the receipt comes: the broker forgets what arrives before the hub listens.
        for _ in range(PATIENCE_S // RESEND_S):
            self.client.publish(topic, body, qos=1)
            with self._came:
                if not wait or self._came.wait_for(lambda: message_id in self._receipted, RESEND_S):
                    return
        pytest.fail("no receipt came")

    def upload(self, data: bytes) -> None:
        answer = httpx.patch(
            f"{self.hub.url}/api/v1/images/{_sha256(data)}",
            content=data,
            headers={
                "Authorization": f"Bearer {TOKENS['kiosk']}",
                "Upload-Offset": "0",
                "Upload-Length": str(len(data)),
            },
        )
        assert answer.status_code == 201, answer.text

    def _on_receipt(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        receipt = codec.decode(message.payload, Receipt)
        with self._came:
            self._receipted |= set(receipt.stored)
            self._came.notify_all()


@pytest.fixture(scope="session")
def pictures() -> list[tuple[bytes, bytes]]:
    """JPEG bytes of phantom pictures and their heat maps."""
    pairs = []
    for index in range(6):
        rgb = render(scene_for(seed=11, index=index), width_px=640, height_px=480)
        height, width = np.mgrid[-1:1:7j, -1:1:7j]
        cam = (5 * np.exp(-3 * ((height - 0.15) ** 2 + (width + 0.1) ** 2))).astype(np.float32)
        _, encoded = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        pairs.append((encoded.tobytes(), overlay(rgb, cam)))
    return pairs


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[RunningHub]:
    running = RunningHub(tmp_path / "hub", port=_free_port(), broker_port=_free_port())
    running.start()
    yield running
    running.stop()


@pytest.fixture
def kiosk(hub: RunningHub, pictures: list[tuple[bytes, bytes]]) -> Iterator[KioskSide]:
    side = KioskSide(hub, pictures)
    yield side
    side.close()


@dataclass
class Complaints:
    """What the browser complained of: script errors, violated policy, failed requests."""

    heard: list[str] = field(default_factory=list)
    refusals_expected: bool = False

    def unexpected(self) -> list[str]:
        refusals = re.compile(r"\d+: |error: Failed to load resource|error: .*net::ERR_")
        return [text for text in self.heard if not (self.refusals_expected and refusals.match(text))]

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.heard.append(f"error: {error}"))
        page.on("console", self._console)
        page.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.heard.append(f"{message.type}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self.heard.append(f"{response.status}: {response.url}")


@pytest.fixture
def open_page(chromium: Browser, hub: RunningHub) -> Iterator[Callable[..., Page]]:
    """Open an address, signed in as a clinician unless told otherwise; fails at the end if the browser complained."""
    contexts = []
    complaints = Complaints()

    def open_(
        path: str = "/",
        *,
        role: str | None = "clinician",
        width: int = 1280,
        height: int = 800,
        refusals_expected: bool = False,
        **options: Any,
    ) -> Page:
        # A test that has the hub refuse or vanish on purpose says so; script errors are never on purpose.
        complaints.refusals_expected = complaints.refusals_expected or refusals_expected
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale="en-GB", timezone_id="UTC", **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        if role is not None:
            page.request.get(f"{hub.url}/login?token={TOKENS[role]}")
        complaints.listen(page)
        page.goto(hub.url + path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not complaints.unexpected()


def _reference(data: bytes) -> dict[str, Any]:
    height, width = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape[:2]
    return {
        "sha256": _sha256(data),
        "size_bytes": len(data),
        "media_type": "image/jpeg",
        "width_px": width,
        "height_px": height,
    }


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
