"""What `wanghuo alarms …` does: read as one who only reads, give orders as the console, wait for what becomes of them."""

import asyncio
import getpass
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import psycopg
from psycopg.rows import dict_row

from alerts import views
from alerts.facts import Actor, Ineffective
from alerts.machine import CAUSE_MISSING, Disposition
from alerts.settings import ConsoleSettings, ReaderSettings
from runtime.database import CONNECT_TIMEOUT_SECONDS, refuse_other_version, translated
from runtime.errors import Refused, Unavailable
from runtime.settings import load
from sql import queries

POLL_SECONDS = 0.05
OPERATOR = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_SQL = queries.load("alerts")
_Row = dict[str, Any]
_Connection = psycopg.AsyncConnection[_Row]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an operator asks for."""

    alarm_id: int
    action: str
    disposition: str | None = None
    cause: str | None = None


def list_alarms(*, village: str | None, everything: bool, most: int, json: bool) -> None:
    """Print alarms."""
    statement = _SQL["list_newest_alarms" if everything else "list_open_alarms"]
    found = _read(lambda connection: _rows(connection, statement, village_id=village, most=most))
    if json:
        views.as_json(found)
    else:
        views.board(found, everything=everything)


def show(alarm_id: int, *, json: bool) -> None:
    """Print one alarm with its journal and notifications."""

    async def read(connection: _Connection) -> tuple[list[_Row], list[_Row], list[_Row]]:
        return (
            await _rows(connection, _SQL["show_alarm"], alarm_id=alarm_id),
            await _rows(connection, _SQL["alarm_journal"], alarm_id=alarm_id),
            await _rows(connection, _SQL["alarm_notifications"], alarm_id=alarm_id),
        )

    alarms, journal, notifications = _read(read)
    if not alarms:
        raise _unknown(alarm_id)
    if json:
        views.as_json({**alarms[0], "journal": journal, "notifications": notifications, "lawful": views.lawful(alarms[0])})
    else:
        views.card(alarms[0], journal=journal, notifications=notifications)


def give(request: Request, *, operator: str | None, timeout_seconds: float, json: bool) -> None:
    """Ask for an action and print what became of it.

    Raises:
        Refused: it is not lawful now, or names nobody or nothing known.
        Unavailable: nobody applied it in time.
    """
    name = operator or getpass.getuser()
    if not OPERATOR.fullmatch(name) or name in frozenset(Actor):
        raise Refused(f"{name!r} cannot be an operator: 1…64 of A-Z a-z 0-9 _ . -, and none of {', '.join(Actor)}")
    if request.disposition == Disposition.FALSE_ALARM and not (request.cause or "").strip():
        raise Refused(CAUSE_MISSING)

    async def ask(connection: _Connection) -> tuple[str, str | None]:
        return await _ask(connection, request, operator=name, timeout_seconds=timeout_seconds)

    effect, reason = _with(load(ConsoleSettings).console_database_url, ask)
    if effect == Ineffective.REFUSED:
        raise Refused(f"alarm {request.alarm_id}: {request.action} is refused: {reason}")
    if json:
        views.as_json({**asdict(request), "operator": name, "effect": effect})
    else:
        views.say(f"alarm {request.alarm_id} is {effect} by {name}")


async def _ask(connection: _Connection, request: Request, *, operator: str, timeout_seconds: float) -> tuple[str, str | None]:
    request_id = uuid4()
    try:
        await connection.execute(_SQL["request_action"], {**asdict(request), "request_id": request_id, "operator_id": operator})
    except psycopg.errors.ForeignKeyViolation:
        raise _unknown(request.alarm_id) from None
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _outcome(connection, request_id)
    except TimeoutError:
        raise Unavailable(
            f"nobody applied the request within {timeout_seconds:g} s: the alerts service does not run, or has no database."
            " The request stands, and is applied when it runs again"
        ) from None


async def _outcome(connection: _Connection, request_id: UUID) -> tuple[str, str | None]:
    while True:
        found = await _rows(connection, _SQL["request_outcome"], request_id=request_id)
        if found:
            effect, reason = found[0].values()
            return str(effect), reason
        await asyncio.sleep(POLL_SECONDS)


def _unknown(alarm_id: int) -> Refused:
    return Refused(f"there is no alarm {alarm_id}")


def _read(work: Callable[[_Connection], Awaitable[_T]]) -> _T:
    return _with(load(ReaderSettings).reader_database_url, work)


def _with(url: str, work: Callable[[_Connection], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        async with _session(url) as connection:
            return await work(connection)

    return asyncio.run(run())


@asynccontextmanager
async def _session(url: str) -> AsyncIterator[_Connection]:
    connecting = psycopg.AsyncConnection.connect(
        url, autocommit=True, application_name="wanghuo alarms", connect_timeout=CONNECT_TIMEOUT_SECONDS
    )
    async with translated(), await connecting as connection:
        await refuse_other_version(connection)
        connection.row_factory = dict_row  # type: ignore[assignment]
        yield connection  # type: ignore[misc]


async def _rows(connection: _Connection, statement: str, **parameters: Any) -> list[_Row]:
    cursor = await connection.execute(statement, parameters)
    return await cursor.fetchall()
