"""The composition root: a private broker, a private database and every service, started in order and stopped in reverse."""

import contextlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from runtime.broker_accounts import BrokerAccount
from runtime.settings import PREFIX
from sql.migrate import ROLES, migrate
from stack.broker import Broker, BrokerSettings, TlsFiles
from stack.database import Database, DatabaseSettings
from stack.errors import NotStoppedError
from stack.folders import make_folder, write_for
from stack.password_store import PasswordStore
from stack.ports import LOOPBACK, free_port
from stack.processes import Services, ServiceSpec

DATABASE = "wanghuo"
INGEST_SERVICES = ("ingest-signal", "ingest-telemetry", "ingest-gb26875")
SERVICES: Mapping[str, tuple[str, ...]] = {
    "ingest-signal": ("ingest", "signal"),
    "ingest-telemetry": ("ingest", "telemetry"),
    "ingest-gb26875": ("ingest", "gb26875"),
    "alerts": ("alerts",),
    "early-warning": ("early-warning", "run"),
    "registry": ("registry", "serve"),
    "watchdog": ("watchdog",),
}
"""Every service in the order of starting: ingest first, so that its sessions exist before a device may connect."""

WATCHED = (*INGEST_SERVICES, "alerts", "early-warning")

WORLD = "simulator.world"
"""A broker user that may speak for every transmitter; exists in private stacks only, where one process plays thousands."""
WORLD_RIGHTS = "".join(f"topic write wanghuo/v1/+/{name}\n" for name in ("signal", "telemetry", "heartbeat", "snapshot", "reply"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateStackSettings:
    """How a stack is set up.

    Attributes:
        folder: of everything it keeps; everybody must be able to enter it where root starts the stack.
        fresh: forget an earlier run: an empty database, an empty broker.
        roster: the duty officers' file.
        parameters: of PostgreSQL that differ from `stack.database.CONFIGURATION`.
        variables: of the services' environment, without prefix, laid over what the stack itself sets.
        world: whether the broker knows the user `WORLD`.
    """

    folder: Path
    fresh: bool = False
    roster: Path
    tls: TlsFiles | None = None
    world: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class PrivateStack:
    """Everything on one machine, on loopback. Methods block; use it from one thread."""

    def __init__(self, settings: PrivateStackSettings) -> None:
        self.settings = settings
        self.folder = make_folder(settings.folder, user=None, mode=0o755)
        self._passwords = PasswordStore(self.folder / "passwords.json")
        extra_rights = {WORLD: WORLD_RIGHTS} if settings.world else {}
        self.broker = Broker(BrokerSettings(folder=self.folder / "broker", tls=settings.tls, extra_rights=extra_rights))
        self.database = Database(DatabaseSettings(folder=self.folder / "database", changed=settings.parameters))
        self.ports = {name: free_port() for name in SERVICES}
        self.gb26875_port = free_port()
        """Of devices that speak GB/T 26875.3, TCP and UDP."""
        specs = [
            ServiceSpec(name=name, arguments=arguments, environment=self.environment, ready_url=f"{self.url(name)}/readyz")
            for name, arguments in SERVICES.items()
        ]
        self.services = Services(specs, log_folder=self.folder / "logs")

    def __enter__(self) -> Self:
        """Start the servers; see `start_servers`."""
        self.start_servers()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop everything; while an error is on its way, without a second one."""
        with contextlib.suppress(NotStoppedError) if error else contextlib.nullcontext():
            self.stop()

    def url(self, service: str) -> str:
        """Base of a service's /metrics, /healthz and /readyz."""
        return f"http://{LOOPBACK}:{self.ports[service]}"

    def password(self, name: str) -> str:
        """The password of a broker account or database role of this stack."""
        return self._passwords.get(name)

    def database_url(self, role: str) -> str:
        """For one of `sql.migrate.ROLES`."""
        return self.database.url(role, password=self.password(role), database=DATABASE)

    @property
    def environment(self) -> dict[str, str]:
        """What the services and the shell's tasks read."""
        found = {f"{role.removeprefix('wanghuo_')}_database_url": self.database_url(role) for role in ROLES}
        found |= {
            "migrate_database_url": self.database.superuser_url(DATABASE),
            "broker_url": self.broker.url,
            "broker_password_file": str(self.broker.passwords),
            "ingest_broker_password": self.password(BrokerAccount.INGEST),
            "alerts_broker_password": self.password(BrokerAccount.ALERTS),
            "enrolment_broker_password": self.password(BrokerAccount.ENROLMENT),
            "gb26875_tcp_port": str(self.gb26875_port),
            "gb26875_udp_port": str(self.gb26875_port),
            "roster_file": str(self.settings.roster),
            "watched_urls": ",".join(self.url(name) for name in WATCHED),
        }
        found |= {f"{name.replace('-', '_')}_http_port": str(port) for name, port in self.ports.items()}
        return {PREFIX + name.upper(): value for name, value in {**found, **self.settings.variables}.items()}

    def start_servers(self) -> None:
        """Start broker and database, bring the database to its shape, and let the services sign in.

        Raises:
            StackError, MigrationError: with one clear sentence; what was started is stopped again.
        """
        try:
            if self.settings.fresh:
                self.broker.forget()
            accounts = [str(account) for account in BrokerAccount] + ([WORLD] if self.settings.world else [])
            self.broker.set_passwords({account: self.password(account) for account in accounts})
            with ThreadPoolExecutor(2, thread_name_prefix="stack-start") as starting:
                started = [starting.submit(self.broker.start), starting.submit(self.database.start)]
            for future in started:
                future.result()
            self._prepare_database()
            write_for(self.folder / "env", "".join(f"{k}={v}\n" for k, v in self.environment.items()), user=None)
        except BaseException:
            self.stop()
            raise

    def start_services(self, names: Iterable[str] = tuple(SERVICES)) -> None:
        """Start services and return when they are ready; those of ingest first.

        Raises:
            NotReadyError: one ended or took too long.
        """
        wanted = [name for name in SERVICES if name in set(names)]
        for group in (INGEST_SERVICES, tuple(SERVICES)[len(INGEST_SERVICES) :]):
            processes = [self.services[name] for name in group if name in wanted and not self.services[name].running]
            for process in processes:
                process.start()
            for process in processes:
                process.wait_ready()
            if group == INGEST_SERVICES and processes:
                # Its sessions are what devices' messages wait in: a broker killed before its next save must not forget them.
                self.broker.save()

    def stop(self) -> None:
        """Stop services, then the broker, then the database.

        Raises:
            NotStoppedError: names what had to be killed.
        """
        errors = []
        for stop in (self.services.stop, self.broker.stop, self.database.stop):
            try:
                stop()
            except NotStoppedError as error:
                errors.append(str(error))
        if errors:
            raise NotStoppedError("\n".join(errors))

    def _prepare_database(self) -> None:
        if self.settings.fresh:
            self.database.drop_database(DATABASE)
        self.database.ensure_database(DATABASE)
        url = self.database.superuser_url(DATABASE)
        migrate(url, role_passwords={role: self.password(role) for role in ROLES})


def publish_environment(stack: PrivateStack, *, where: Path) -> None:
    """Let tasks on the shell find this stack: the file that `runtime.settings` reads by itself."""
    where.parent.mkdir(exist_ok=True)
    where.unlink(missing_ok=True)
    where.symlink_to(stack.folder / "env")
