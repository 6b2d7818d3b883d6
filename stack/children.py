"""One server or service of ours as a child process: started, watched, stopped, killed, and gone when we are gone."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack.errors import NotReadyError, NotStoppedError, ProgramMissingError

POLL_SECONDS = 0.02
KILL_TIMEOUT_SECONDS = 10.0
QUOTED_LINES = 12

# The kernel sends a child its parent-death signal when the *thread* that started it ends. This one ends with the process.
_STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="stack-starter")


class Child:
    """A program with its output in a log file.

    Not for use by several threads at once, except `running`, `pid` and `send`.
    """

    def __init__(self, name: str, *, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._wanted = False

    @property
    def pid(self) -> int | None:
        """Process id of the last start."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """Exit status, negative for a signal; None while it runs or before the first start."""
        return self._process.poll() if self._process else None

    @property
    def failure(self) -> str | None:
        """What happened, with its last words, where it ended though nobody stopped or killed it; else None."""
        if not self._wanted or self.running:
            return None
        return f"{self.name} ended unexpectedly with status {self.exit_code}{self.last_words()}"

    def start(
        self,
        command: Sequence[str],
        *,
        user: pwd.struct_passwd | None = None,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        at_our_death: str = "KILL",
    ) -> None:
        """Start `command`; its output is appended to the log.

        Args:
            command: program and arguments.
            user: to run as; None for our own.
            environment: the whole environment; None for ours.
            folder: to work in; None for ours.
            at_our_death: name of the signal it gets when this process ends in whatever way.

        Raises:
            ProgramMissingError: the program does not exist.
        """
        if self.running:
            raise NotReadyError(f"{self.name} is running already, as process {self.pid}")
        if shutil.which(command[0]) is None:
            raise ProgramMissingError(f"{self.name} cannot be started: there is no program {command[0]}")
        guarded = _guarded(command, user=user, at_our_death=at_our_death)
        _STARTER.submit(self._start, guarded, environment=environment, folder=folder).result()
        self._wanted = True

    def _start(self, command: Sequence[str], *, environment: Mapping[str, str] | None, folder: Path | None) -> None:
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=folder,
                start_new_session=True,  # Ctrl-C is for us, who stop them in order
            )

    def wait_until(self, ready: Callable[[], bool], *, timeout_seconds: float) -> None:
        """Return when `ready` says so; kill the program when that takes too long.

        Raises:
            NotReadyError: it ended before, or the time is over; with its last words.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.running:
                self._wanted = False
                raise NotReadyError(f"{self.name} ended with status {self.exit_code} before it was ready{self.last_words()}")
            if time.monotonic() > deadline:
                self.kill()
                raise NotReadyError(f"{self.name} was not ready within {timeout_seconds:g} s{self.last_words()}")
            time.sleep(POLL_SECONDS)

    def wait(self, *, timeout_seconds: float) -> int:
        """Wait until it ends by itself.

        Returns:
            Its exit status.

        Raises:
            NotStoppedError: it took longer and was killed.
        """
        self._wanted = False
        if not self._ended(within_seconds=timeout_seconds):
            self.kill()
            raise NotStoppedError(f"{self.name} took longer than {timeout_seconds:g} s and was killed{self.last_words()}")
        assert self._process is not None
        return int(self._process.returncode)

    def send(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens where the program does not run."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, timeout_seconds: float) -> None:
        """Ask it to end and wait; kill it when that takes too long. Nothing happens where it does not run.

        Raises:
            NotStoppedError: it had to be killed.
        """
        self._wanted = False
        if not self.running:
            return
        self.send(number)
        if not self._ended(within_seconds=timeout_seconds):
            self.kill()
            raise NotStoppedError(f"{self.name} did not end within {timeout_seconds:g} s and was killed{self.last_words()}")

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        self._wanted = False
        self.send(signal.SIGKILL)
        if self._process is not None and not self._ended(within_seconds=KILL_TIMEOUT_SECONDS):
            raise NotStoppedError(f"{self.name}, process {self.pid}, does not even end when killed")

    def _ended(self, *, within_seconds: float) -> bool:
        assert self._process is not None
        try:
            self._process.wait(within_seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def last_words(self) -> str:
        """The last lines of this run's log, indented, each on a line of its own; empty where it said nothing."""
        try:
            with self.log.open("rb") as log:
                log.seek(self._log_start)
                lines = log.read().decode(errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        return "".join(f"\n  {line}" for line in lines[-QUOTED_LINES:])


def _guarded(command: Sequence[str], *, user: pwd.struct_passwd | None, at_our_death: str) -> list[str]:
    guard = ["setpriv", "--pdeathsig", at_our_death]
    if user is not None and os.geteuid() == 0:
        guard += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*guard, "--", *command]
