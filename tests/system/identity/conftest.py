"""A hub with its embedded broker and its HTTP side, and kiosks, all real and in this process."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from edge.config import EdgeSettings
from edge.kiosk import Kiosk
from hub.api.deps import Services
from hub.app import create_app
from hub.broker import EmbeddedBroker
from hub.config import HubSettings
from hub.listener import listen

PATIENCE_S = 40
KIOSKS = ("k1", "k2", "k3")


def until(condition: Callable[[], bool], *, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        threading.Event().wait(0.02)


class RunningHub:
    """The hub as one process would run it; may be stopped and started again on the same data."""

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self.url = f"http://{settings.http.host}:{settings.http.port}"
        self._stack = ExitStack()
        self.app: FastAPI | None = None

    @property
    def services(self) -> Services:
        assert self.app is not None
        found: Services = self.app.state.services
        return found

    def start(self) -> None:
        self.app = create_app(self.settings)
        listener = listen(self.settings.http.host, self.settings.http.port, what="test")
        server = uvicorn.Server(uvicorn.Config(self.app, log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started, what="the hub's HTTP side")

        def stop() -> None:
            server.should_exit = True
            thread.join()
            listener.close()

        self._stack.callback(stop)
        until(lambda: self.services.checks["broker"]() is None, what="the hub's connection")

    def stop(self) -> None:
        self._stack.close()

    def get(self, path: str, *, role: str = "administrator") -> Any:
        response = httpx.get(f"{self.url}/api/v1{path}", headers={"Authorization": f"Bearer {role}"}, timeout=20)
        return response.raise_for_status().json()

    def request(self, method: str, path: str, *, role: str, **arguments: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {role}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=20, **arguments)


@pytest.fixture
def broker(free_port: Callable[[], int]) -> Iterator[int]:
    """Port of the embedded broker, which lasts while the hub restarts."""
    port = free_port()
    running = EmbeddedBroker(port)
    running.start()
    yield port
    running.stop()


@pytest.fixture
def hub_settings(tmp_path: Path, free_port: Callable[[], int], broker: int) -> HubSettings:
    callers: list[dict[str, str]] = [
        {"name": role, "role": role, "token_sha256": _sha256(role)}
        for role in ("administrator", "technician", "clinician")
    ]
    callers += [
        {"name": name, "role": "kiosk", "site": "village", "kiosk": name, "token_sha256": _sha256(name)}
        for name in KIOSKS
    ]
    return HubSettings.model_validate(
        {
            "data_dir": tmp_path / "hub",
            "http": {"port": free_port()},
            "broker": {"host": "127.0.0.1", "port": broker},
            "access": callers,
            "images": {"reserve_bytes": 0},
        }
    )


@pytest.fixture
def hub(hub_settings: HubSettings) -> Iterator[RunningHub]:
    running = RunningHub(hub_settings)
    running.start()
    yield running
    running.stop()


class Kiosks:
    """Kiosks by name, each with a data folder that lasts."""

    def __init__(self, settings: Callable[[str], EdgeSettings]) -> None:
        self._settings = settings
        self._running: dict[str, Kiosk] = {}

    def __call__(self, name: str) -> Kiosk:
        """Start it, or start it again."""
        self.stop(name)
        opened = Kiosk(self._settings(name))
        self._running[name] = opened
        opened.start()
        return opened

    def stop(self, name: str) -> None:
        if name in self._running:
            self._running.pop(name).stop()

    def stop_all(self) -> None:
        for name in list(self._running):
            self.stop(name)


@pytest.fixture
def kiosk(
    hub_settings: HubSettings,
    kiosk_settings: Callable[..., EdgeSettings],
    keep_networks: Callable[[Path], None],
    tmp_path: Path,
) -> Iterator[Kiosks]:
    def settings(name: str) -> EdgeSettings:
        keep_networks(tmp_path / name)
        return kiosk_settings(
            kiosk=name,
            data_dir=tmp_path / name,
            broker={"port": hub_settings.broker.port},
            hub={"url": f"http://127.0.0.1:{hub_settings.http.port}", "token": name},
        )

    kiosks = Kiosks(settings)
    yield kiosks
    kiosks.stop_all()


@pytest.fixture
def wait() -> Callable[..., None]:
    return until


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
