"""The kiosk's uplink and the hub's ingest through a real Mosquitto, with its shipped passwords, TLS and access list."""

import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from deploy.demo.installation import wait_until
from edge.bus import Bus, LinkChanged, ReceiptArrived
from edge.clock import SystemClock
from edge.config import Broker
from edge.store import Store
from edge.uplink import outbox as outbox_module
from edge.uplink.image_spool import ImageSpool
from edge.uplink.link import Link
from edge.uplink.outbox import Outbox
from edge.uplink.presence import Presence
from edge.uplink.sender import Sender, SendingRules
from hub.api.deps import Services
from hub.app import running_services
from hub.config import HubSettings
from hub.db.tables import InboxMessage, Kiosk
from protocol.events import CommandAnswered

PATIENCE_S = 30


@dataclass
class Uplink:
    """A kiosk without its screen."""

    outbox: Outbox
    sender: Sender
    bus: Bus

    def save(self, count: int = 1) -> list[UUID]:
        return [self.outbox.save(CommandAnswered(command_id=uuid4(), outcome="done")) for _ in range(count)]

    def wait_until_receipted(self) -> None:
        changed = Event()
        self.bus.subscribe(ReceiptArrived, lambda _: changed.set())
        while self.outbox.pending(limit=1):
            assert changed.wait(PATIENCE_S), "no receipt came"
            changed.clear()


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., Services]]:
    with ExitStack() as stack:

        def start(broker: Any) -> Services:
            settings = HubSettings.model_validate(
                {
                    "data_dir": tmp_path / "hub",
                    "broker": {
                        "host": "127.0.0.1",
                        "port": broker.tls_port,
                        "username": "hub",
                        "password": broker.password_of("hub"),
                        "tls_ca_file": broker.ca_file,
                    },
                }
            )
            return stack.enter_context(running_services(settings))

        yield start


@pytest.fixture
def start_uplink(tmp_path: Path) -> Iterator[Callable[..., Uplink]]:
    with ExitStack() as stack:

        def start(broker: Any, *, kiosk: str = "kiosk-a", user: str = "north/kiosk-a") -> Uplink:
            folder = tmp_path / f"edge-{kiosk}-{uuid4()}"
            clock, bus = SystemClock(), Bus()
            store = Store(folder / "kiosk.db", (outbox_module.MIGRATIONS,))
            stack.callback(store.close)
            outbox = Outbox(
                store=store, spool=ImageSpool(folder / "images"), clock=clock, bus=bus, site="north", kiosk=kiosk
            )
            presence = Presence(
                outbox=outbox,
                clock=clock,
                data_dir=folder,
                site="north",
                kiosk=kiosk,
                model_sha256=None,
                simulated=True,
            )
            settings = Broker(
                port=broker.tls_port,
                username=user,
                password=SecretStr(broker.password_of(user)),
                tls_ca_file=broker.ca_file,
            )
            link = Link(settings, site="north", kiosk=kiosk, bus=bus, will=presence.will)
            rules = SendingRules(receipt_timeout_s=1, heartbeat_s=5, keep=timedelta(days=30), quota_bytes=10**9)
            sender = Sender(outbox=outbox, link=link, presence=presence, clock=clock, bus=bus, rules=rules)
            connected = Event()
            bus.subscribe(LinkChanged, lambda event: connected.set() if event.connected else None)
            sender.start()
            stack.callback(sender.stop)
            assert connected.wait(PATIENCE_S)
            return Uplink(outbox, sender, bus)

        yield start


def stored(hub: Services) -> list[UUID]:
    with hub.database.reading() as session:
        return list(session.scalars(select(InboxMessage.message_id).order_by(InboxMessage.sequence)))


def test_saved_events_reach_the_hub_once_over_tls(
    mosquitto: Any, start_hub: Callable[..., Services], start_uplink: Callable[..., Uplink]
) -> None:
    hub = start_hub(mosquitto)
    uplink = start_uplink(mosquitto)
    ids = uplink.save(300)
    uplink.wait_until_receipted()
    assert stored(hub) == ids


def test_a_broker_that_loses_everything_loses_nothing(
    mosquitto: Any, start_hub: Callable[..., Services], start_uplink: Callable[..., Uplink]
) -> None:
    hub = start_hub(mosquitto)
    uplink = start_uplink(mosquitto)
    ids = uplink.save(50)
    mosquitto.kill()
    shutil.rmtree(mosquitto.folder / "data")
    (mosquitto.folder / "data").mkdir()
    ids += uplink.save(50)
    mosquitto.start()
    uplink.wait_until_receipted()
    assert stored(hub) == ids


def test_a_hub_that_comes_later_gets_everything(
    mosquitto: Any, start_hub: Callable[..., Services], start_uplink: Callable[..., Uplink]
) -> None:
    uplink = start_uplink(mosquitto)
    ids = uplink.save(150)
    hub = start_hub(mosquitto)
    uplink.wait_until_receipted()
    assert stored(hub) == ids


def test_a_kiosk_with_another_kiosk_s_account_is_not_heard(
    mosquitto: Any, start_hub: Callable[..., Services], start_uplink: Callable[..., Uplink]
) -> None:
    hub = start_hub(mosquitto)
    impostor = start_uplink(mosquitto, kiosk="kiosk-a", user="north/kiosk-b")
    honest = start_uplink(mosquitto, kiosk="kiosk-b", user="north/kiosk-b")
    forged = impostor.save(1)
    ids = honest.save(1)
    honest.wait_until_receipted()
    assert stored(hub) == ids
    assert [message.message_id for message in impostor.outbox.pending(limit=10)] == forged


def test_a_kiosk_that_dies_is_reported_by_its_last_will(
    mosquitto: Any, start_hub: Callable[..., Services], start_uplink: Callable[..., Uplink]
) -> None:
    hub = start_hub(mosquitto)
    watcher = mosquitto.peer("hub", client_id="watcher").connect().subscribe("derma/v1/+/+/state")
    uplink = start_uplink(mosquitto)
    assert '"birth"' in watcher.receive()[1]
    uplink.sender._link._client.socket().shutdown(socket.SHUT_RDWR)
    assert '"lost"' in watcher.receive()[1]

    def noted() -> bool:
        with hub.database.reading() as session:
            return session.scalar(select(Kiosk.reason)) == "lost"

    wait_until(noted, what="the hub does not note the death", timeout_s=PATIENCE_S)
