"""The kiosk's link to a real broker, the embedded one."""

from collections.abc import Callable
from pathlib import Path
from threading import Event

from edge.bus import Bus, LinkChanged
from edge.config import Broker
from edge.store import StorageFailed
from edge.uplink.link import Link
from hub.broker import EmbeddedBroker


def test_a_last_will_that_cannot_be_written_once_does_not_end_the_link(free_port: Callable[[], int]) -> None:
    port = free_port()
    broker = EmbeddedBroker(port)
    broker.start()
    asked: list[int] = []
    connected = Event()

    def will() -> bytes:
        asked.append(1)
        if len(asked) == 1:
            raise StorageFailed("the disk stumbled")
        return b"{}"

    bus = Bus()
    bus.subscribe(LinkChanged, lambda event: connected.set() if event.connected else None)
    link = Link(Broker(port=port), site="s", kiosk="k", bus=bus, will=will)
    link.start()
    try:
        assert connected.wait(30)
        assert len(asked) == 2
    finally:
        link.stop(farewell=b"{}")
        broker.stop()


def test_a_link_that_has_ended_holds_no_socket(free_port: Callable[[], int]) -> None:
    def sockets() -> int:
        descriptors = [entry for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        return sum(str(entry.readlink()).startswith("socket:") for entry in descriptors)

    before = sockets()
    link = Link(Broker(port=free_port()), site="s", kiosk="k", bus=Bus(), will=lambda: b"{}")
    link.start()
    link.stop(farewell=b"{}")
    assert sockets() == before
