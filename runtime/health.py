"""`/metrics`, `/healthz` and `/readyz` of a service, from a thread of their own: they answer while the event loop
is stuck, and say so.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable
from socketserver import TCPServer, ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app

from runtime.errors import ConfigurationError

LOOP_STUCK_SECONDS = 10.0
"""The event loop of a healthy service turns at least this often."""

Check = Callable[[], str | None]
"""None when all is well, else one sentence that says what is not."""


class Health:
    """What a service says of itself.

    `checks` decide readiness; `facts` are shown beside them (for the watchdog: ages in seconds, flags). A service that has said
    nothing of itself yet is still starting, and not ready.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.checks: dict[str, Check] = {}
        self.facts: dict[str, Callable[[], Any]] = {}
        self._turned = time.monotonic()

    def turned(self) -> None:
        """The event loop has turned."""
        self._turned = time.monotonic()

    def alive(self) -> bool:
        """Whether the event loop turned lately."""
        return time.monotonic() - self._turned < LOOP_STUCK_SECONDS

    def problems(self) -> dict[str, str]:
        """Failing checks by name."""
        if not self.checks and not self.facts:
            return {"start": "the service is starting"}
        return {name: problem for name, check in self.checks.items() if (problem := check()) is not None}

    def report(self) -> dict[str, Any]:
        """Everything, as JSON takes it."""
        problems = self.problems()
        facts = {name: fact() for name, fact in self.facts.items()}
        return {"service": self.service, "alive": self.alive(), "ready": not problems, "problems": problems, **facts}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        # Not WSGIServer's: it asks the name service for this machine's name, which may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])
        self.setup_environ()


class _QuietHandler(WSGIRequestHandler):
    timeout = 10.0
    """Seconds that a client may take over its request: it holds a thread."""

    def log_message(self, *_: object) -> None:
        return


def serve(health: Health, *, host: str, port: int) -> Callable[[], None]:
    """Serve in a daemon thread; the function returned ends it.

    Raises:
        ConfigurationError: the port is in use, or the host is none of this machine's.
    """
    metrics = make_wsgi_app()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/metrics":
            found: Iterable[bytes] = metrics(environ, start_response)
            return found
        report = health.report()
        good = {"/healthz": report["alive"], "/readyz": report["alive"] and report["ready"]}.get(path)
        status = "404 Not Found" if good is None else "200 OK" if good else "503 Service Unavailable"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(report, default=str).encode() + b"\n"]

    try:
        server = make_server(host, port, application, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise ConfigurationError(f"cannot serve metrics on {host}:{port}: {error.strerror}") from error
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()

    return stop
