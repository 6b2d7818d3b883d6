"""From the hand-over to alarms: claim, conclude, delete, all in one transaction; again and again, whatever happens."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from alerts import inbox, metrics
from alerts.conclusions import Conclusion, Roster, conclude
from alerts.downward.outcomes import conclude_replies
from alerts.facts import Actor, Ineffective, Observation
from alerts.inbox import Claimed
from alerts.machine import Outcome
from alerts.patience import patiently
from runtime.database import Connection, Pool, translated
from runtime.errors import DatabaseFull, Unavailable
from runtime.failpoints import passing
from signals.kinds import Kind

BATCH_ROWS = 200
"""Rows concluded in one transaction: a fire that comes while others are written waits for no more of them than this."""
POLL_SECONDS = 0.25
STRIKES = 3
"""Failures in a row, on a connection that stands, after which not the database is blamed but what it was given."""

log = logging.getLogger(__name__)


class Worker:
    """Concludes what is handed over. `run` never ends by itself.

    Args:
        connections: one of them is held while the worker runs.
        roster: whom to notify.
        now: the clock.
        concluded: called after every commit that concluded something.
    """

    def __init__(
        self, connections: Pool, *, roster: Roster, now: Callable[[], datetime], concluded: Callable[[], None] = lambda: None
    ) -> None:
        self.wake = asyncio.Event()
        """Set it when there may be something in the hand-over; without, it is looked at every `POLL_SECONDS`."""
        self.committed_at = now()
        self.problem: str | None = "the database has not answered yet"
        self._connections = connections
        self._roster = roster
        self._now = now
        self._concluded = concluded
        self._claimed: list[Claimed] = []
        self._set_aside: set[int] = set()
        self._strikes = 0

    async def run(self) -> None:
        """Conclude for ever. The database away: tries again."""
        await patiently(self._run, what="the worker", failed=self._failed)

    def _failed(self, problem: str) -> None:
        self.problem = problem

    async def _run(self) -> None:
        async with translated(), self._connections.connection() as connection:
            while True:
                self.wake.clear()
                if await self.turn(connection) == 0:
                    await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await self.wake.wait()
        except TimeoutError:
            pass

    async def turn(self, connection: Connection) -> int:
        """Conclude the next batch; returns its rows.

        A row that cannot be concluded is found by taking the batch's rows one by one, and becomes an `unreadable` alarm.

        Raises:
            Unavailable: the database is away or full; nothing was concluded.
        """
        self._strikes = 0
        while True:
            try:
                count = await self._attempt(connection, most=BATCH_ROWS)
            except Exception as error:  # noqa: BLE001 - whatever it is, the other signals go on
                if self._blames_rows(error, connection):
                    count = await self._one_by_one(connection, count=len(self._claimed))
                    break
            else:
                break
        self.committed_at, self.problem = self._now(), None
        return count

    async def _one_by_one(self, connection: Connection, *, count: int) -> int:
        log.error("a batch of %d signals cannot be concluded; they are taken one by one", count)
        for _ in range(count):
            self._strikes = 0
            while True:
                try:
                    await self._attempt(connection, most=1)
                except Exception as error:  # noqa: BLE001
                    if self._blames_rows(error, connection):
                        await self._isolate(connection, self._claimed[0], error=error)
                        break
                else:
                    break
        return count

    def _blames_rows(self, error: Exception, connection: Connection) -> bool:
        """Whether the rows claimed are at fault; False: try them again. Raises the error where there is nothing to do but wait."""
        if not self._claimed:
            raise error
        if not isinstance(error, Unavailable):
            return True
        if connection.closed or isinstance(error, DatabaseFull):
            raise error
        self._strikes += 1
        return self._strikes >= STRIKES

    async def _attempt(self, connection: Connection, *, most: int) -> int:
        self._claimed = []
        began = self._now()
        async with translated(), connection.transaction():
            claimed = self._claimed = await inbox.claim(connection, most=most, set_aside=self._set_aside)
            if not claimed:
                return 0
            facts = [*await inbox.facts_of(connection, claimed), *await conclude_replies(connection, claimed)]
            found = await conclude(connection, facts, roster=self._roster, at=began)
            await inbox.delete(connection, [row.inbox_id for row in claimed])
            passing("alerts.before_commit")
        passing("alerts.after_commit")
        _count(claimed, found, took_seconds=(self._now() - began).total_seconds())
        self._concluded()
        return len(claimed)

    async def _isolate(self, connection: Connection, row: Claimed, *, error: Exception) -> None:
        """Let the row become an alarm that says so; where even that fails, leave it for the next start."""
        log.error("signal %s of %s cannot be concluded", row.origin_key.hex(), row.transmitter_id, exc_info=error)
        at = self._now()
        try:
            async with translated(), connection.transaction():
                await conclude(connection, [_unreadable(row, error=error, at=at)], roster=self._roster, at=at)
                await inbox.delete(connection, [row.inbox_id])
            metrics.POISON.inc()
        except Exception as failure:
            if connection.closed or isinstance(failure, DatabaseFull):
                raise
            log.exception("signal %s of %s is set aside until the next start", row.origin_key.hex(), row.transmitter_id)
            self._set_aside.add(row.inbox_id)
            metrics.STUCK.set(len(self._set_aside))


def _unreadable(row: Claimed, *, error: Exception, at: datetime) -> Observation:
    return Observation(
        transmitter_id=row.transmitter_id,
        point="",
        kind=Kind.UNREADABLE,
        active=True,
        occurred_at=row.received_at or at,
        received_at=row.received_at or at,
        reason=f"a stored {row.kind or row.signal_class or 'signal'} could not be concluded: {type(error).__name__}",
        detail={"reason": "conclusion", "detail": repr(str(error))[:500], "inbox_id": row.inbox_id},
        origin_key=row.origin_key,
        actor=Actor.CENTRE,
    )


def _count(claimed: Sequence[Claimed], found: Sequence[Conclusion], *, took_seconds: float) -> None:
    # Stored and claimed are both told by the database's clock, so that ours need not agree with it.
    waited = {row.origin_key: (row.claimed_at - row.stored_at).total_seconds() for row in claimed}
    for conclusion in found:
        match conclusion.outcome:
            case Outcome.RAISED:
                metrics.RAISED.labels(conclusion.key.kind).inc()
            case Outcome.RE_ALARMED:
                metrics.RE_ALARMED.labels(conclusion.key.kind).inc()
            case Ineffective.OLDER:
                metrics.OLDER.inc()
                continue
            case _:
                continue
        if conclusion.origin_key is not None:
            metrics.CONCLUDED.observe(max(0.0, waited[conclusion.origin_key]) + took_seconds)
