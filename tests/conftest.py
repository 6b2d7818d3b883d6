"""Real servers for the tests: one PostgreSQL + TimescaleDB for the session, a fresh database and a fresh Mosquitto for a test.

A database is cloned from a migrated template (about 0.1 s, while the test before runs). A broker of its own costs a test about 30 ms, so none is shared: no test
sees another's retained messages, sessions or passwords, and every test may kill its broker. The servers end with the test session in
whatever way that ends; folders that a killed session left are removed by the next.
"""

import itertools
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import mqtt5
import psycopg
import pytest

# A private stack that somebody runs here leaves its settings in .stack/env: no test may find them. Before `runtime.settings` is imported.
os.environ["WANGHUO_ENVIRONMENT_FILE"] = os.devnull

from runtime.broker_accounts import BrokerAccount
from runtime.broker_passwords import set_passwords
from sql.migrate import ROLES, migrate
from stack.broker import Broker, BrokerSettings
from stack.database import SUPERUSER, Database, DatabaseSettings
from stack.ports import LOOPBACK

# No test asserts a timing of the machine.
hypothesis.settings.register_profile("here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("here")

PREFIX = "wanghuo-tests-"
TEMPLATE = "wanghuo_template"
TRANSMITTERS = tuple(f"T{number}" for number in range(1, 21))
SIGN_IN_TIMEOUT_SECONDS = 30


@dataclass(kw_only=True)
class DatabaseUnderTest:
    """A migrated database that only this test uses."""

    server: Database
    name: str
    role_passwords: dict[str, str]

    @property
    def owner_url(self) -> str:
        """For the superuser, who owns everything."""
        return self.server.superuser_url(self.name)

    def url(self, role: str = SUPERUSER) -> str:
        """For one of `sql.migrate.ROLES`, or the superuser."""
        if role == SUPERUSER:
            return self.owner_url
        return self.server.url(role, password=self.role_passwords[role], database=self.name)


@dataclass(kw_only=True)
class BrokerUnderTest:
    """A broker that only this test uses; it may be killed and started again."""

    server: Broker
    passwords: dict[str, str] = field(default_factory=dict)
    """By user name: all of `BrokerAccount`, the transmitters T1 … T20, and whoever was enrolled since."""

    host = LOOPBACK

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return self.server.url

    def enrol(self, *names: str) -> None:
        """Give users a password and return when the broker takes it."""
        made = {name: secrets.token_urlsafe(12) for name in names}
        set_passwords(self.server.passwords, made)
        self.passwords.update(made)
        deadline = time.monotonic() + SIGN_IN_TIMEOUT_SECONDS
        while not all(self.signs_in(name) for name in names):
            assert time.monotonic() < deadline, f"the broker does not take the passwords of {names}"
            time.sleep(0.02)

    def signs_in(self, name: str, *, password: str | None = None) -> bool:
        """Whether the broker takes this password; the connection is closed again."""
        password = self.passwords[name] if password is None else password
        packet = mqtt5.ConnectPacket(f"sign-in-{secrets.token_hex(4)}", username=name, password=password.encode())
        with socket.create_connection((LOOPBACK, self.port), timeout=10) as connection:
            connection.sendall(packet.write())
            answer = connection.recv(64)
        return len(answer) >= 4 and answer[3] == 0


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder for servers that may run as other users: unlike pytest's own, everybody can enter it."""
    _remove_left_over()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def database_server(server_folder: Path) -> Iterator[Database]:
    """A running PostgreSQL + TimescaleDB; smaller than in production.

    It does not wait for the disk: no test takes its power away, and a copy of the template costs a fifth. Tests of what outlives a
    kill, and the acceptance tests, have servers of their own with nothing changed.
    """
    changed = {"shared_buffers": "128MB", "max_wal_size": "1GB", "fsync": "off", "full_page_writes": "off"}
    server = Database(DatabaseSettings(folder=server_folder / "database", changed=changed))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template_database(database_server: Database) -> dict[str, str]:
    """Make the migrated database that others are cloned from; returns the passwords of its roles."""
    passwords = {role: secrets.token_urlsafe(12) for role in ROLES}
    database_server.create_database(TEMPLATE)
    migrate(database_server.superuser_url(TEMPLATE), role_passwords=passwords)
    database_server.make_template(TEMPLATE)
    return passwords


_NUMBERS = itertools.count(1)


class Clones:
    """Databases cloned from the template, each made while the test before it runs."""

    def __init__(self, server: Database) -> None:
        self._server = server
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="clones")
        self._next = self._maker.submit(self._make)

    def take(self) -> str:
        """The name of a fresh one."""
        made = self._next
        try:
            return made.result()
        except psycopg.Error:  # the test before stopped the server
            return self._make()
        finally:
            self._next = self._maker.submit(self._make)

    def drop(self, name: str) -> None:
        """Drop it with whoever is still connected, while the next test runs; what cannot be dropped then ends with the server."""
        self._maker.submit(self._server.drop_database, name)

    def close(self) -> None:
        self._maker.shutdown(cancel_futures=True)

    def _make(self) -> str:
        name = f"test_{next(_NUMBERS)}"
        self._server.create_database(name, template=TEMPLATE)
        return name


@pytest.fixture(scope="session")
def clones(database_server: Database, template_database: dict[str, str]) -> Iterator[Clones]:
    made = Clones(database_server)
    yield made
    made.close()


@pytest.fixture
def database(database_server: Database, template_database: dict[str, str], clones: Clones) -> Iterator[DatabaseUnderTest]:
    """A migrated, empty database; dropped afterwards with whoever is still connected."""
    name = clones.take()
    yield DatabaseUnderTest(server=database_server, name=name, role_passwords=template_database)
    if not database_server.running:
        database_server.start()
    clones.drop(name)


@pytest.fixture
def broker(server_folder: Path) -> Iterator[BrokerUnderTest]:
    """A running Mosquitto with all service accounts and the transmitters T1 … T20."""
    server = Broker(BrokerSettings(folder=server_folder / f"broker-{next(_NUMBERS)}"))
    passwords = {str(name): secrets.token_urlsafe(12) for name in (*BrokerAccount, *TRANSMITTERS)}
    server.set_passwords(passwords)
    server.start()
    yield BrokerUnderTest(server=server, passwords=passwords)
    server.kill()


def _remove_left_over() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        session = folder.name.removeprefix(PREFIX).partition("-")[0]
        if not Path("/proc", session).exists():
            shutil.rmtree(folder, ignore_errors=True)
