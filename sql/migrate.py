"""Bring a database to the present shape: `python -m sql.migrate`, or `migrate(url)`.

Migrations are `sql/migrations/NNNN_name.sql`, run in order, each in a transaction of its own, forward only. What was
applied is recorded with a checksum in `schema_migration`: a file changed afterwards, or a database that is ahead of
this code, is refused.
"""

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

FOLDER = Path(__file__).parent / "migrations"
LOCK_KEY = 0x77616E67
"""Advisory lock that lets one migration run at a time."""

ROLES = ("wanghuo_ingest", "wanghuo_alerts", "wanghuo_registry", "wanghuo_console", "wanghuo_reader")
"""Roles that log in, one for every writer and one that only reads."""

TIMESCALEDB_MAJOR = 2

URL = "WANGHUO_MIGRATE_DATABASE_URL"
"""Variable of the database that `main` migrates."""


class MigrationError(RuntimeError):
    """The database cannot be brought to this shape; nothing of the failing step was applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def migrations(folder: Path = FOLDER) -> list[Migration]:
    """All steps, in order."""
    paths = sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return [Migration(name=path.stem, text=path.read_text(encoding="utf-8")) for path in paths]


def latest() -> str:
    """Name of the newest step: the version this code works with."""
    return migrations()[-1].name


def migrate(url: str, *, role_passwords: Mapping[str, str] | None = None, folder: Path = FOLDER) -> list[str]:
    """Apply what is missing and let the roles log in.

    Args:
        url: of a user that may create roles and the TimescaleDB extension.
        role_passwords: password by role; a role without one keeps what it has.
        folder: where the steps are.

    Returns:
        Names of the steps applied by this call.

    Raises:
        MigrationError: TimescaleDB is missing or of another major version, a step was changed after it was applied or put before
            one that is applied, the database is ahead of this code, or a step failed.
        psycopg.OperationalError: the database cannot be reached.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        _refuse_other_database(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_migration (name text PRIMARY KEY, checksum text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT clock_timestamp())"
        )
        connection.execute("GRANT SELECT ON schema_migration TO PUBLIC")
        steps = migrations(folder)
        missing = _missing(connection, steps)
        for step in missing:
            _apply(connection, step)
        for role, password in (role_passwords or {}).items():
            _let_log_in(connection, role, password=password)
    return [step.name for step in missing]


def _refuse_other_database(connection: psycopg.Connection) -> None:
    row = connection.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    if row is None:
        raise MigrationError("this PostgreSQL server does not offer the extension timescaledb")
    version = str(row[0])
    if version.split(".", maxsplit=1)[0] != str(TIMESCALEDB_MAJOR):
        raise MigrationError(f"TimescaleDB {TIMESCALEDB_MAJOR}.x is needed, the server offers {version}")


def _missing(connection: psycopg.Connection, steps: list[Migration]) -> list[Migration]:
    applied = {str(name): str(checksum) for name, checksum in connection.execute("SELECT name, checksum FROM schema_migration")}
    unknown = applied.keys() - {step.name for step in steps}
    if unknown:
        raise MigrationError(f"the database is ahead of this program: it has {max(unknown)}, this program knows {steps[-1].name}")
    for step in steps:
        if step.name in applied and applied[step.name] != step.checksum:
            raise MigrationError(f"migration {step.name} was changed after it was applied; write a new one instead")
    missing = [step for step in steps if step.name not in applied]
    if missing and applied and missing[0].name < max(applied):
        raise MigrationError(
            f"migration {missing[0].name} stands before {max(applied)}, which is applied already; give it a later number"
        )
    return missing


def _apply(connection: psycopg.Connection, step: Migration) -> None:
    try:
        with connection.transaction():
            connection.execute(step.text.encode())
            connection.execute("RESET ROLE")
            connection.execute("INSERT INTO schema_migration (name, checksum) VALUES (%s, %s)", [step.name, step.checksum])
    except psycopg.Error as error:
        raise MigrationError(f"migration {step.name} failed: {error}") from error


def _let_log_in(connection: psycopg.Connection, role: str, *, password: str) -> None:
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
    connection.execute(statement)


def main() -> int:
    """Read the environment, migrate, and say what was done. Exit status 2: the configuration is incomplete."""
    url = os.environ.get(URL)
    if not url:
        print(f"migrate: {URL} is not set", file=sys.stderr)  # noqa: T201
        return 2
    named = {role: os.environ.get(f"{role.upper()}_DATABASE_PASSWORD") for role in ROLES}
    try:
        applied = migrate(url, role_passwords={role: password for role, password in named.items() if password})
    except (MigrationError, psycopg.Error) as error:
        print(f"migrate: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"migrate: {', '.join(applied) or 'nothing to do'}; the database is at {latest()}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
