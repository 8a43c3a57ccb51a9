"""Opens the ports that the hub listens on, with an error that names the port."""

import errno
import socket

from hub.errors import PortInUse, StartFailed


def listen(host: str, port: int, *, what: str) -> socket.socket:
    """A listening socket.

    Raises:
        PortInUse: another process has the port.
        StartFailed: the address cannot be listened on for another reason.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(f"port {port} on {host}, for the {what}, is taken by another process") from None
        raise StartFailed(f"cannot listen on {host} port {port} for the {what}: {error.strerror}") from None
