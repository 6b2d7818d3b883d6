"""How a command on the shell reaches the database: as one who only reads, or as the console, which gives orders."""

import asyncio
import getpass
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.rows import dict_row

from alerts.facts import Actor
from alerts.settings import ConsoleSettings, ReaderSettings
from runtime.database import CONNECT_TIMEOUT_SECONDS, refuse_other_version, translated
from runtime.errors import Refused
from runtime.settings import load

POLL_SECONDS = 0.05
OPERATOR = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Row = dict[str, Any]
Connection = psycopg.AsyncConnection[Row]
_T = TypeVar("_T")


def read(work: Callable[[Connection], Awaitable[_T]]) -> _T:
    """Do `work` as one who only reads."""
    return _with(load(ReaderSettings).reader_database_url, work)


def order(work: Callable[[Connection], Awaitable[_T]]) -> _T:
    """Do `work` as the console."""
    return _with(load(ConsoleSettings).console_database_url, work)


async def rows(connection: Connection, statement: str, **parameters: Any) -> list[Row]:
    """What a statement finds."""
    cursor = await connection.execute(statement, parameters)
    return await cursor.fetchall()


def operator_name(name: str | None) -> str:
    """Who gives an order: `name`, else who is logged in.

    Raises:
        Refused: it cannot be an operator's name.
    """
    chosen = name or getpass.getuser()
    if not OPERATOR.fullmatch(chosen) or chosen in frozenset(Actor):
        raise Refused(f"{chosen!r} cannot be an operator: 1…64 of A-Z a-z 0-9 _ . -, and none of {', '.join(Actor)}")
    return chosen


def _with(url: str, work: Callable[[Connection], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        async with _session(url) as connection:
            return await work(connection)

    return asyncio.run(run())


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[Connection]:
    connecting = psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name="wanghuo on the shell", connect_timeout=CONNECT_TIMEOUT_SECONDS
    )
    async with translated(), await connecting as connection:
        await refuse_other_version(connection)
        connection.row_factory = dict_row  # type: ignore[assignment]
        yield connection  # type: ignore[misc]
