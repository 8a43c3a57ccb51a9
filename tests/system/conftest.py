import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest
import skimage.data

from edge.config import EdgeSettings
from edge.identity.registration import Registration
from edge.kiosk import Kiosk
from edge.ui.app import create_app

REPOSITORY = Path(__file__).parents[2]


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def free_port() -> Callable[[], int]:
    return unused_port


@pytest.fixture
def kiosk_settings(tmp_path: Path) -> Callable[..., EdgeSettings]:
    """Settings of a kiosk whose broker and hub are away; keyword arguments replace whole sections."""

    def settings(**sections: Any) -> EdgeSettings:
        nowhere = unused_port()
        defaults: dict[str, Any] = {
            "site": "village",
            "kiosk": "k1",
            "data_dir": tmp_path / "kiosk",
            "capture": {"dermoscope": "sim://phantom?seed=3"},
            # A new kiosk times each precision at its first start, which would be most of what these tests take.
            "inference": {"package": REPOSITORY / "models/melanoma", "precision": "f32"},
            "broker": {"port": nowhere},
            "hub": {"url": f"http://127.0.0.1:{nowhere}"},
            "uplink": {"reserve_bytes": 0},
        }
        return EdgeSettings(**(defaults | sections))

    return settings


@pytest.fixture
def open_kiosk(
    kiosk_settings: Callable[..., EdgeSettings], keep_networks: Callable[[Path], None]
) -> Iterator[Callable[..., Kiosk]]:
    """Build and start a kiosk in this process; all are stopped at the end."""
    started: list[Kiosk] = []

    def start(**sections: Any) -> Kiosk:
        settings = kiosk_settings(**sections)
        keep_networks(settings.data_dir)
        kiosk = Kiosk(settings)
        started.append(kiosk)
        kiosk.start()
        return kiosk

    yield start
    for kiosk in started:
        kiosk.stop()


@pytest.fixture
def registration(planted_name: str) -> Callable[..., Registration]:
    def build(**changes: Any) -> Registration:
        return Registration.model_validate(
            {
                "username": "zebulon",
                "password": "horse-battery-staple-7",
                "full_name": planted_name,
                "birth_date": "1961-04-12",
                "sex": "male",
                "language": "en",
                "consents": {"care": True},
            }
            | changes
        )

    return build


class Screen:
    """The touch screen's side of a kiosk: it asks the server as the page does."""

    def __init__(self, kiosk: Kiosk) -> None:
        self.kiosk = kiosk
        self._transport = httpx.ASGITransport(create_app(kiosk))

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async def request() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport, base_url="http://127.0.0.1:8090") as client:
                return await client.request(method, path, json=body, timeout=60)

        return asyncio.run(request())

    def face_check(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Begin a face check and wait for its end."""
        begun = self.ask("POST", path, body)
        assert begun.status_code == 200, begun.text
        asked = "/api/face-enrolments" if "enrolments" in path else "/api/face-attempts"
        while True:
            view: dict[str, Any] = self.ask("GET", f"{asked}/{begun.json()['attempt_id']}").json()
            if view["state"] != "running":
                return view

    def register(self, registration: Registration, **changes: Any) -> httpx.Response:
        body = registration.model_dump(mode="json") | {"password": registration.password.get_secret_value()}
        return self.ask("POST", "/api/register", body | changes)


@pytest.fixture
def screen() -> type[Screen]:
    return Screen


@pytest.fixture(scope="session")
def astronaut(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of a simulated person with the face of scikit-image's astronaut."""
    path = tmp_path_factory.mktemp("face") / "face.png"
    cv2.imwrite(str(path), skimage.data.astronaut()[:, :, ::-1])
    return f"sim://face?image={path}&face=0.43,0.24,0.22&fps=8"
