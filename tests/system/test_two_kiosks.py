"""Two kiosks and their hub: a patient of one is known at the other, with what changed, and forgotten at both."""

import hashlib
import json
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from edge.identity.registration import Registration
from edge.kiosk import DATABASE, Kiosk

pytestmark = pytest.mark.timeout(300)
PASSWORD = "horse-battery-staple-7"
NEW = "seven slow purple trains"
PATIENCE_S = 60


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (met := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.1)
    return met


def locks_ordered(kiosk: Kiosk) -> int:
    with closing(sqlite3.connect(kiosk.settings.data_dir / DATABASE)) as connection:
        count: int = connection.execute("SELECT count(*) FROM sign_in_locks WHERE ordered = 1").fetchone()[0]
        return count


class Mails:
    def __init__(self) -> None:
        self.texts: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.texts.append(message_from_bytes(envelope.content, policy=policy.default).get_content())
        return "250 OK"


@dataclass
class Fleet:
    """A hub in a process of its own, with its broker, and kiosks in this one."""

    folder: Path
    url: str
    mails: Mails
    start: Callable[[str], Kiosk]
    stop_hub: Callable[[], None]
    technician: str

    def settled(self, kiosk: Kiosk) -> bool:
        """Whether the hub has every event and record of this kiosk."""
        return kiosk.outbox.backlog().messages == 0 and kiosk._identity.queue.waiting() == []


@pytest.fixture
def fleet(
    tmp_path: Path,
    free_port: Callable[[], int],
    kiosk_settings: Callable[..., Any],
    keep_networks: Callable[[Path], None],
) -> Iterator[Fleet]:
    hub_port, broker_port, mail_port = free_port(), free_port(), free_port()
    tokens = {"k1": "token-of-k1", "k2": "token-of-k2", "technician": "token-of-technician"}
    lines = [
        'environment = "demo"', f"data_dir = {json.dumps(str(tmp_path / 'hub'))}",
        "[http]", f"port = {hub_port}", "[broker]", f"embedded_port = {broker_port}",
        "[mail]", 'host = "127.0.0.1"', f"port = {mail_port}", 'security = "none"',
    ]  # fmt: skip
    for name, token in tokens.items():
        digest = hashlib.sha256(token.encode()).hexdigest()
        role = "kiosk" if name.startswith("k") else name
        lines += ["[[access]]", f'name = "{name}"', f'role = "{role}"', f'token_sha256 = "{digest}"']
        lines += ['site = "village"', f'kiosk = "{name}"'] if role == "kiosk" else []
    (tmp_path / "hub.toml").write_text("\n".join(lines))
    mails = Mails()
    mail_server = Controller(mails, hostname="127.0.0.1", port=mail_port)
    mail_server.start()
    url = f"http://127.0.0.1:{hub_port}"
    kiosks: list[Kiosk] = []

    def start(name: str) -> Kiosk:
        keep_networks(tmp_path / name)
        kiosk = Kiosk(
            kiosk_settings(
                kiosk=name,
                data_dir=tmp_path / name,
                broker={"port": broker_port},
                hub={"url": url, "token": tokens[name]},
            )
        )
        kiosks.append(kiosk)
        kiosk.start()
        until(lambda: kiosk.link.connected and kiosk._identity.queue._enrolled_at_s is not None, f"{name} enrolled")
        return kiosk

    with (tmp_path / "hub.log").open("w") as log:
        hub = subprocess.Popen(
            [sys.executable, "-m", "hub", "run", "--config", str(tmp_path / "hub.toml")], stdout=log, stderr=log
        )

        def stop_hub() -> None:
            hub.terminate()
            hub.wait(timeout=30)

        try:
            until(lambda: _listens(hub_port), (tmp_path / "hub.log").read_text() or "the hub")
            yield Fleet(tmp_path, url, mails, start, stop_hub, tokens["technician"])
        finally:
            for kiosk in kiosks:
                kiosk.stop()
            stop_hub()
            mail_server.stop()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def sign_in(page: Any, password: str = PASSWORD) -> httpx.Response:
    answer: httpx.Response = page.ask("POST", "/api/sign-in/password", {"claim": "zebulon", "password": password})
    return answer


