"""A real Mosquitto with the shipped configuration, on free ports; a machine without Mosquitto fails these tests."""

import datetime as dt
import getpass
import ipaddress
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from paho.mqtt.enums import CallbackAPIVersion

SHIPPED = Path(__file__).parents[2] / "deploy" / "mosquitto"
USERS = ("hub", "north/kiosk-a", "north/kiosk-b", "south/kiosk-a")
PATIENCE_S = 20
OF_EACH_LISTENER = {"cafile", "certfile", "keyfile"}


@dataclass
class Mosquitto:
    """One broker on 127.0.0.1; every listener has the shipped access list and asks for passwords.

    `tls_port` is the kiosks' listener and `hub_tls_port` the hub's, as shipped; `plain_port` is the hub's without TLS.
    Every user's password is `password_of(user)`. Start, stop and kill as often as wanted: its folder stays.
    """

    folder: Path
    plain_port: int
    tls_port: int
    hub_tls_port: int
    ca_file: Path
    host: str = "127.0.0.1"
    _peers: list["Peer"] = field(default_factory=list, repr=False)
    _process: subprocess.Popen[str] | None = None
    _reader: threading.Thread | None = None
    _lines: list[str] = field(default_factory=list, repr=False)
    _line_came: threading.Condition = field(default_factory=threading.Condition, repr=False)

    def password_of(self, user: str) -> str:
        return f"secret of {user}"

    def start(self) -> None:
        self._lines.clear()
        self._process = subprocess.Popen(
            [_binary("mosquitto"), "-c", str(self.folder / "mosquitto.conf")],
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_for_log(" running")
        # A SIGTERM between that line and the main loop would be forgotten; an answer comes from the loop.
        self._ask()

    def stop(self) -> None:
        """Orderly: what is queued gets saved."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Like a power cut: what came since the last save is gone."""
        self._end(signal.SIGKILL)

    def save(self) -> None:
        """Have the broker save now, as its autosave does by the clock, and wait until that is on disk."""
        assert self._process is not None
        seen = len(self._lines)
        self._process.send_signal(signal.SIGUSR1)
        self.wait_for_log("Saving in-memory database", after=seen)
        # The line precedes the writing, in the broker's one thread: the next answer to anybody follows it.
        self._ask()

    def wait_for_log(self, text: str, *, after: int = 0) -> None:
        with self._line_came:
            found = self._line_came.wait_for(
                lambda: any(text in line for line in self._lines[after:]) or self._ended(), PATIENCE_S
            )
            if not found or self._ended():
                pytest.fail(f"mosquitto did not log {text!r}:\n" + "".join(self._lines))

    def log(self) -> str:
        """What the broker wrote since its start, complete once it has ended."""
        return "".join(self._lines)

    def peer(self, user: str | None, **options: Any) -> "Peer":
        """A client that is not connected yet; see Peer."""
        self._peers.append(Peer(self, user=user, **options))
        return self._peers[-1]

    def close(self) -> None:
        """End every peer, then the broker."""
        for peer in self._peers:
            peer.disconnect()
        self.kill()

    def _ask(self) -> None:
        Peer(self, user="hub", client_id="waits").connect().disconnect()

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        for line in self._process.stderr:
            with self._line_came:
                self._lines.append(line)
                self._line_came.notify_all()
        with self._line_came:
            self._line_came.notify_all()

    def _ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(PATIENCE_S)
        assert self._reader is not None
        self._reader.join(PATIENCE_S)
        assert self._process.stderr is not None
        self._process.stderr.close()
        self._process = None


class Peer:
    """A paho client whose every step waits for the broker's answer."""

    def __init__(
        self,
        broker: Mosquitto,
        *,
        user: str | None,
        password: str | None = None,
        client_id: str | None = None,
        clean_session: bool = True,
        tls: bool = False,
        port: int | None = None,
    ) -> None:
        self._broker = broker
        self._port = port or (broker.tls_port if tls else broker.plain_port)
        self._messages: Queue[tuple[str, str]] = Queue()
        self._answers: Queue[tuple[str, Any]] = Queue()
        self.session_present = False
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id or f"test-{user}",
            clean_session=clean_session,
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        if user is not None:
            self.client.username_pw_set(user, broker.password_of(user) if password is None else password)
        if tls:
            self.client.tls_set(str(broker.ca_file), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda *_: self._answers.put(("disconnect", None))
        self.client.on_subscribe = lambda _client, _data, _mid, codes, _properties: self._answers.put(
            ("subscribe", codes)
        )
        self.client.on_message = lambda _client, _data, message: self._messages.put(
            (message.topic, message.payload.decode())
        )

    def connect(self) -> "Peer":
        self.client.connect(self._broker.host, self._port)
        self.client.loop_start()
        reason = self._answer("connect")
        if reason.is_failure:
            self.client.loop_stop()
            raise ConnectionRefusedError(str(reason))
        return self

    def subscribe(self, topic_filter: str) -> "Peer":
        self.client.subscribe(topic_filter, qos=1)
        self._answer("subscribe")
        return self

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = False) -> "Peer":
        sent = self.client.publish(topic, payload, qos=1, retain=retain)
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published()
        return self

    def receive(self) -> tuple[str, str]:
        """Topic and payload of the next message."""
        try:
            return self._messages.get(timeout=PATIENCE_S)
        except Empty:
            pytest.fail(f"no message came within {PATIENCE_S} s")

    def wait_until_cut(self) -> None:
        self._answer("disconnect")

    def disconnect(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _connected(self, _client: Any, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        self.session_present = flags.session_present
        self._answers.put(("connect", reason))

    def _answer(self, wanted: str) -> Any:
        while True:
            try:
                kind, answer = self._answers.get(timeout=PATIENCE_S)
            except Empty:
                pytest.fail(f"no answer to {wanted} within {PATIENCE_S} s")
            if kind == wanted:
                return answer


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ca.crt, server.crt and server.key, made for this run."""
    folder = tmp_path_factory.mktemp("certificates")
    authority_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test broker")])
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    ca = _builder(authority, authority, authority_key.public_key(), is_authority=True).sign(
        authority_key, hashes.SHA256()
    )
    certificate = (
        _builder(server, authority, server_key.public_key(), is_authority=False)
        .add_extension(names, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "ca.crt").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "server.key").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder


@pytest.fixture(scope="session")
def password_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Written by mosquitto_passwd, for USERS."""
    file = tmp_path_factory.mktemp("passwords") / "passwords"
    file.touch(mode=0o600)
    for user in USERS:
        subprocess.run([_binary("mosquitto_passwd"), "-b", str(file), user, f"secret of {user}"], check=True)
    return file


@pytest.fixture
def make_mosquitto(tmp_path: Path, certificates: Path, password_file: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start a broker; keyword arguments replace shipped settings of that name."""
    started: list[Mosquitto] = []

    def make(**settings: str) -> Mosquitto:
        folder = tmp_path / f"mosquitto-{len(started)}"
        (folder / "data").mkdir(parents=True)
        plain_port, tls_port, hub_tls_port = _free_ports(3)
        own = {
            "password_file": str(password_file),
            "acl_file": str(SHIPPED / "acl"),
            "cafile": str(certificates / "ca.crt"),
            "certfile": str(certificates / "server.crt"),
            "keyfile": str(certificates / "server.key"),
            "persistence_location": f"{folder / 'data'}/",
        }
        text = (SHIPPED / "mosquitto.conf").read_text()
        for name, value in (own | settings).items():
            text, count = re.subn(rf"(?m)^{name} .*$", f"{name} {value}", text)
            assert count == (2 if name in OF_EACH_LISTENER else 1), f"mosquitto.conf has {count} lines {name}"
        for shipped, free in (("8883", tls_port), ("8884 localhost", hub_tls_port)):
            assert text.count(f"\nlistener {shipped}\n") == 1
            text = text.replace(f"\nlistener {shipped}\n", f"\nlistener {free} 127.0.0.1\n")
        # The account that runs the tests, lest the broker change to one that may not read their folder.
        text = f"user {getpass.getuser()}\n{text}\nlistener {plain_port} 127.0.0.1\nmax_qos 1\n"
        (folder / "mosquitto.conf").write_text(text)
        broker = Mosquitto(folder, plain_port, tls_port, hub_tls_port, certificates / "ca.crt")
        started.append(broker)
        broker.start()
        return broker

    yield make
    for broker in started:
        broker.close()


@pytest.fixture
def mosquitto(make_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """A running broker with the shipped configuration."""
    return make_mosquitto()


def _binary(name: str) -> str:
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/sbin")
    if path is None:
        pytest.fail(f"{name} is missing: apt-get install mosquitto")
    return path


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, is_authority: bool
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
