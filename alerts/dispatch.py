"""Commands to transmitters: those due are sent, those out of time expire. Answers come with the signals (`alerts.inbox`)."""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from alerts import metrics
from alerts.patience import patiently
from alerts.publications import Publisher
from runtime.database import Connection, Pool, translated
from runtime.failpoints import passing
from signals.topics import command
from sql import queries

AT_ONCE = 200
POLL_SECONDS = 0.5
HEARD_WITHIN = timedelta(seconds=10)
"""The clock is set only right after an upward message (MQTT profile v1); presence lags by up to 10 s."""

log = logging.getLogger(__name__)
_SQL = queries.load("alerts")


class _Due(NamedTuple):
    """A row of `due_commands`."""

    command_id: UUID
    transmitter_id: str
    name: str
    content: Mapping[str, Any]
    issued_at: datetime
    expires_at: datetime


class Dispatch:
    """Sends commands for ever, each at least once: the transmitter tells a repetition by its id."""

    def __init__(self, connections: Pool, *, session: Publisher, now: Callable[[], datetime]) -> None:
        self._connections = connections
        self._session = session
        self._now = now

    async def run(self) -> None:
        """Send for ever. Broker or database away: tries again."""
        await patiently(self._run, what="commands")

    async def _run(self) -> None:
        while True:
            async with translated(), self._connections.connection() as connection:
                await self.turn(connection)
            await asyncio.sleep(POLL_SECONDS)

    async def turn(self, connection: Connection) -> int:
        """Expire and send; returns how many were sent.

        Raises:
            BrokerAway: one of them was not acknowledged; those that were are marked.
        """
        at = self._now()
        async with translated(), connection.transaction():
            await connection.execute(_SQL["expire_commands"], {"at": at})
            parameters = {"at": at, "heard_since": at - HEARD_WITHIN, "most": AT_ONCE}
            cursor = await connection.execute(_SQL["due_commands"], parameters)
            due = [_Due(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]
        if not due or not self._session.connected:
            return 0
        results = await asyncio.gather(*(self._send(row) for row in due), return_exceptions=True)
        sent = [row.command_id for row, result in zip(due, results, strict=True) if result is None]
        passing("alerts.commanded")
        async with translated(), connection.transaction():
            await connection.execute(_SQL["mark_commands_sent"], {"command_ids": sent, "at": self._now()})
        metrics.COMMANDED.inc(len(sent))
        for failure in results:
            if failure is not None:
                raise failure
        return len(sent)

    async def _send(self, due: _Due) -> None:
        at = self._now()
        told = {
            **due.content,
            **({"now": at.isoformat()} if due.name == "set_clock" else {}),
            "id": str(due.command_id),
            "name": due.name,
            "issued_at": due.issued_at.isoformat(),
            "expires_at": due.expires_at.isoformat(),
        }
        expiry = max(1, int((due.expires_at - at).total_seconds()))
        await self._session.publish(command(due.transmitter_id), json.dumps(told).encode(), expiry_seconds=expiry)
