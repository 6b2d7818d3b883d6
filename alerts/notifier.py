"""The notifier: what is owed to persons is claimed, sent with no transaction open, and marked. At least once, with a stable id."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from psycopg.types.json import Jsonb

from alerts import notifier_metrics as metrics
from alerts.channels import Message, spare_loopback
from alerts.delivery import Courier
from alerts.patience import patiently
from alerts.roster import RosterFile
from runtime.database import Connection, Pool, translated
from runtime.failpoints import passing
from sql import queries

POLL_SECONDS = 0.25
LEASE = timedelta(seconds=5)
"""After a crash, what was claimed is claimed again so soon: an attempt may take longer, and its lease is then renewed."""
RENEW_SECONDS = 1.5
GIVE_UP_AFTER = timedelta(hours=24)
"""Of what is no fire; a fire is tried until its alarm is closed."""
PAUSE_FIRST_SECONDS = 1.0
PAUSE_MOST_SECONDS = 60.0
AT_ONCE = 64
"""Notifications on their way at once,"""
AT_ONCE_TO_ONE = 8
"""of them to one recipient,"""
AT_ONCE_TO_FAILING = 1
"""and to one whose last notification no channel took, so that the others find room."""

log = logging.getLogger(__name__)
_SQL = queries.load("alerts_notify")


class Owed(NamedTuple):
    """A row of `claim_notifications`. `age_seconds`: when it was claimed, by the database's clock."""

    notification_id: UUID
    recipient: str
    title: str
    body: str
    attempts: int
    priority: int
    age_seconds: float


async def run_notifier(pool: Pool, *, roster: RosterFile, now: Callable[[], datetime], wake: asyncio.Event | None = None) -> None:
    """Send for ever. The database away: tries again.

    Args:
        pool: one of its connections is held while this runs.
        roster: ways to the recipients.
        now: the clock.
        wake: set it when something was concluded; without, the table is looked at every `POLL_SECONDS`.
    """
    spare_loopback()
    async with asyncio.TaskGroup() as tasks:
        await Notifier(pool, roster=roster, now=now, wake=wake or asyncio.Event(), tasks=tasks).run()


class Notifier:
    """Claims, and sends each notification in a task of `tasks`."""

    def __init__(
        self, pool: Pool, *, roster: RosterFile, now: Callable[[], datetime], wake: asyncio.Event, tasks: asyncio.TaskGroup
    ) -> None:
        self._pool = pool
        self._roster = roster
        self._now = now
        self._wake = wake
        self._tasks = tasks
        self._courier = Courier()
        self._on_their_way: Counter[str] = Counter()
        self._leased: set[UUID] = set()
        self._renewed_at = now()
        self._failing: set[str] = set()
        self._sent: list[dict[str, Any]] = []
        self._failed: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Send for ever."""
        await patiently(self._run, what="the notifier")

    async def _run(self) -> None:
        async with translated(), self._pool.connection() as connection:
            while True:
                self._wake.clear()
                await self._mark(connection)
                await self._renew(connection)
                for owed in await self._claim(connection):
                    self._on_their_way[owed.recipient] += 1
                    self._leased.add(owed.notification_id)
                    self._tasks.create_task(self._send(owed), name=f"notification {owed.notification_id}")
                await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _renew(self, connection: Connection) -> None:
        """Keep others from what is on its way."""
        at = self._now()
        if self._leased and (at - self._renewed_at).total_seconds() >= RENEW_SECONDS:
            parameters = {"notification_ids": list(self._leased), "until": at + LEASE}
            async with connection.transaction():
                await connection.execute(_SQL["renew_leases"], parameters)
            self._renewed_at = at

    async def _claim(self, connection: Connection) -> list[Owed]:
        at = self._now()
        ours = list(self._leased)
        async with connection.transaction():
            cursor = await connection.execute(_SQL["due_recipients"], {"at": at, "ours": ours})
            waiting = {str(recipient): int(str(count)) for recipient, count in await cursor.fetchall()}
            metrics.WAITING.set(sum(waiting.values()))
            rooms = self._rooms(list(waiting))
            if not rooms:
                return []
            parameters = {"at": at, "until": at + LEASE, "ours": ours, "recipients": list(rooms), "rooms": list(rooms.values())}
            cursor = await connection.execute(_SQL["claim_notifications"], parameters)
            claimed = [Owed(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]
        return sorted(claimed, key=lambda owed: owed.priority)

    def _rooms(self, recipients: list[str]) -> dict[str, int]:
        """How many more each may be sent now."""
        total, rooms = AT_ONCE - self._on_their_way.total(), {}
        for recipient in random.sample(recipients, len(recipients)):
            most = AT_ONCE_TO_FAILING if recipient in self._failing else AT_ONCE_TO_ONE
            room = min(total, most - self._on_their_way[recipient])
            if room > 0:
                rooms[recipient] = room
                total -= room
        return rooms

    async def _send(self, owed: Owed) -> None:
        began = self._now()
        message = Message(notification_id=str(owed.notification_id), title=owed.title, body=owed.body)
        outcome = await self._courier.deliver(message, self._roster.current().channels(owed.recipient))
        at = self._now()
        row = {"notification_id": message.notification_id, "error": outcome.error}
        if outcome.taken:
            passing("alerts.after_send")
            self._failing.discard(owed.recipient)
            self._sent.append({**row, "sent_at": at.isoformat()})
            metrics.SENT.inc()
            metrics.NOTIFIED.observe(max(0.0, owed.age_seconds) + (at - began).total_seconds())
        else:
            self._failing.add(owed.recipient)
            self._failed.append({**row, "due_at": (at + pause(owed.attempts)).isoformat()})
            metrics.FAILED.inc()
            log.warning("notification %s to %s, attempt %d: %s", owed.notification_id, owed.recipient, owed.attempts, outcome.error)
        self._on_their_way -= Counter([owed.recipient])
        self._wake.set()

    async def _mark(self, connection: Connection) -> None:
        """Write outcomes; those that the database does not take now are written when it is back, and nothing is claimed before."""
        if not self._sent and not self._failed:
            return
        sent, failed = tuple(self._sent), tuple(self._failed)
        async with connection.transaction():
            await connection.execute(_SQL["mark_sent"], {"rows": Jsonb(sent)})
            parameters = {"rows": Jsonb(failed), "older_than": self._now() - GIVE_UP_AFTER}
            cursor = await connection.execute(_SQL["mark_failed"], parameters)
            given_up = [state for (state,) in await cursor.fetchall() if state == "given_up"]
        del self._sent[: len(sent)], self._failed[: len(failed)]
        self._leased -= {UUID(row["notification_id"]) for row in (*sent, *failed)}
        metrics.GIVEN_UP.inc(len(given_up))


def pause(attempts: int) -> timedelta:
    """Before the next attempt, after so many: doubled from 1 s to 60 s, with jitter so that not all come at once."""
    longest = min(PAUSE_MOST_SECONDS, PAUSE_FIRST_SECONDS * 2 ** min(attempts - 1, 10))
    return timedelta(seconds=longest * random.uniform(0.5, 1))  # noqa: S311
