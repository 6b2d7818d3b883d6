"""A private PostgreSQL with TimescaleDB in a folder of its own."""

import contextlib
import shutil
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from stack.children import Child
from stack.errors import FolderError, NotReadyError, ProgramMissingError
from stack.folders import make_folder, server_user, write_for
from stack.password_store import PasswordStore
from stack.ports import LOOPBACK, free_port, require_free

SUPERUSER = "postgres"
INSTALLED = Path("/usr/lib/postgresql")
EXTENSIONS = Path("/usr/share/postgresql")
INIT_TIMEOUT_SECONDS = 120
START_TIMEOUT_SECONDS = 120.0
"""After a crash it replays up to `max_wal_size` before it answers."""
STOP_TIMEOUT_SECONDS = 120.0
SESSIONS_TIMEOUT_SECONDS = 20.0
SESSIONS_LIVE_ON = "pre-existing shared memory block"
"""What a server says whose predecessor was killed and whose sessions have not yet noticed."""
CONNECT_TIMEOUT_SECONDS = 2

CONFIGURATION: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",  # one way in, and no path that must stay below 107 bytes
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    "timescaledb.max_background_workers": "0",  # no job is TimescaleDB's: retention and roll-ups are ours
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_locks_per_transaction": "1024",  # a query over many chunks locks each
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m %d %a ",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """How the server is set up; a port that is None is a free one, kept for the life of the `Database`."""

    folder: Path
    port: int | None = None
    changed: Mapping[str, str] = field(default_factory=dict)
    """Parameters of PostgreSQL that differ from `CONFIGURATION`."""


class Database:
    """A private server on loopback. All methods block; start and stop from one thread."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._programs = newest_installed()
        self._user = server_user("postgres")
        self._folder = make_folder(settings.folder, user=self._user)
        self._data = self._folder / "data"
        self._parameters = {**CONFIGURATION, **settings.changed}
        self._superuser_password = PasswordStore(self._folder / "superuser.json").get(SUPERUSER)
        self._child = Child("the database (postgres)", log=self._folder / "postgres.log")
        self.port = settings.port or free_port()

    @property
    def log(self) -> Path:
        """What the server printed, over all its runs."""
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

    def superuser_url(self, database: str = "postgres") -> str:
        """For whoever creates databases and migrates."""
        return self.url(SUPERUSER, password=self._superuser_password, database=database)

    def url(self, role: str, *, password: str, database: str) -> str:
        """For a role that logs in."""
        return f"postgresql://{quote(role, safe='')}:{quote(password, safe='')}@{LOOPBACK}:{self.port}/{quote(database, safe='')}"

    def start(self) -> None:
        """Start it, after creating its data folder where there is none, and return when it answers.

        Raises:
            FolderError: the data is of another major version, or cannot be created.
            PortInUseError: another program listens on the port.
            NotReadyError: it ended or did not answer in time; with its last words.
        """
        require_free(self.port, what="the database")
        if not (self._data / "PG_VERSION").exists():
            self._create()
        self._refuse_other_version()
        options = [part for name, value in self._parameters.items() for part in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]
        deadline = time.monotonic() + SESSIONS_TIMEOUT_SECONDS
        while True:
            self._child.start(command, user=self._user, folder=self._folder, at_our_death="INT")
            try:
                return self._child.wait_until(self._answers, timeout_seconds=START_TIMEOUT_SECONDS)
            except NotReadyError as error:
                if SESSIONS_LIVE_ON not in str(error) or time.monotonic() > deadline:
                    raise

    def stop(self) -> None:
        """End it in order (fast: sessions are cut, everything is written). Nothing happens where it does not run.

        Raises:
            NotStoppedError: it had to be killed.
        """
        self._child.stop(signal.SIGINT, timeout_seconds=STOP_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would; its sessions end themselves within moments."""
        self._child.kill()

    def create_database(self, name: str, *, template: str | None = None) -> None:
        """Create an empty database, or a copy of `template`, to which nobody may be connected."""
        statement = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._administer(statement)

    def ensure_database(self, name: str) -> None:
        """Create an empty database where there is none of that name."""
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            self.create_database(name)

    def drop_database(self, name: str) -> None:
        """Drop a database where it exists, and cut whoever is connected to it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def make_template(self, name: str) -> None:
        """Close a database for everybody, so that it can be copied at any time.

        CREATE DATABASE … TEMPLATE refuses a source that anybody is connected to, and where TimescaleDB has background workers
        (here it has none) one sits in every database with the extension. It passes over templates.
        """
        database = sql.Identifier(name)
        self._administer(sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false").format(database))
        ended = sql.SQL("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = {}")
        self._administer(ended.format(sql.Literal(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.superuser_url(), autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            connection.execute(statement)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.superuser_url(), connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self) -> None:
        password = write_for(self._folder / "password", self._superuser_password, user=self._user)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", f"--username={SUPERUSER}", f"--pwfile={password}"]
        child = Child("initdb", log=self._folder / "initdb.log")
        # What an interrupted start left half made is never taken for data.
        part = self._data.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        child.start([str(self._programs / "initdb"), "-D", str(part), *options], user=self._user, folder=self._folder)
        ended = child.wait(timeout_seconds=INIT_TIMEOUT_SECONDS)
        password.unlink()
        if ended != 0:
            raise FolderError(f"cannot create a database in {self._data}{child.last_words()}")
        part.rename(self._data)

    def _refuse_other_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text(encoding="ascii").strip()
        installed = self._programs.parent.name
        if found != installed:
            what = f"the database in {self._data} is of PostgreSQL {found}, installed is {installed}"
            raise FolderError(f"{what}: upgrade it, or choose another folder")


def newest_installed(*, installed: Path = INSTALLED, extensions: Path = EXTENSIONS) -> Path:
    """Folder of the programs of the newest PostgreSQL that has TimescaleDB.

    Raises:
        ProgramMissingError: there is none.
    """
    found = [path.parent for path in installed.glob("*/bin/postgres")]
    versions = [path for path in found if (extensions / path.parent.name / "extension" / "timescaledb.control").exists()]
    if not versions:
        raise ProgramMissingError(f"no PostgreSQL with TimescaleDB in {installed}: run `sh stack/system-packages.sh` as root")
    return max(versions, key=lambda path: int(path.parent.name))
