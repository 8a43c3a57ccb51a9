import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.config import EdgeSettings
from edge.identity.registration import Registration
from edge.kiosk import Kiosk

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
            "inference": {"package": REPOSITORY / "models/melanoma"},
            "broker": {"port": nowhere},
            "hub": {"url": f"http://127.0.0.1:{nowhere}"},
            "uplink": {"reserve_bytes": 0},
        }
        return EdgeSettings(**(defaults | sections))

    return settings


@pytest.fixture
def open_kiosk(kiosk_settings: Callable[..., EdgeSettings]) -> Iterator[Callable[..., Kiosk]]:
    """Build and start a kiosk in this process; all are stopped at the end."""
    started: list[Kiosk] = []

    def start(**sections: Any) -> Kiosk:
        kiosk = Kiosk(kiosk_settings(**sections))
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
