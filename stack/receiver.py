"""A duty officer's end of the line: a webhook receiver on loopback, for the demo, the tests and the bench."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from stack.ports import LOOPBACK

BYTES_MAXIMUM = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request: when it came (Unix seconds), its headers, and its body as apprise's `json://` sends it."""

    at: float
    headers: dict[str, str]
    title: str
    message: str


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """A sender that was killed in the middle of a request is nothing to report."""


class Receiver:
    """Takes every POST and answers 200, or what `answer` says."""

    def __init__(self, answer: Callable[[], int] = lambda: 200) -> None:
        self.deliveries: list[Delivery] = []
        received = self.deliveries

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = min(int(self.headers.get("Content-Length", 0)), BYTES_MAXIMUM)
                body: dict[str, Any] = json.loads(self.rfile.read(length) or b"{}")
                status = answer()
                if status == 200:
                    title, message = str(body.get("title", "")), str(body.get("message", ""))
                    received.append(Delivery(at=time.time(), headers=dict(self.headers), title=title, message=message))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = _Server((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True

    @property
    def channel(self) -> str:
        """Its address as an apprise URL."""
        return f"json://{LOOPBACK}:{self._server.server_address[1]}/"

    def __enter__(self) -> Self:
        """Begin to listen."""
        threading.Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
