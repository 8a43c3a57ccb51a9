"""The hub's MQTT connection. paho's thread only moves bytes; a full queue holds it back, and so the broker."""

import logging
import queue
import random
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub.config import HubSettings
from hub.errors import ConfigError
from hub.ingest.messages import Delivery
from protocol import topics

_log = logging.getLogger(__name__)
_KEEPALIVE_S = 30
_MOST_UNSENT = 10_000
_POLL_S = 0.5


class Link(Protocol):
    """A connection to a broker that delivers each message until it is acknowledged."""

    def receive(self, *, most: int, wait_s: float, fill_s: float) -> list[Delivery]:
        """Up to `most` deliveries: waits `wait_s` for the first, then `fill_s` for more."""
        ...

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker that a delivery is dealt with."""
        ...

    def publish(self, topic: str, body: bytes, *, qos: int) -> bool:
        """Hand a message to the broker; False when not connected."""
        ...


class MqttLink:
    """Connects for ever with back-off; acknowledges by hand, so that what is not committed comes again."""

    def __init__(self, settings: HubSettings, *, client_id: str, queue_length: int, listens: bool = True) -> None:
        broker = settings.broker
        self._address = settings.broker_address
        self._listens = listens
        self._queue: queue.Queue[Delivery] = queue.Queue(queue_length)
        self._stopping = threading.Event()
        self._connected = threading.Event()
        self._connection = 0
        # A listener's session lasts: the broker keeps what arrives while the hub is away, as far as it can.
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=not listens,
            protocol=mqtt.MQTTv311,
            manual_ack=True,
        )
        self._client.max_inflight_messages_set(1_000)
        self._client.max_queued_messages_set(_MOST_UNSENT)
        self._client.reconnect_delay_set(min_delay=1, max_delay=30)
        if broker.username is not None:
            password = broker.password.get_secret_value() if broker.password else None
            self._client.username_pw_set(broker.username, password)
        if broker.tls_ca_file is not None:
            self._client.tls_set_context(_tls_context(broker.tls_ca_file))
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    @property
    def connected(self) -> bool:
        """Whether the broker has confirmed the subscriptions of this connection."""
        return self._connected.is_set()

    def start(self) -> None:
        """Begin connecting in the background; a broker that is away is tried again for ever."""
        host, port = self._address
        self._client.connect_async(host, port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the connection; says whether there is one."""
        return self._connected.wait(timeout_s)

    def stop(self) -> None:
        """End the connection; what is not acknowledged comes again."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()
        # paho's thread may end before it has closed its socket.
        left_open = self._client.socket()
        if left_open is not None:
            left_open.close()

    def receive(self, *, most: int, wait_s: float, fill_s: float) -> list[Delivery]:
        """Up to `most` deliveries."""
        try:
            deliveries = [self._queue.get(timeout=wait_s)]
        except queue.Empty:
            return []
        ends = time.monotonic() + fill_s
        while len(deliveries) < most:
            try:
                deliveries.append(self._queue.get(timeout=max(0.0, ends - time.monotonic())))
            except queue.Empty:
                break
        return deliveries

    def acknowledge(self, delivery: Delivery) -> None:
        """Tell the broker; after a reconnect it delivers anew, and the old number may be another message's."""
        if delivery.qos and delivery.connection == self._connection:
            self._client.ack(delivery.mid, delivery.qos)

    def publish(self, topic: str, body: bytes, *, qos: int) -> bool:
        """Hand a message to the broker; False when not connected: whoever waits for it will ask again."""
        return self.connected and self._client.publish(topic, body, qos=qos).rc == mqtt.MQTT_ERR_SUCCESS

    def publish_and_wait(self, topic: str, body: bytes, *, timeout_s: float) -> bool:
        """Publish with QoS 1 and wait for the broker's word."""
        if not self.connected:
            return False
        info = self._client.publish(topic, body, qos=1)
        info.wait_for_publish(timeout_s)
        return info.is_published()

    def _on_connect(
        self, client: mqtt.Client, _userdata: object, _flags: object, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if reason.is_failure:
            _log.warning("the broker refused the connection: %s", reason)
            return
        self._connection += 1
        if not self._listens:
            self._connected.set()
            return
        wanted: list[tuple[str, int]] = [
            (topics.subscription(row.name), row.qos) for row in topics.TOPICS.values() if row.publisher == "kiosk"
        ]
        client.subscribe(wanted)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            _log.error("the broker refused a subscription; check its ACL for the hub")
            return
        _log.info("connected to the broker")
        self._connected.set()

    def _on_connect_fail(self, _client: mqtt.Client, _userdata: object) -> None:
        _log.warning("the broker at %s port %d does not answer", *self._address)
        self._pause()

    def _on_disconnect(
        self, _client: mqtt.Client, _userdata: object, _flags: object, reason: ReasonCode, _p: Properties | None
    ) -> None:
        self._connected.clear()
        if not self._stopping.is_set():
            _log.warning("the broker's connection ended: %s", reason)
            self._pause()

    def _pause(self) -> None:
        # paho doubles its delays without jitter.
        self._stopping.wait(random.random())  # noqa: S311 jitter needs no secrecy

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = "not UTF-8"
        delivery = Delivery(
            topic=topic,
            body=bytes(message.payload),
            received_at=datetime.now(UTC),
            qos=message.qos,
            mid=message.mid,
            connection=self._connection,
        )
        while not self._stopping.is_set():
            try:
                self._queue.put(delivery, timeout=_POLL_S)
            except queue.Full:
                continue
            return


def _tls_context(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except OSError as error:
        raise ConfigError(f"broker.tls_ca_file: {ca_file} cannot be read: {error.strerror or error}") from None
