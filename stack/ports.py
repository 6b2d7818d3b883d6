"""Loopback ports."""

import socket

from stack.errors import PortInUseError

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_SECONDS = 1.0


def free_port() -> int:
    """A port that nobody listens on now. Another program may take it before it is used; then the server says so."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def require_free(port: int, *, what: str) -> None:
    """Refuse a port that another program listens on.

    Raises:
        PortInUseError: names the port and what wanted it.
    """
    with socket.socket() as probe:
        # Connections of an earlier run that linger in TIME_WAIT do not hinder a server either.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PortInUseError(
                f"port {port} on {LOOPBACK} is not free for {what} ({error.strerror}): stop the other program or choose another"
            ) from error


def accepts(port: int) -> bool:
    """Whether somebody listens on the port."""
    try:
        socket.create_connection((LOOPBACK, port), timeout=CONNECT_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True
