"""A private Mosquitto in a folder of its own, set up as `deploy/mosquitto` says."""

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.broker_passwords import set_passwords
from stack.children import Child
from stack.errors import ProgramMissingError
from stack.folders import make_folder, server_user, write_for
from stack.ports import CONNECT_TIMEOUT_SECONDS, LOOPBACK, free_port, require_free

PROGRAM = "/usr/sbin/mosquitto"
SOURCE = Path(__file__).parent.parent / "deploy" / "mosquitto"
START_TIMEOUT_SECONDS = 60.0
"""It reads back what was queued before it listens: about 1.4 s for 1,000,000 messages."""
STOP_TIMEOUT_SECONDS = 60.0
SAVE_TIMEOUT_SECONDS = 60.0
WATCH_SECONDS = 0.1

CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"
"""An MQTT 3.1.1 CONNECT without credentials; refused, but answered."""

Fingerprint = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """What the broker proves itself with: PEM files, as `stack.certificates` makes them."""

    authority: Path
    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How the broker is set up; a port that is None is a free one, kept for the life of the `Broker`.

    `extra_rights`: lines of the ACL for users that only a private stack has, by user name.
    `changed`: settings of `deploy/mosquitto/mosquitto.conf` that differ, by name.
    """

    folder: Path
    port: int | None = None
    tls: TlsFiles | None = None
    tls_port: int | None = None
    extra_rights: Mapping[str, str] = field(default_factory=dict)
    changed: Mapping[str, str] = field(default_factory=dict)


class Broker:
    """A private broker on loopback, and a watch on its password file.

    Whoever writes the password file (runtime.broker_passwords) needs not know the broker: within about 0.2 s of a change the broker
    reads it anew. All methods block; start and stop from one thread.
    """

    def __init__(self, settings: BrokerSettings) -> None:
        self._user = server_user("mosquitto", "nobody")
        self._folder = make_folder(settings.folder, user=self._user)
        self._tls = settings.tls
        self._extra_rights = settings.extra_rights
        self._changed = settings.changed
        self.port = settings.port or free_port()
        self.tls_port = (settings.tls_port or free_port()) if settings.tls else None
        self.passwords = self._folder / "passwords"
        self._saved = self._folder / "data" / "mosquitto.db"
        self._child = Child("the broker (mosquitto)", log=self._folder / "mosquitto.log")
        self._watch: threading.Thread | None = None
        self._unwatch = threading.Event()

    @property
    def log(self) -> Path:
        """What the broker printed, over all its runs."""
        return self._child.log

    @property
    def url(self) -> str:
        """Where it is reached without TLS."""
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def tls_url(self) -> str | None:
        """Where it is reached with TLS; the certificate names localhost."""
        return f"mqtts://localhost:{self.tls_port}" if self.tls_port else None

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

    def start(self) -> None:
        """Start it, with what was saved when it last ran, and return when it answers.

        Raises:
            ProgramMissingError: Mosquitto is not installed.
            PortInUseError: another program listens on the port.
            NotReadyError: it ended or did not answer in time; with its last words.
        """
        if not Path(PROGRAM).exists():
            raise ProgramMissingError(f"{PROGRAM} is not installed: run `sh stack/system-packages.sh` as root")
        for port in (self.port, self.tls_port):
            if port is not None:
                require_free(port, what="the broker")
        self._prepare()
        configuration = self._configure()
        known = _fingerprint(self.passwords)
        self._child.start([PROGRAM, "-c", str(configuration)], user=self._user, folder=self._folder, at_our_death="TERM")
        self._child.wait_until(lambda: _answers(self.port), timeout_seconds=START_TIMEOUT_SECONDS)
        self._start_watch(known)

    def stop(self) -> None:
        """End it in order: it saves sessions and queued messages. Nothing happens where it does not run.

        Raises:
            NotStoppedError: it had to be killed.
        """
        self._stop_watch()
        self._child.stop(signal.SIGTERM, timeout_seconds=STOP_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End it with SIGKILL: what it took since its last save is lost."""
        self._stop_watch()
        self._child.kill()

    def reload(self) -> None:
        """Let it read passwords, ACL and certificates anew; returns before it has."""
        self._configure()
        self._child.send(signal.SIGHUP)

    def save(self) -> None:
        """Let it save sessions and queued messages now, and return when they are on disk.

        Raises:
            NotReadyError: it did not save in time.
        """
        before = _fingerprint(self._saved)
        self._child.send(signal.SIGUSR1)
        self._child.wait_until(lambda: _fingerprint(self._saved) != before, timeout_seconds=SAVE_TIMEOUT_SECONDS)

    def forget(self) -> None:
        """Remove all accounts, sessions and messages of earlier runs; only while it does not run."""
        self.passwords.unlink(missing_ok=True)
        self._saved.unlink(missing_ok=True)

    def set_passwords(self, passwords: dict[str, str]) -> None:
        """Let these users sign in; at once where the broker does not run yet, else when the watch has noticed."""
        if not self.passwords.exists():
            write_for(self.passwords, "", user=self._user)
        set_passwords(self.passwords, passwords)

    def _prepare(self) -> None:
        make_folder(self._saved.parent, user=self._user)
        if self._user is not None and self._saved.exists():
            # What it cannot read it takes for nothing, without a word, and saves over it.
            os.chown(self._saved, self._user.pw_uid, self._user.pw_gid)
        if not self.passwords.exists():
            write_for(self.passwords, "", user=self._user)

    def _configure(self) -> Path:
        rights = (SOURCE / "acl").read_text(encoding="utf-8")
        rights += "".join(f"\nuser {user}\n{lines}" for user, lines in self._extra_rights.items())
        acl = write_for(self._folder / "acl", rights, user=self._user)
        own = {"password_file": self.passwords, "acl_file": acl, "persistence_location": f"{self._saved.parent}/", **self._changed}
        lines = []
        for line in (SOURCE / "mosquitto.conf").read_text(encoding="utf-8").splitlines():
            key = line.partition(" ")[0]
            if key != "listener":
                lines.append(f"{key} {own[key]}" if key in own else line)
        lines += [f"listener {self.port} {LOOPBACK}", *self._tls_lines()]
        return write_for(self._folder / "mosquitto.conf", "\n".join(lines) + "\n", user=self._user)

    def _tls_lines(self) -> list[str]:
        if self._tls is None:
            return []
        # Copies, because the broker's user may not be able to enter the folder they were made in.
        files = {"cafile": self._tls.authority, "certfile": self._tls.certificate, "keyfile": self._tls.key}
        copies = {
            key: write_for(self._folder / f"{key}.pem", source.read_text(encoding="ascii"), user=self._user)
            for key, source in files.items()
        }
        return [f"listener {self.tls_port} {LOOPBACK}", "tls_version tlsv1.2", *(f"{key} {path}" for key, path in copies.items())]

    def _start_watch(self, known: Fingerprint) -> None:
        self._stop_watch()  # of a run that ended by itself
        self._unwatch.clear()
        self._watch = threading.Thread(target=self._watch_passwords, args=(known,), name="broker-passwords", daemon=True)
        self._watch.start()

    def _stop_watch(self) -> None:
        self._unwatch.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None

    def _watch_passwords(self, known: Fingerprint) -> None:
        while not self._unwatch.wait(WATCH_SECONDS):
            now = _fingerprint(self.passwords)
            # A file that is away for an instant is not what the broker should read: it would turn everybody out.
            if now not in {known, None}:
                known = now
                self._child.send(signal.SIGHUP)


def _answers(port: int) -> bool:
    """Whether it speaks MQTT. That it listens is not enough: until its loop runs, a signal would end it without saving."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.sendall(CONNECT)
            return bool(connection.recv(4))
    except OSError:
        return False


def _fingerprint(path: Path) -> Fingerprint:
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size
    return None
