"""aiomqtt's client with two things it lacks: an impolite end, and a writer that never outlives its socket."""

import contextlib
import socket
from typing import Any

import aiomqtt
from paho.mqtt.client import Client as PahoClient


class Client(aiomqtt.Client):
    """One connection; not used again after it was lost."""

    def cut(self) -> bool:
        """Lose the connection without a DISCONNECT, as by a cut cable; False where there is none."""
        found = self._client.socket()
        if not isinstance(found, socket.socket):
            return False
        with contextlib.suppress(OSError):
            found.shutdown(socket.SHUT_RDWR)
        return True

    # aiomqtt 2.5.1 notes the descriptor now and registers it in the event loop's next turn. When the broker hangs up in between,
    # the descriptor is closed, or belongs to the next connection already: that one never writes its CONNECT and stalls for 10 s.
    def _on_socket_register_write(self, client: PahoClient, *details: Any) -> None:
        sock = details[-1]

        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # noqa: BLE001 - as aiomqtt has it: whatever it is, the connection is lost
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def register() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(register)
