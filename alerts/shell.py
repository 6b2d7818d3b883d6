"""What `wanghuo alarms …` does: read as one who only reads, give orders as the console, wait for what becomes of them."""

import asyncio
from dataclasses import asdict, dataclass
from uuid import UUID, uuid4

import psycopg

from alerts import console, views
from alerts.console import POLL_SECONDS, Connection, Row
from alerts.facts import Ineffective
from alerts.machine import CAUSE_MISSING, Disposition
from alerts.printing import as_json, say
from runtime.errors import Refused, Unavailable
from sql import queries

_SQL = queries.load("alerts")


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
    found = console.read(lambda connection: console.rows(connection, statement, village_id=village, most=most))
    if json:
        as_json(found)
    else:
        views.board(found, everything=everything)


def show(alarm_id: int, *, json: bool) -> None:
    """Print one alarm with its journal and notifications."""

    async def read(connection: Connection) -> tuple[list[Row], list[Row], list[Row]]:
        return (
            await console.rows(connection, _SQL["show_alarm"], alarm_id=alarm_id),
            await console.rows(connection, _SQL["alarm_journal"], alarm_id=alarm_id),
            await console.rows(connection, _SQL["alarm_notifications"], alarm_id=alarm_id),
        )

    alarms, journal, notifications = console.read(read)
    if not alarms:
        raise _unknown(alarm_id)
    if json:
        as_json({**alarms[0], "journal": journal, "notifications": notifications, "lawful": views.lawful(alarms[0])})
    else:
        views.card(alarms[0], journal=journal, notifications=notifications)


def give(request: Request, *, operator: str | None, timeout_seconds: float, json: bool) -> None:
    """Ask for an action and print what became of it.

    Raises:
        Refused: it is not lawful now, or names nobody or nothing known.
        Unavailable: nobody applied it in time.
    """
    name = console.operator_name(operator)
    if request.disposition == Disposition.FALSE_ALARM and not (request.cause or "").strip():
        raise Refused(CAUSE_MISSING)

    async def ask(connection: Connection) -> tuple[str, str | None]:
        return await _ask(connection, request, operator=name, timeout_seconds=timeout_seconds)

    effect, reason = console.order(ask)
    if effect == Ineffective.REFUSED:
        raise Refused(f"alarm {request.alarm_id}: {request.action} is refused: {reason}")
    if json:
        as_json({**asdict(request), "operator": name, "effect": effect})
    else:
        say(f"alarm {request.alarm_id} is {effect} by {name}")


async def _ask(connection: Connection, request: Request, *, operator: str, timeout_seconds: float) -> tuple[str, str | None]:
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


async def _outcome(connection: Connection, request_id: UUID) -> tuple[str, str | None]:
    while True:
        found = await console.rows(connection, _SQL["request_outcome"], request_id=request_id)
        if found:
            effect, reason = found[0].values()
            return str(effect), reason
        await asyncio.sleep(POLL_SECONDS)


def _unknown(alarm_id: int) -> Refused:
    return Refused(f"there is no alarm {alarm_id}")
