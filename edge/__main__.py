"""`python -m edge run`: one kiosk, until it is told to stop; `model`: its models; `auth`: its face check, measured."""

import argparse
import logging
import signal
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from edge.auth_command import add_auth_commands
from edge.config import load_settings
from edge.errors import EdgeError
from edge.kiosk import Kiosk
from edge.model_command import Answer, add_model_commands
from edge.ui.app import create_app


class PortTaken(EdgeError):
    """Another program listens where the screen's server should."""

    code = "port-taken"
    remedy = "Stop the other program, or set screen.port to a free port."


def main() -> int:
    """Run the kiosk or one command; 2 when it cannot start, or cannot be done, as configured."""
    parser = argparse.ArgumentParser(prog="python -m edge")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the kiosk")
    run.add_argument("--config", type=Path, help="settings file (TOML)")
    add_model_commands(commands.add_parser("model", help="see, install, take back and check models"))
    add_auth_commands(commands.add_parser("auth", help="measure the face check"))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    running = arguments.command == "run"
    try:
        if running:
            return _run(arguments.config)
        answer: Answer = arguments.act(arguments)
    except EdgeError as error:
        failed = "The kiosk cannot start" if running else "This cannot be done"
        print(f"{failed} ({error.code}): {error}\n{error.remedy}", file=sys.stderr)
        return 2
    print(answer.text)
    return answer.status


def _run(config: Path | None) -> int:
    settings = load_settings(config)
    listener = _listen(settings.screen.host, settings.screen.port)
    with listener:
        kiosk = Kiosk(settings)
        server = uvicorn.Server(
            uvicorn.Config(create_app(kiosk), access_log=False, log_level="warning", timeout_graceful_shutdown=5)
        )
        kiosk.start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: setattr(server, "should_exit", True))
        # In a thread of its own, so that uvicorn leaves the signals to us.
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="screen")
        serving.start()
        host, port = listener.getsockname()[:2]
        print(f"Kiosk {settings.site}/{settings.kiosk}: touch screen at http://{host}:{port}/", flush=True)
        serving.join()
        kiosk.stop()
    return 0


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(f"port {port} on {host}: {error.strerror}") from error
    return listener


if __name__ == "__main__":
    sys.exit(main())
