"""The embedded broker, for a demonstration or one shop: amqtt on loopback, without accounts."""

import asyncio
import logging
import socket
import threading
from typing import Any
from weakref import WeakSet

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig, ListenerType

from hub.config import LOOPBACK
from hub.errors import StartFailed
from hub.listener import listen

MAX_READ_BYTES = 1024 * 1024
"""Largest piece of a packet that a client may send; more than any message of ours, so that the hub sees those."""

_LISTENER = "default"
_START_S = 10.0


class EmbeddedBroker:
    """A broker in a thread of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._started = threading.Event()
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="embedded-broker", daemon=True)
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Listen.

        Raises:
            PortInUse: another process has the port.
            StartFailed: anything else.
        """
        self._socket = listen(LOOPBACK, self._port, what="embedded broker")
        self._thread.start()
        if not self._started.wait(_START_S) or self._failure is not None:
            raise StartFailed(f"the embedded broker did not start: {type(self._failure).__name__}")

    def stop(self) -> None:
        """Close all connections and end."""
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def _run(self) -> None:
        # It logs every client that goes away without saying so, and with tracebacks; what matters shows at both ends.
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 handed to the starting thread
            self._failure = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        # The listener is ours: amqtt's own would let one client announce a packet of 256 MB.
        config = BrokerConfig(
            listeners={_LISTENER: ListenerConfig(type=ListenerType.EXTERNAL, bind=f"{LOOPBACK}:{self._port}")},
            plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        )
        broker = Broker(config)

        writers: WeakSet[asyncio.StreamWriter] = WeakSet()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.add(writer)
            await broker.external_connected(_BoundedReader(reader), StreamWriterAdapter(writer), _LISTENER)

        await broker.start()
        server = await asyncio.start_server(accept, sock=self._socket)
        self._started.set()
        try:
            await self._stopping.wait()
        finally:
            server.close()
            await server.wait_closed()
            await broker.shutdown()
            # amqtt leaves the connections of clients that came or went just now to the collector.
            for writer in writers:
                writer.transport.abort()
            await asyncio.sleep(0)


class _BoundedReader(StreamReaderAdapter):  # type: ignore[misc]  # amqtt is imported untyped
    """Ends the connection of a client that announces too much."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._ended = False

    async def read(self, n: int = -1) -> bytes:
        """Next `n` bytes; none for ever once a client has asked for too much."""
        self._ended = self._ended or n > MAX_READ_BYTES
        data: Any = b"" if self._ended else await super().read(n)
        return bytes(data)
