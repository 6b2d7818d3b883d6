"""The topic of alarms: what conclusions left in `alarm_publication` is published at QoS 1, and deleted once the broker has it.

At least once: a receiver tells a repetition by `event_id`. The events of one alarm come in their order; a publication that was not
acknowledged in time, and reached the broker all the same, may come again after a later one.
"""

import asyncio
import json
import logging
from typing import Any, Protocol, cast

from alerts import metrics
from alerts.patience import patiently
from runtime.database import Connection, Pool, translated
from runtime.failpoints import passing
from signals.topics import UNASSIGNED, alarm_out
from sql import queries

AT_ONCE = 500
POLL_SECONDS = 0.25

log = logging.getLogger(__name__)
_SQL = queries.load("alerts")


class Publisher(Protocol):
    """What is needed of the MQTT session."""

    connected: bool

    async def publish(self, topic: str, payload: bytes, *, expiry_seconds: int | None = None) -> None:
        """Publish at QoS 1 and wait for the broker's acknowledgement."""


class Publications:
    """Publishes for ever."""

    def __init__(self, connections: Pool, *, session: Publisher) -> None:
        self.wake = asyncio.Event()
        """Set it when something was concluded; without, the hand-over is looked at every `POLL_SECONDS`."""
        self._connections = connections
        self._session = session

    async def run(self) -> None:
        """Publish for ever. Broker or database away: tries again."""
        await patiently(self._run, what="the topic of alarms")

    async def _run(self) -> None:
        async with translated(), self._connections.connection() as connection:
            while True:
                self.wake.clear()
                if not self._session.connected or await self.turn(connection) == 0:
                    await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def turn(self, connection: Connection) -> int:
        """Publish the next batch; returns how much of it the broker took.

        Raises:
            BrokerAway: it took nothing of it.
            BrokerRefused: it allows nothing of it.
        """
        async with translated(), connection.transaction():
            cursor = await connection.execute(_SQL["next_publications"], {"most": AT_ONCE})
            rows = cast("list[tuple[Any, ...]]", await cursor.fetchall())
        metrics.UNPUBLISHED.set(len(rows))
        if not rows:
            return 0
        results = await asyncio.gather(*(self._publish(row) for row in rows), return_exceptions=True)
        taken = [row[0] for row, result in zip(rows, results, strict=True) if result is None]
        failures = [result for result in results if result is not None]
        passing("alerts.published")
        if taken:
            async with translated(), connection.transaction():
                await connection.execute(_SQL["delete_publications"], {"publication_ids": taken})
            metrics.PUBLISHED.inc(len(taken))
        if failures:
            raise failures[0]
        return len(taken)

    async def _publish(self, row: tuple[Any, ...]) -> None:
        _, event_id, village_id, content = row
        payload = json.dumps({"event_id": str(event_id), **content}, ensure_ascii=False).encode()
        await self._session.publish(alarm_out(village_id or UNASSIGNED), payload)
