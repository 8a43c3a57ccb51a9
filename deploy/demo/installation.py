"""One demo installation: its folder, ports, tokens and the three programs, started and stopped like real ones."""

import hashlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

_START_TIMEOUT_S = 60.0
_POLL_S = 0.05
_STOP_TIMEOUT_S = 15.0


class DemoFailed(Exception):
    """The demo cannot go on; the message says what happened and where to look."""


def wait_until(condition: Callable[[], bool], *, what: str, timeout_s: float = _START_TIMEOUT_S) -> None:
    """Poll a condition.

    Raises:
        DemoFailed: it did not come true in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise DemoFailed(f"waited {timeout_s:.0f} s in vain: {what}")
        time.sleep(_POLL_S)


def free_port(preferred: int = 0) -> int:
    """The preferred loopback port if it is free, else any free one."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            number: int = probe.getsockname()[1]
            return number
    raise DemoFailed("no free port on 127.0.0.1")


@dataclass
class Tokens:
    """Random for each installation; the hub's settings hold only their hashes."""

    clinician: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    technician: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    kiosk: str = field(default_factory=lambda: secrets.token_urlsafe(24))


class Program:
    """One of our programs as a process, with its output in a log file."""

    def __init__(self, name: str, arguments: list[str], *, log: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns at once."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 our own programs
                [sys.executable, "-m", *self._arguments], stdout=output, stderr=subprocess.STDOUT
            )

    def check(self) -> None:
        """Raise DemoFailed, with the log's last lines, when it has ended by itself."""
        if self._process is not None and self._process.poll() is not None:
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-8:])
            raise DemoFailed(f"{self.name} ended with status {self._process.returncode}; {self._log} ends:\n{tail}")

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves of a program."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not listen."""
        try:
            self._end(signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.kill()

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(timeout=_STOP_TIMEOUT_S)
            self._process = None


class Installation:
    """Folder, settings files and programs of one demo.

    Args:
        folder: emptied by the caller; holds settings, data and logs.
        own_broker: a broker process of its own, so that it can be taken down; else the hub embeds it.
        face_camera: address of the face camera.
        preferred_ports: (hub, kiosk screen, broker); others are taken when these are not free.
    """

    def __init__(
        self, folder: Path, *, own_broker: bool, face_camera: str, preferred_ports: tuple[int, int, int] = (0, 0, 0)
    ) -> None:
        self.folder = folder
        self.tokens = Tokens()
        hub_port, screen_port, broker_port = (free_port(port) for port in preferred_ports)
        self.hub_url = f"http://127.0.0.1:{hub_port}"
        self.kiosk_url = f"http://127.0.0.1:{screen_port}"
        self._ports = (hub_port, screen_port, broker_port)
        self._face_camera = face_camera
        folder.mkdir(parents=True, exist_ok=True)
        self._write_hub_settings(own_broker=own_broker)
        self.broker = Program("the broker", ["hub", "broker", "--port", str(broker_port)], log=folder / "broker.log")
        self.hub = Program("the hub", ["hub", "run", "--config", str(folder / "hub.toml")], log=folder / "hub.log")
        self.kiosk = Program(
            "the kiosk", ["edge", "run", "--config", str(folder / "kiosk.toml")], log=folder / "kiosk.log"
        )

    def start_broker(self) -> None:
        """Start the broker and wait until it listens."""
        self.broker.start()

        def listens() -> bool:
            self.broker.check()
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self._ports[2])) == 0

        wait_until(listens, what="the broker does not listen")

    def start_hub(self) -> None:
        """Start the hub and wait until it answers."""
        self.hub.start()
        self._wait_for(self.hub, f"{self.hub_url}/healthz")

    def start_kiosk(self, *, dermoscope: str) -> None:
        """Start the kiosk with this camera and wait until its screen answers."""
        self._write_kiosk_settings(dermoscope)
        self.kiosk.start()
        self._wait_for(self.kiosk, f"{self.kiosk_url}/healthz")

    def kiosk_health(self) -> dict[str, int]:
        """The kiosk's own view of its links and backlog."""
        health: dict[str, int] = httpx.get(f"{self.kiosk_url}/healthz", timeout=10).json()
        return health

    def published(self) -> int:
        """Events that this start of the kiosk has handed to the broker."""
        text = httpx.get(f"{self.kiosk_url}/metrics", timeout=10).text
        line = next(line for line in text.splitlines() if line.startswith("derma_kiosk_events_published_total "))
        return int(float(line.split()[1]))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Whatever is started inside is stopped at the end, in the order that loses nothing."""
        try:
            yield
        finally:
            for program in (self.kiosk, self.hub, self.broker):
                program.stop()

    def _wait_for(self, program: Program, url: str) -> None:
        def answers() -> bool:
            program.check()
            try:
                httpx.get(url, timeout=2)
            except httpx.TransportError:
                return False
            return True

        wait_until(answers, what=f"{program.name} does not answer at {url}")

    def _write_hub_settings(self, *, own_broker: bool) -> None:
        hub_port, _, broker_port = self._ports
        lines = [
            'environment = "demo"',
            f"data_dir = {json.dumps(str(self.folder / 'hub'))}",
            "[http]",
            f"port = {hub_port}",
            "[broker]",
            *(['host = "127.0.0.1"', f"port = {broker_port}"] if own_broker else [f"embedded_port = {broker_port}"]),
        ]
        for name, role, token, more in (
            ("demo clinician", "clinician", self.tokens.clinician, []),
            ("demo technician", "technician", self.tokens.technician, []),
            ("demo kiosk", "kiosk", self.tokens.kiosk, ['site = "demo"', 'kiosk = "k1"']),
        ):
            digest = hashlib.sha256(token.encode()).hexdigest()
            lines += ["[[access]]", f'name = "{name}"', f'role = "{role}"', f'token_sha256 = "{digest}"', *more]
        self._write("hub.toml", lines)

    def _write_kiosk_settings(self, dermoscope: str) -> None:
        _, screen_port, broker_port = self._ports
        self._write(
            "kiosk.toml",
            [
                'environment = "demo"',
                'site = "demo"',
                'kiosk = "k1"',
                f"data_dir = {json.dumps(str(self.folder / 'kiosk'))}",
                "[capture]",
                f"dermoscope = {json.dumps(dermoscope)}",
                f"face_camera = {json.dumps(self._face_camera)}",
                "[broker]",
                f"port = {broker_port}",
                "[hub]",
                f"url = {json.dumps(self.hub_url)}",
                f"token = {json.dumps(self.tokens.kiosk)}",
                "[uplink]",
                "receipt_timeout_s = 2.0",
                "heartbeat_s = 5.0",
                "reserve_bytes = 50_000_000",
                "[screen]",
                f"port = {screen_port}",
            ],
        )

    def _write(self, name: str, lines: list[str]) -> None:
        path = self.folder / name
        # Only for its owner from the first byte: the kiosk's token stands in it.
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write("\n".join(lines) + "\n")
