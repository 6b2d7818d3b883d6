"""Commands at work: requests are taken up, what is due by MQTT is sent, what has had its time is given up."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from alerts import metrics
from alerts.conclusions import Roster, conclude
from alerts.downward.outcomes import expire
from alerts.downward.requests import ask_for_clocks, take_up
from alerts.patience import patiently
from alerts.publications import Publisher
from runtime.database import Connection, Pool, translated
from runtime.failpoints import passing
from signals.commands import Name
from signals.topics import command
from sql import queries

AT_ONCE = 200
POLL_SECONDS = 0.5
HEARD_WITHIN = timedelta(seconds=10)
"""The clock is set only right after an upward message (MQTT profile v1); presence lags by up to 10 s."""
CLOCK_VALID = timedelta(seconds=10)
"""So long a time that was told is true (MQTT profile v1)."""

log = logging.getLogger(__name__)
_SQL = queries.load("alerts_downward")


class _Due(NamedTuple):
    """A row of `due_commands`."""

    command_id: UUID
    transmitter_id: str
    name: str
    content: Mapping[str, Any]
    issued_at: datetime
    expires_at: datetime


class Dispatch:
    """Sends commands for ever, each at least once: the transmitter tells a repetition by its id.

    Args:
        connections: one of them is used, a turn at a time.
        session: to the broker.
        roster: whom to notify of a duty check that nobody answered.
        clocks_every: how often clocks are set by GB/T 26875.3; None: only when an operator asks.
        now: the clock.
        concluded: called after a commit that concluded something.
    """

    def __init__(
        self,
        connections: Pool,
        *,
        session: Publisher,
        roster: Roster,
        clocks_every: timedelta | None = None,
        now: Callable[[], datetime],
        concluded: Callable[[], None] = lambda: None,
    ) -> None:
        self._connections = connections
        self._session = session
        self._roster = roster
        self._clocks_every = clocks_every
        self._now = now
        self._concluded = concluded

    async def run(self) -> None:
        """Send for ever. Broker or database away: tries again."""
        await patiently(self._run, what="commands")

    async def _run(self) -> None:
        while True:
            async with translated(), self._connections.connection() as connection:
                await self.turn(connection)
            await asyncio.sleep(POLL_SECONDS)

    async def turn(self, connection: Connection) -> int:
        """Take up, expire and send; returns how many were sent.

        Raises:
            BrokerAway: one of them was not acknowledged; those that were are marked.
        """
        due = await self._look(connection)
        if not due or not self._session.connected:
            return 0
        at = self._now()
        results = await asyncio.gather(*(self._send(row, at=at) for row in due), return_exceptions=True)
        sent = [row.command_id for row, result in zip(due, results, strict=True) if result is None]
        passing("alerts.commanded")
        async with translated(), connection.transaction():
            await connection.execute(_SQL["mark_commands_sent"], {"command_ids": sent, "at": at})
        metrics.COMMANDED.inc(len(sent))
        for failure in results:
            if failure is not None:
                raise failure
        return len(sent)

    async def _look(self, connection: Connection) -> list[_Due]:
        at = self._now()
        async with translated(), connection.transaction():
            await take_up(connection, at=at)
            if self._clocks_every is not None:
                await ask_for_clocks(connection, at=at, every=self._clocks_every)
            unanswered = await expire(connection, at=at)
            await conclude(connection, unanswered, roster=self._roster, at=at)
        if unanswered:
            self._concluded()
        async with translated(), connection.transaction():
            cursor = await connection.execute(_SQL["due_commands"], {"at": at, "heard_since": at - HEARD_WITHIN, "most": AT_ONCE})
            return [_Due(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]

    async def _send(self, due: _Due, *, at: datetime) -> None:
        clock = due.name == Name.SET_CLOCK
        expires_at = min(due.expires_at, at + CLOCK_VALID) if clock else due.expires_at
        told = {
            **due.content,
            **({"now": at.isoformat()} if clock else {}),
            "id": str(due.command_id),
            "name": due.name,
            "issued_at": due.issued_at.isoformat(),
            "expires_at": expires_at.isoformat(),
        }
        expiry = max(1, int((expires_at - at).total_seconds()))
        await self._session.publish(command(due.transmitter_id), json.dumps(told).encode(), expiry_seconds=expiry)
