"""One connection for a task on the shell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from runtime.database import CONNECT_TIMEOUT_SECONDS, Connection, refuse_other_version, translated

STATEMENT_TIMEOUT_SECONDS = 120
LOCK_KEY = 0x7265670A
"""Advisory lock of those who change the register."""


@asynccontextmanager
async def session(url: str, *, name: str) -> AsyncIterator[Connection]:
    """A connection in autocommit, with psycopg's errors translated; closed on leaving.

    Raises:
        ConfigurationError: the database is of another version than this program.
        DatabaseAway: it cannot be reached.
    """
    options = f"-c statement_timeout={STATEMENT_TIMEOUT_SECONDS}s -c TimeZone=UTC"
    async with (
        translated(),
        await psycopg.AsyncConnection.connect(
            url, autocommit=True, application_name=name, connect_timeout=CONNECT_TIMEOUT_SECONDS, options=options
        ) as connection,
    ):
        await refuse_other_version(connection)
        yield connection
