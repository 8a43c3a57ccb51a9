"""The hub's command line."""

import argparse
import asyncio
import logging
import signal
import socket
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import get_args

import uvicorn

from hub.app import create_app
from hub.backup import back_up, tell_kiosks
from hub.broker import EmbeddedBroker
from hub.bus import Bus
from hub.config import HubSettings, StaffRole, load_settings
from hub.db.engine import open_database
from hub.db.upgrade import upgrade
from hub.errors import HubError
from hub.listener import listen
from hub.security import new_token
from hub.staff.command import run_staff_command

_log = logging.getLogger("hub")
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class _Server(uvicorn.Server):
    """Ends live pages as soon as it is told to stop; it would wait for them otherwise."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.bus: Bus | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self.loop is not None and self.bus is not None:
            self.loop.call_soon_threadsafe(self.bus.close)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 when all went well, 2 with one line that says what is wrong."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        _COMMANDS[options.command](options)
    except HubError as error:
        print(f"hub: {error}. {error.remedy} [{error.code}]", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    settings = load_settings(options.config)
    with listen(settings.http.host, settings.http.port, what="portal and API") as listener:
        asyncio.run(_serve(settings, listener))


async def _serve(settings: HubSettings, listener: socket.socket) -> None:
    app = create_app(settings)
    # The access log would hold sign-in tokens. The lifespan runs here, so that a failed start is one clear line.
    server = _Server(
        uvicorn.Config(app, lifespan="off", access_log=False, log_config=None, timeout_graceful_shutdown=5)
    )
    # uvicorn raises the signal again once it has ended, when the rest of the hub must still be taken down.
    for number in _SIGNALS:
        signal.signal(number, server.handle_exit)
    async with app.router.lifespan_context(app):
        server.loop, server.bus = asyncio.get_running_loop(), app.state.services.bus
        _log.info("the hub is at http://%s:%d/", settings.http.host, settings.http.port)
        await server.serve(sockets=[listener])


def _migrate(options: argparse.Namespace) -> None:
    settings = load_settings(options.config)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database)
    try:
        upgrade(database.engine)
    finally:
        database.close()


def _broker(options: argparse.Namespace) -> None:
    stopping = threading.Event()
    for number in _SIGNALS:
        signal.signal(number, lambda *_: stopping.set())
    broker = EmbeddedBroker(options.port)
    broker.start()
    print(f"broker on 127.0.0.1 port {options.port}", flush=True)
    stopping.wait()
    broker.stop()


def _backup(options: argparse.Namespace) -> None:
    settings = load_settings(options.config)
    now = datetime.now(UTC)
    backup = back_up(settings, options.to, now=now)
    print(f"{backup.database}: {backup.images} images")
    tell_kiosks(settings, backup.watermarks, now=now)
    for watermark in backup.watermarks:
        print(f"{watermark.site}/{watermark.kiosk}: safe through event {watermark.through_sequence}")


def _staff(options: argparse.Namespace) -> None:
    settings = load_settings(options.config)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = open_database(settings.database)
    try:
        upgrade(database.engine)
        for line in run_staff_command(settings, database, options, now=datetime.now(UTC)):
            print(line)
    finally:
        database.close()


def _token(_options: argparse.Namespace) -> None:
    token, digest = new_token()
    print(f"token        = {token}\ntoken_sha256 = {digest}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hub", description="The hub of DermaKiosk.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("run", "serve until told to stop"),
        ("migrate", "bring the database to this release's schema"),
        ("backup", "back up database and images, and tell the kiosks"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--config", type=Path, help="TOML file; DERMAKIOSK_HUB__… variables override it")
        if name == "backup":
            command.add_argument("--to", type=Path, required=True, help="folder of the backups")
    broker = commands.add_parser("broker", help="run the embedded broker alone, on loopback")
    broker.add_argument("--port", type=int, default=1883)
    _add_staff_parser(commands.add_parser("staff", help="accounts of the hub's own people"))
    commands.add_parser("token", help="make a token and the hash for the settings")
    return parser


def _add_staff_parser(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True)
    for name, text in (
        ("add", "make an account and print its one-time invitation"),
        ("reset", "take all credentials of an account away and print a new invitation"),
        ("unlock", "lift the lock of a name"),
        ("list", "list the accounts"),
    ):
        act = acts.add_parser(name, help=text, description=text)
        act.add_argument("--config", type=Path, help="TOML file; DERMAKIOSK_HUB__… variables override it")
        if name != "list":
            act.add_argument(
                "--username", required=True, help="name to sign in with: a-z, 0-9, dot, hyphen, underscore"
            )
        if name == "add":
            act.add_argument("--name", required=True, help="full name")
            act.add_argument("--role", required=True, choices=get_args(StaffRole), help="what the person may do")


_COMMANDS = {
    "run": _run,
    "migrate": _migrate,
    "broker": _broker,
    "backup": _backup,
    "staff": _staff,
    "token": _token,
}

if __name__ == "__main__":
    sys.exit(main())