def test_a_patient_is_known_at_the_other_kiosk_with_what_changed_there_and_deleted_at_both(
    fleet: Fleet, screen: Any, registration: Callable[..., Registration]
) -> None:
    one, two = fleet.start("k1"), fleet.start("k2")
    first, second = screen(one), screen(two)
    provisional = first.register(registration()).json()["patient_code"]
    # Before the other kiosk asks: a code that came later would take the record from it again.
    lasting = until(
        lambda: not (account := first.ask("GET", "/api/account").json())["provisional"] and account["patient_code"],
        "the lasting code",
    )
    assert lasting != provisional
    first.ask("POST", "/api/end")
    until(lambda: fleet.settled(one), "k1's record at the hub")

    assert sign_in(second).json()["signed_in_by"] == "password"
    changed = second.ask("POST", "/api/account/password", {"password": PASSWORD, "new_password": NEW})
    assert changed.status_code == 200
    second.ask("POST", "/api/end")
    until(lambda: fleet.settled(two), "k2's change at the hub")
    assert sign_in(first).status_code == 401
    assert sign_in(first, NEW).status_code == 200
    assert first.ask("GET", "/api/account").json()["patient_code"] == lasting

    deleted = first.ask("POST", "/api/account/deletion", {"password": NEW})
    assert deleted.json()["state"] == "idle"
    headers = {"Authorization": f"Bearer {fleet.technician}"}

    def complete() -> Any:
        found = httpx.get(f"{fleet.url}/api/v1/deletions", headers=headers, timeout=10).json()["items"]
        return found[0] if found and found[0]["complete"] else None

    deletion = until(complete, "signed receipts of both")
    assert [(kiosk["kiosk"], kiosk["state"]) for kiosk in sorted(deletion["kiosks"], key=lambda k: k["kiosk"])] == [
        ("k1", "receipted"),
        ("k2", "receipted"),
    ]
    for page in (first, second):
        assert sign_in(page, NEW).status_code == 401
    for name in ("k1", "k2"):
        with sqlite3.connect(fleet.folder / name / "kiosk.db") as database:
            assert database.execute("SELECT count(*) FROM credentials").fetchone() == (0,)
        database.close()


def test_failures_at_one_kiosk_lock_the_name_at_the_other_and_a_mailed_code_opens_it(
    fleet: Fleet, screen: Any, registration: Callable[..., Registration]
) -> None:
    one, two = fleet.start("k1"), fleet.start("k2")
    first, second = screen(one), screen(two)
    first.register(registration(contact={"email": "z@example.org", "phone": None}))
    first.ask("POST", "/api/end")
    until(lambda: fleet.settled(one), "k1's record at the hub")
    for _ in range(3):
        sign_in(second, "wrong and wrong")
    until(lambda: fleet.settled(two), "k2's failures at the hub")
    # Not by trying: the right password before the lock comes would prove its owner, and clear the count everywhere.
    until(lambda: locks_ordered(one), "the lock at k1")
    assert sign_in(first).status_code == 423

    assert first.ask("POST", "/api/password-reset/order", {"claim": "zebulon", "channel": "email"}).status_code == 202
    unknown = first.ask("POST", "/api/password-reset/order", {"claim": "nobody", "channel": "email"})
    assert unknown.status_code == 202
    text = until(lambda: next((t for t in fleet.mails.texts if re.search(r"code: [0-9A-Z-]{6,}", t)), None), "the mail")
    code = re.search(r"code: ([0-9A-Z-]+)", text).group(1)  # type: ignore[union-attr]
    body = {"claim": "zebulon", "code": code, "new_password": NEW}
    wrong = first.ask("POST", "/api/password-reset", body | {"code": "000000"})
    assert wrong.json()["code"] == "reset-code-wrong"
    # The account's own name is only known once the code has proved it; the code stays good.
    weak = first.ask("POST", "/api/password-reset", body | {"new_password": "quackenbush-1961"})
    assert weak.json()["code"] == "password-weak"
    assert first.ask("POST", "/api/password-reset", body).json()["signed_in_by"] == "reset-code"
    first.ask("POST", "/api/end")
    assert first.ask("POST", "/api/password-reset", body).json()["code"] == "reset-code-wrong"
    until(lambda: sign_in(second, NEW).status_code == 200, "the other kiosk opened too")


def test_a_patient_of_another_kiosk_signs_in_offline_only_once_known(
    fleet: Fleet, screen: Any, registration: Callable[..., Registration]
) -> None:
    one, two = fleet.start("k1"), fleet.start("k2")
    first, second = screen(one), screen(two)
    for username in ("zebulon", "stranger"):
        assert first.register(registration(username=username)).status_code == 201
        first.ask("POST", "/api/end")
    until(lambda: fleet.settled(one), "k1's record at the hub")
    assert sign_in(second).status_code == 200
    second.ask("POST", "/api/end")
    fleet.stop_hub()
    assert sign_in(second).status_code == 200
    second.ask("POST", "/api/end")
    other = second.ask("POST", "/api/sign-in/password", {"claim": "stranger", "password": PASSWORD})
    assert other.json()["code"] == "sign-in-refused"
