"""Operators' requests become commands. What the transmitter's wire has no words for fails at once, with the reason."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg.types.json import Jsonb

from runtime.database import Connection
from signals.commands import gb26875_unit, refuse_unsayable_by_mqtt
from signals.gb26875 import content
from signals.gb26875.profiles import PROFILES, STANDARD
from sql import queries

AT_ONCE = 200
LAPSE = timedelta(days=7)
"""A request that nobody took up for so long has expired long ago; it is left alone."""
CLOCK_HEARD_WITHIN = timedelta(minutes=1)
CLOCK_EXPIRES = timedelta(minutes=2)
"""Longer than a command is repeated (6.5)."""
UNSAYABLE = (ValueError, KeyError, TypeError, OverflowError)

_SQL = queries.load("alerts_downward")


class _Pending(NamedTuple):
    """A row of `pending_requests`."""

    request_id: UUID
    transmitter_id: str
    name: str
    content: Mapping[str, Any]
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    profile: str | None


async def take_up(connection: Connection, *, at: datetime) -> int:
    """Make commands of what is asked for, in the caller's transaction; returns how many."""
    cursor = await connection.execute(_SQL["pending_requests"], {"since": at - LAPSE, "most": AT_ONCE})
    pending = [_Pending(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]
    for request in pending:
        await connection.execute(_SQL["insert_command"], _command(request, at=at))
    return len(pending)


async def ask_for_clocks(connection: Connection, *, at: datetime, every: timedelta) -> None:
    """Let those that speak GB/T 26875.3 set their clocks, as often as that and when they are heard."""
    parameters = {"at": at, "expires_at": at + CLOCK_EXPIRES, "heard_since": at - CLOCK_HEARD_WITHIN, "told_since": at - every}
    await connection.execute(_SQL["set_clocks"], parameters)


def _command(request: _Pending, *, at: datetime) -> Mapping[str, Any]:
    failure = _unsayable(request, at=at)
    state = "failed" if failure else "expired" if request.expires_at <= at else "due"
    return {
        "command_id": request.request_id,
        "transmitter_id": request.transmitter_id,
        "name": request.name,
        "content": Jsonb(request.content),
        "state": state,
        "requested_by": request.requested_by,
        "issued_at": request.requested_at,
        "expires_at": request.expires_at,
        "failure": failure,
    }


def _unsayable(request: _Pending, *, at: datetime) -> str | None:
    try:
        if request.profile is None:
            refuse_unsayable_by_mqtt(request.name, request.content)
        else:
            order = PROFILES.get(request.profile, STANDARD).order
            content.encode(gb26875_unit(request.name, request.content, at=at, order=order).adu)
    except UNSAYABLE as error:
        return f"refused: {error}"
    return None
