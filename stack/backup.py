"""Copy the whole database into a folder, and bring it back into an empty one.

A backup is pg_dump's directory format beside a manifest. It holds the tables, their owners and rights. Roles belong to the server:
the restore makes those that are missing, without passwords, and gives the services' roles theirs as `wanghuo migrate` does.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import IsolationLevel, sql
from pydantic import Field

from runtime.errors import DatabaseAway
from runtime.settings import Settings
from sql.migrate import migrate, migrations
from sql.queries import load
from stack import backup_manifest
from stack.backup_manifest import Manifest
from stack.errors import BackupError
from stack.postgres_programs import run_program

CONNECT_TIMEOUT_SECONDS = 10
ROLES_STEP = "0001_roles"

_SQL = load("backup")


class BackupSettings(Settings):
    """What both commands read from the environment."""

    migrate_database_url: str = Field(description="database, as a superuser")


def backup(url: str, folder: Path) -> Manifest:
    """Copy the database at `url` into `folder`, which must not exist; while everything runs, as of one instant.

    An interrupted backup leaves `folder`.part behind and no `folder`.

    Raises:
        BackupError: the folder exists or cannot be written, or pg_dump failed, with its last words.
        ProgramMissingError: there is no pg_dump as new as the server.
        DatabaseAway: the database cannot be reached.
    """
    if folder.exists():
        raise BackupError(f"{folder} exists already: a backup is never written over")
    part = _fresh_part(folder)
    with _connected(url) as connection:
        connection.autocommit = False
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        manifest = _dump(connection, part, url=url)
    try:
        backup_manifest.write(part, manifest)
        part.rename(folder)
    except OSError as error:
        raise BackupError(f"cannot write the backup {folder}: {error.strerror}") from error
    return manifest


def restore(url: str, folder: Path, *, role_passwords: Mapping[str, str]) -> Manifest:
    """Bring the backup in `folder` into the empty database at `url`, and to the shape this program works with.

    All rows come in one transaction: after an error the database is as empty as before.

    Raises:
        BackupError: the backup is damaged or of another version, the database is not empty, pg_restore failed, or rows are missing.
        ProgramMissingError: there is no pg_restore as new as the server.
        DatabaseAway: the database cannot be reached.
        MigrationError: the restored database cannot be brought to the present shape.
    """
    manifest = backup_manifest.read(folder)
    _refuse_shape(manifest, folder=folder)
    with _connected(url) as connection:
        _refuse_target(connection, manifest=manifest)
        _prepare(connection, manifest=manifest)
        server = connection.info.server_version
        connection.execute(_SQL["pre_restore"])
        try:
            run_program("pg_restore", ["--exit-on-error", "--single-transaction", str(folder)], url=url, server=server)
        finally:
            connection.execute(_SQL["post_restore"])
        _compare(_counts(connection), manifest=manifest)
        connection.execute("ANALYZE")
    migrate(url, role_passwords=role_passwords)
    return manifest


@contextmanager
def _connected(url: str) -> Iterator[psycopg.Connection]:
    try:
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise DatabaseAway(str(error).strip()) from error
    except psycopg.Error as error:
        raise BackupError(f"the database refused: {str(error).strip()}") from error


def _fresh_part(folder: Path) -> Path:
    part = folder.with_name(f"{folder.name}.part")
    try:
        if part.exists():
            shutil.rmtree(part)
        part.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise BackupError(f"cannot write the backup {folder}: {error.strerror}") from error
    return part


def _dump(connection: psycopg.Connection, part: Path, *, url: str) -> Manifest:
    server, timescaledb, shape = _row(connection, "versions")
    tables = _counts(connection)  # first: from now on nobody can drop a chunk that the dump is to hold
    snapshot = _row(connection, "export_snapshot")[0]
    options = ["--format=directory", f"--file={part}", f"--snapshot={snapshot}", "--quote-all-identifiers"]
    run_program("pg_dump", options, url=url, server=int(str(server)))
    return Manifest(
        taken_at=datetime.now(UTC).isoformat(timespec="seconds"),
        shape=str(shape),
        postgresql=int(str(server)),
        timescaledb=str(timescaledb),
        roles=_column(connection, "roles"),
        tables=tables,
        files=backup_manifest.digests(part),
    )


def _refuse_shape(manifest: Manifest, *, folder: Path) -> None:
    known = [step.name for step in migrations()]
    if manifest.shape not in known:
        raise BackupError(f"the backup in {folder} is of shape {manifest.shape}, this program knows up to {known[-1]}")


def _refuse_target(connection: psycopg.Connection, *, manifest: Manifest) -> None:
    here, there = connection.info.server_version // 10_000, manifest.postgresql // 10_000
    if here < there:
        raise BackupError(f"the backup is of PostgreSQL {there}, the server is {here}: a server as new is needed")
    offered = connection.execute(_SQL["offered_timescaledb"], {"version": manifest.timescaledb}).fetchone()
    present = connection.execute(_SQL["present_timescaledb"]).fetchone()
    if offered == (0,) or present not in {None, (manifest.timescaledb,)}:
        has = f"this database has {present[0]}" if present else "the server does not offer it"
        raise BackupError(f"the backup needs TimescaleDB {manifest.timescaledb} exactly, {has}")
    found = connection.execute(_SQL["anything_there"]).fetchone()
    if found is not None:
        raise BackupError(f"the database {connection.info.dbname} is not empty, it has {found[0]}: create an empty one")


def _prepare(connection: psycopg.Connection, *, manifest: Manifest) -> None:
    """What a dump does not bring: roles, the extension in its version, rights on the database itself."""
    existing = set(_column(connection, "existing_roles"))
    with connection.transaction():
        for role in manifest.roles:
            if role not in existing:
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))
        version = sql.Literal(manifest.timescaledb)
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS timescaledb VERSION {}").format(version))
        step = next(step for step in migrations() if step.name == ROLES_STEP)
        connection.execute(step.text.encode())


def _counts(connection: psycopg.Connection) -> dict[str, int]:
    counted = {}
    for table in _column(connection, "tables"):
        row = connection.execute(sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(table))).fetchone()
        counted[table] = int(row[0]) if row else 0
    return counted


def _compare(restored: Mapping[str, int], *, manifest: Manifest) -> None:
    for table, rows in manifest.tables.items():
        if restored.get(table) != rows:
            raise BackupError(f"table {table} has {restored.get(table, 'no')} rows after the restore, the backup has {rows}")


def _row(connection: psycopg.Connection, query: str) -> tuple[object, ...]:
    row = connection.execute(_SQL[query]).fetchone()
    assert row is not None
    return tuple(row)


def _column(connection: psycopg.Connection, query: str) -> list[str]:
    return [str(row[0]) for row in connection.execute(_SQL[query])]
