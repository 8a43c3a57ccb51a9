"""What every test gets: a planted name that must not reach a log, and no thread left behind."""

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PLANTED_NAME = "Zebulon Quackenbush"
WORKER_PATIENCE_S = 10


@pytest.fixture(autouse=True)
def no_patient_name_in_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    for chatty in ("httpcore", "httpx", "asyncio", "transitions"):
        caplog.set_level(logging.WARNING, logger=chatty)
    yield
    for record in caplog.get_records("call"):
        text = record.getMessage() + (record.exc_text or "")
        assert "Quackenbush" not in text, f"{record.name} logged a patient's name"


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        # A loop that ends tells its workers to end, but does not wait for them.
        if thread.name == "AnyIO worker thread":
            thread.join(WORKER_PATIENCE_S)
    left = [t for t in threading.enumerate() if t not in before and t.is_alive() and not t.daemon]
    assert not left, f"threads still run: {[t.name for t in left]}"


@pytest.fixture(scope="session")
def keep_networks(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], None]:
    """Lets a kiosk with a new data folder start from the networks that those before it compiled, as after its first."""
    compiled = tmp_path_factory.mktemp("model-cache")

    def keep(data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        cache = data_dir / "model-cache"
        if not cache.exists():
            cache.symlink_to(compiled)

    return keep


@pytest.fixture
def planted_name() -> str:
    return PLANTED_NAME
