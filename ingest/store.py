"""The database as a lane uses it: one connection held while it works, another taken after it failed, and patience without end."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from runtime.database import Connection, Pool, refuse_other_version, translated
from runtime.errors import DatabaseAway, DatabaseFull, RowRefused, Unavailable

BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MAXIMUM_SECONDS = 1.0
TRANSACTION_TIMEOUT_SECONDS = 60.0
"""Above the database's own limit for a statement: only a server that is frozen, or a cable that is cut, runs into this one."""
ROLLBACK_TIMEOUT_SECONDS = 2.0

MISTAKES = (RowRefused, ValueError, TypeError, LookupError, ArithmeticError)
"""What one row can cause, in the database or in our own code. Trying the same again cannot help; leaving it out can."""

log = logging.getLogger(__name__)

T = TypeVar("T")


class Store:
    """One user of the pool. Not for several tasks at once.

    Attributes:
        problem: why nothing can be stored now, one sentence; None when the last transaction was committed.
        committed_at: when that was, on the monotonic clock.
    """

    def __init__(self, pool: Pool) -> None:
        self.problem: str | None = "the database was not reached yet"
        self.committed_at = time.monotonic()
        self._pool = pool
        self._connection: Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """One transaction, committed on leaving; rolled back on any error and on cancellation.

        Raises:
            Unavailable: the database is away, slow or full. Whether it was committed is unknown; the same again is harmless.
            RowRefused: the database refuses a row; nothing was stored.
            ConfigurationError: the database is of another version.
        """
        try:
            async with translated(), asyncio.timeout(TRANSACTION_TIMEOUT_SECONDS):
                connection = self._connection or await self._connect()
                try:
                    yield connection
                    await connection.commit()
                except BaseException:
                    await self._give_up(connection)
                    raise
        except TimeoutError:
            raise DatabaseAway(f"the database did not answer within {TRANSACTION_TIMEOUT_SECONDS:g} s") from None
        self.problem = None
        self.committed_at = time.monotonic()

    async def patiently(self, work: Callable[[], Awaitable[T]], *, what: str) -> T:
        """Do `work` until the database has taken it, however long that lasts, with growing pauses; says what it waits for."""
        pause = BACKOFF_FIRST_SECONDS
        while True:
            try:
                return await work()
            except Unavailable as error:
                level = logging.ERROR if isinstance(error, DatabaseFull) else logging.WARNING
                log.log(level, "%s waits, nothing is lost or acknowledged: %s", what, error)
                self.problem = str(error)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311
            pause = min(2 * pause, BACKOFF_MAXIMUM_SECONDS)

    async def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._pool.putconn(connection)

    async def _connect(self) -> Connection:
        connection = await self._pool.getconn()
        try:
            await refuse_other_version(connection)
        except BaseException:
            await self._pool.putconn(connection)
            raise
        self._connection = connection
        return connection

    async def _give_up(self, connection: Connection) -> None:
        """Roll back; a connection that cannot even do that is replaced by the pool."""
        with contextlib.suppress(Exception):
            async with asyncio.timeout(ROLLBACK_TIMEOUT_SECONDS):
                await connection.rollback()
            return
        self._connection = None
        await connection.close()
        await self._pool.putconn(connection)
