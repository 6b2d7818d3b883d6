"""Our own services as child processes: ready one after the other, stopped in the reverse order, and watched in between."""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from stack.children import Child
from stack.errors import NotStoppedError

READY_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 20.0
HTTP_TIMEOUT_SECONDS = 2.0
WANGHUO = (sys.executable, "-m", "stack.cli")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """One service: `wanghuo` with these arguments, unless `program` says otherwise.

    `environment` is laid over ours; secrets belong there, never into `arguments`, which every user of the machine can read.
    Without `ready_url` a service counts as ready once it was started.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_url: str | None = None
    program: tuple[str, ...] = WANGHUO


class ServiceProcess:
    """One service as a process: started, killed and started again; gone when this process is gone."""

    def __init__(self, spec: ServiceSpec, *, log_folder: Path) -> None:
        self.spec = spec
        self._child = Child(spec.name, log=log_folder / f"{spec.name}.log")

    @property
    def log(self) -> Path:
        """What it printed, over all its runs."""
        return self._child.log

    @property
    def pid(self) -> int | None:
        """Process id of the last start."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child.running

    @property
    def failure(self) -> str | None:
        """What happened, with its last words, where it ended though nobody stopped or killed it; else None."""
        return self._child.failure

    def start(self, *, once: Mapping[str, str] | None = None) -> None:
        """Start it; see `wait_ready`. `once`: variables of this run only."""
        command = [*self.spec.program, *self.spec.arguments]
        self._child.start(command, environment={**os.environ, **self.spec.environment, **(once or {})})

    def wait_ready(self, *, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Return when its `ready_url` answers 200.

        Raises:
            NotReadyError: it ended before, or took too long and was killed; with its last words.
        """
        url = self.spec.ready_url
        if url is not None:
            self._child.wait_until(lambda: _answers_ok(url), timeout_seconds=timeout_seconds)

    def stop(self, *, timeout_seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        """Ask it to end (SIGTERM) and wait.

        Raises:
            NotStoppedError: it had to be killed.
        """
        self._child.stop(signal.SIGTERM, timeout_seconds=timeout_seconds)

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self._child.kill()


class Services:
    """All services of a stack, in the order in which they are started."""

    def __init__(self, specs: Iterable[ServiceSpec], *, log_folder: Path) -> None:
        log_folder.mkdir(parents=True, exist_ok=True)
        self._processes = {spec.name: ServiceProcess(spec, log_folder=log_folder) for spec in specs}

    def __getitem__(self, name: str) -> ServiceProcess:
        """The process of one service."""
        return self._processes[name]

    @property
    def failures(self) -> list[str]:
        """What happened to those that ended though nobody stopped them."""
        return [process.failure for process in self._processes.values() if process.failure]

    def start(self, *, timeout_seconds: float = READY_TIMEOUT_SECONDS) -> None:
        """Start all at once, then wait for each in order; they wait for each other themselves.

        Raises:
            NotReadyError: one ended or took too long; all that were started are stopped.
        """
        try:
            for process in self._processes.values():
                process.start()
            for process in self._processes.values():
                process.wait_ready(timeout_seconds=timeout_seconds)
        except BaseException:
            with contextlib.suppress(NotStoppedError):
                self.stop()
            raise

    def stop(self) -> None:
        """Stop all, the last first, each within its time.

        Raises:
            NotStoppedError: names those that had to be killed.
        """
        killed = []
        for process in reversed(self._processes.values()):
            try:
                process.stop()
            except NotStoppedError as error:
                killed.append(str(error))
        if killed:
            raise NotStoppedError("\n".join(killed))


def _answers_ok(url: str) -> bool:
    # Not urllib: a proxy set in the environment has no business with loopback.
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=HTTP_TIMEOUT_SECONDS)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
