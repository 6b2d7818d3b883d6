"""The database as a service sees it: a pool that waits for the server, and psycopg's errors translated once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from runtime.errors import ConfigurationError, DatabaseAway, DatabaseFull, RowRefused, WanghuoError
from sql.migrate import latest

CONNECT_TIMEOUT_SECONDS = 5
RECONNECT_SECONDS = 0.25
ACQUIRE_TIMEOUT_SECONDS = 10.0
STATEMENT_TIMEOUT_SECONDS = 30

Connection = psycopg.AsyncConnection[tuple[object, ...]]
Pool = AsyncConnectionPool[Connection]


def translate(error: psycopg.Error | PoolTimeout) -> WanghuoError:
    """What a psycopg error means to us. Anything that is not plainly the data's fault may pass, and is worth another try."""
    state = getattr(error, "sqlstate", None) or ""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if state == "53100":
        return DatabaseFull(f"the database's disk is full: {text}")
    if isinstance(error, psycopg.DataError | psycopg.IntegrityError) or state[:2] in {"22", "23", "54"}:
        return RowRefused(text)
    if state == "42501":
        text = f"the role may not do this, which is set right by `wanghuo migrate`: {text}"
    return DatabaseAway(text)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Raise our errors in place of psycopg's."""
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        raise translate(error) from error


@asynccontextmanager
async def pool(url: str, *, name: str, size: int = 2) -> AsyncIterator[Pool]:
    """A pool of `size` connections, opened without waiting for the server; closed on leaving.

    While the server is away it is tried every `RECONNECT_SECONDS`, and whoever waits gets the first connection. The connections
    carry `application_name` = name and end a statement after `STATEMENT_TIMEOUT_SECONDS`. One that does not answer any more
    (cable cut, server frozen) is noticed by TCP within about 15 s.
    """
    parameters = {
        "application_name": name,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "options": f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c idle_in_transaction_session_timeout=60s -c TimeZone=UTC",
        "keepalives_idle": 5,
        "keepalives_interval": 3,
        "keepalives_count": 3,
        "tcp_user_timeout": 15_000,
    }
    connections: Pool = AsyncConnectionPool(
        url,
        kwargs=parameters,
        min_size=size,
        max_size=size,
        open=False,
        timeout=ACQUIRE_TIMEOUT_SECONDS,
        reconnect_timeout=0,
        reconnect_failed=_connect_again,
        check=AsyncConnectionPool.check_connection,
        name=name,
    )
    await connections.open()
    try:
        yield connections
    finally:
        await connections.close(timeout=2)


async def _connect_again(connections: AsyncConnectionPool[Any]) -> None:
    # Left alone, the pool would double its pauses or, having given up, try again only for the next who asks: those who wait
    # already would wait for their time-out, and an alarm with them.
    await asyncio.sleep(RECONNECT_SECONDS)
    with suppress(PoolTimeout, PoolClosed):
        await connections.putconn(await connections.getconn(timeout=RECONNECT_SECONDS))


async def refuse_other_version(connection: Connection) -> None:
    """Refuse to work on a database of another version.

    Raises:
        ConfigurationError: the database is not migrated, or to another step than this program knows.
    """
    wanted = latest()
    try:
        cursor = await connection.execute("SELECT max(name) FROM schema_migration")
        row = await cursor.fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    found = row[0] if row else None
    if found != wanted:
        raise ConfigurationError(f"the database is at {found or 'no version'}, this program needs {wanted}: run `wanghuo migrate`")
