"""Operators' requests are applied: acknowledge, verify, close. One is done when the journal holds its id, refused ones too."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from alerts import metrics
from alerts.desk import Desk
from alerts.facts import Ineffective, Order
from alerts.machine import Disposition, EventName
from alerts.patience import patiently
from alerts.rows import key_of
from alerts.store import Roster, Scope, load, lock, record
from runtime.database import Connection, Pool, translated
from runtime.errors import Unavailable
from sql import queries

POLL_SECONDS = 0.25
LAPSE = timedelta(days=7)
"""A request that nobody could apply for so long speaks of a situation long past; it is left unapplied."""
AT_ONCE = 100

log = logging.getLogger(__name__)
_SQL = queries.load("alerts")


class _Pending(NamedTuple):
    """A row of `pending_orders`."""

    request_id: UUID
    alarm_id: int
    operator_id: str
    action: str
    disposition: str | None
    cause: str | None
    requested_at: datetime
    transmitter_id: str
    point: str
    kind: str
    raw_kind: str
    re_alarmed_at: datetime | None


class Orders:
    """Applies requests. `concluded` is called after every commit."""

    def __init__(
        self, connections: Pool, *, roster: Roster, now: Callable[[], datetime], concluded: Callable[[], None] = lambda: None
    ) -> None:
        self._connections = connections
        self._roster = roster
        self._now = now
        self._concluded = concluded
        self._set_aside: set[UUID] = set()

    async def run(self) -> None:
        """Apply for ever. The database away: tries again."""
        await patiently(self._run, what="operators' requests")

    async def _run(self) -> None:
        async with translated(), self._connections.connection() as connection:
            while True:
                if await self.turn(connection) < AT_ONCE:
                    await asyncio.sleep(POLL_SECONDS)

    async def turn(self, connection: Connection) -> int:
        """Apply what is pending, each request in a transaction of its own; returns how many there were."""
        async with translated(), connection.transaction():
            waiting = await self._pending(connection)
        for pending in waiting:
            try:
                await self._apply(connection, pending)
            except Unavailable:
                raise
            except Exception:
                log.exception("request %s cannot be applied and is left until the next start", pending.request_id)
                self._set_aside.add(pending.request_id)
        return len(waiting)

    async def _pending(self, connection: Connection) -> list[_Pending]:
        parameters = {"since": self._now() - LAPSE, "set_aside": list(self._set_aside), "most": AT_ONCE}
        cursor = await connection.execute(_SQL["pending_orders"], parameters)
        return [_Pending(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]

    async def _apply(self, connection: Connection, pending: _Pending) -> None:
        key = key_of(pending[7:11])
        scope, at = Scope(keys=frozenset({key}), alarm_ids=frozenset({pending.alarm_id})), self._now()
        async with translated(), connection.transaction():
            await lock(connection, scope)
            # Under the lock: another worker may have applied it, or the alarm may have re-alarmed meanwhile.
            found = [again for again in await self._pending(connection) if again.request_id == pending.request_id]
            if not found:
                return
            desk = Desk(await load(connection, scope), at=at)
            desk.obey(_order(found[0]))
            await record(connection, desk, roster=self._roster, at=at)
        refused = desk.changes[0].outcome is Ineffective.REFUSED
        (metrics.REFUSED if refused else metrics.OBEYED).inc()
        self._concluded()


def _order(pending: _Pending) -> Order:
    return Order(
        request_id=pending.request_id,
        alarm_id=pending.alarm_id,
        operator_id=pending.operator_id,
        action=EventName(pending.action),
        disposition=Disposition(pending.disposition) if pending.disposition else None,
        cause=pending.cause,
        requested_at=pending.requested_at,
        re_alarmed_at=pending.re_alarmed_at,
    )
