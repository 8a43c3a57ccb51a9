"""What a technician sees when a program cannot start: one clear text, no traceback, status 2."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def refused(done: subprocess.CompletedProcess[str], *named: str) -> bool:
    return (
        done.returncode == 2 and "Traceback" not in done.stderr and all(name in done.stderr for name in named)
    ) or pytest.fail(f"status {done.returncode}: {done.stderr[-500:]}")


def test_a_kiosk_whose_port_is_taken_names_it(tmp_path: Path, taken_port: int) -> None:
    environment = {"DERMAKIOSK_EDGE__SCREEN__PORT": str(taken_port), "DERMAKIOSK_EDGE__DATA_DIR": str(tmp_path / "k")}
    assert refused(start("edge", "run", **environment), str(taken_port), "port-taken")
    assert not (tmp_path / "k").exists()


def test_a_hub_whose_port_is_taken_names_it(tmp_path: Path, taken_port: int) -> None:
    environment = {"DERMAKIOSK_HUB__HTTP__PORT": str(taken_port), "DERMAKIOSK_HUB__DATA_DIR": str(tmp_path / "h")}
    assert refused(start("hub", "run", **environment), str(taken_port))


def test_an_embedded_broker_whose_port_is_taken_names_it(taken_port: int) -> None:
    assert refused(start("hub", "broker", "--port", str(taken_port)), str(taken_port))


@pytest.mark.parametrize("program", ["edge", "hub"])
def test_an_unknown_setting_is_named(program: str, tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(f'data_dir = "{tmp_path}"\ncolour = "blue"\n')
    assert refused(start(program, "run", "--config", str(settings)), "colour")


def test_a_kiosk_without_its_model_names_the_package(tmp_path: Path) -> None:
    environment = {
        "DERMAKIOSK_EDGE__SCREEN__PORT": "0",
        "DERMAKIOSK_EDGE__DATA_DIR": str(tmp_path / "k"),
        "DERMAKIOSK_EDGE__INFERENCE__PACKAGE": str(tmp_path / "no-package"),
    }
    assert refused(start("edge", "run", **environment), "model-package-missing", "no-package")


def test_an_unknown_camera_is_named_with_the_known_ones(tmp_path: Path) -> None:
    environment = {
        "DERMAKIOSK_EDGE__SCREEN__PORT": "0",
        "DERMAKIOSK_EDGE__DATA_DIR": str(tmp_path / "k"),
        "DERMAKIOSK_EDGE__CAPTURE__DERMOSCOPE": "webcam://0",
    }
    assert refused(start("edge", "run", **environment), "webcam", "v4l2")
