"""The kiosk's MQTT connection. paho's thread only moves bytes: what arrives goes to a bounded queue."""

import logging
import queue
import random
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.bus import Bus, LinkChanged
from edge.config import Broker
from protocol import topics
from protocol.errors import TopicInvalid

log = logging.getLogger(__name__)
_QUEUE_LIMIT = 1000
_KEEPALIVE_S = 30


@dataclass(frozen=True)
class Arrived:
    """Bytes from the hub, not yet parsed. `name` is a row of the topic table."""

    name: str
    payload: bytes


@dataclass(frozen=True)
class Connected:
    """Connected and subscribed: the hub's answers will be heard."""


@dataclass(frozen=True)
class Woken:
    """Something was saved, or the kiosk stops: look."""


Item = Arrived | Connected | Woken


class Link:
    """Connects and reconnects for ever with back-off; publishes when connected, else says so.

    Args:
        broker: where and how.
        site: of this kiosk.
        kiosk: of this kiosk.
        bus: hears LinkChanged.
        will: gives the last will's payload, asked anew before each connection so that it names that session.
    """

    def __init__(self, broker: Broker, *, site: str, kiosk: str, bus: Bus, will: Callable[[], bytes]) -> None:
        self.inbox: queue.Queue[Item] = queue.Queue(_QUEUE_LIMIT)
        self.dropped = 0
        self._site = site
        self._kiosk = kiosk
        self._broker = broker
        self._bus = bus
        self._will = will
        self._subscriptions: list[tuple[str, int]] = [
            (topics.subscription(row.name, site=site, kiosk=kiosk), row.qos)
            for row in topics.TOPICS.values()
            if row.publisher == "hub"
        ]
        # 3.1.1 is what every supported broker speaks; an own session per kiosk, since the outbox is the memory.
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"kiosk-{site}-{kiosk}", clean_session=True, protocol=mqtt.MQTTv311
        )
        client.on_pre_connect = self._on_pre_connect
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.max_inflight_messages_set(100)
        # paho doubles without jitter; kiosks that lost one broker together still must not return together.
        client.reconnect_delay_set(min_delay=1, max_delay=random.randint(20, 40))  # noqa: S311 jitter
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password.get_secret_value() if broker.password else None)
        if broker.tls_ca_file is not None:
            context = ssl.create_default_context(cafile=str(broker.tls_ca_file))
            if broker.tls_cert_file is not None:
                context.load_cert_chain(str(broker.tls_cert_file), broker.tls_key_file)
            client.tls_set_context(context)
        self._client = client
        self.connected = False

    def start(self) -> None:
        """Begin connecting in the background; a broker that is away is tried again for ever."""
        self._client.connect_async(self._broker.host, self._broker.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def publish(self, name: str, payload: bytes, *, type: str | None = None) -> bool:  # noqa: A002 the wire's own term
        """Hand bytes to the broker connection; False when there is none. True proves nothing: the receipt does."""
        if not self.connected:
            return False
        row = topics.TOPICS[name]
        topic = topics.build(name, site=self._site, kiosk=self._kiosk, type=type)
        info = self._client.publish(topic, payload, qos=row.qos, retain=row.retain)
        return info.rc == mqtt.MQTT_ERR_SUCCESS

    def wake(self) -> None:
        """Make whoever reads the inbox look at the outbox now."""
        self._offer(Woken())

    def stop(self, *, farewell: bytes) -> None:
        """Publish the farewell state, if connected, and end."""
        if self.connected:
            row = topics.TOPICS["state"]
            topic = topics.build("state", site=self._site, kiosk=self._kiosk)
            info = self._client.publish(topic, farewell, qos=row.qos, retain=row.retain)
            try:
                info.wait_for_publish(timeout=2)
            except (RuntimeError, ValueError):
                log.info("the farewell did not leave; the last will speaks instead")
        self._client.disconnect()
        self._client.loop_stop()
        # paho's thread may end before it has closed its socket, and the pair that wakes it waits for the collector.
        self._client._reset_sockets()  # noqa: SLF001  # what its own destructor calls

    def _on_pre_connect(self, client: mqtt.Client, _userdata: object) -> None:
        row = topics.TOPICS["state"]
        try:
            will = self._will()
        except Exception as error:
            # paho tries again after an OSError; anything else would end its thread, and the link, for good.
            log.exception("the last will cannot be written; connecting is tried again")
            raise ConnectionError("no last will") from error
        client.will_set(topics.build("state", site=self._site, kiosk=self._kiosk), will, qos=row.qos, retain=row.retain)

    def _on_connect(
        self, client: mqtt.Client, _userdata: object, _flags: object, reason: ReasonCode, _props: Properties | None
    ) -> None:
        if reason.is_failure:
            log.warning("the broker refused the connection: %s", reason)
            return
        client.subscribe(self._subscriptions)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _userdata: object,
        _mid: int,
        reasons: list[ReasonCode],
        _props: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.error("the broker refused a subscription; check its ACL for this kiosk")
        self.connected = True
        self._bus.publish(LinkChanged(connected=True))
        self._offer(Connected())

    def _on_disconnect(self, _client: mqtt.Client, _userdata: object, *_rest: Any) -> None:
        if self.connected:
            self.connected = False
            self._bus.publish(LinkChanged(connected=False))

    def _on_message(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            name = topics.parse(message.topic).topic.name
        except TopicInvalid as error:
            log.warning("ignored a message: %s", error)
            return
        self._offer(Arrived(name, bytes(message.payload)))

    def _offer(self, item: Item) -> None:
        try:
            self.inbox.put_nowait(item)
        except queue.Full:
            # Safe to drop: an unreceipted event is sent again, and receipted again.
            self.dropped += 1
