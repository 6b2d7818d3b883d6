"""A batch of the signal lane becomes rows, in two round trips: what is known of its numbers, if it has any, and what follows.

Where the database refuses something, the batch is halved until the bad object is found. That goes to quarantine with the centre's
statement that it could not be read; the rest is stored. No object may stand before an alarm for ever.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from ingest import metrics
from ingest.facts import CENTRE
from ingest.gaps import GapState
from ingest.records import Beside
from ingest.signal_batch import Item, SignalBatch, poisoned
from ingest.signal_known import lock_sequences, read_known
from ingest.signal_plan import Known, Plan, plan
from ingest.signal_rows import put_facts, put_gaps, put_heads
from ingest.store import MISTAKES, Store
from runtime.failpoints import passing
from signals.kinds import Kind
from signals.messages import Reason
from signals.origin import window_of
from signals.topics import Lane

PART_BYTES = 2 * 1024 * 1024
"""Bytes of objects above which a transaction ends: on their way they are held several times over."""

log = logging.getLogger(__name__)


class SignalWriter:
    """Writes batches one after the other."""

    def __init__(self, store: Store, *, now: Callable[[], datetime], lane: str = Lane.SIGNAL) -> None:
        self._store = store
        self._now = now
        self._lane = lane

    async def write(self, batch: SignalBatch) -> None:
        """Store a batch; when it returns, everything of it is committed.

        Raises:
            Unavailable: the database is away, slow or full; parts may be stored already, and the same again is harmless.
        """
        *others, last = _parts(batch.items)
        for part in others:
            await self._write(part, beside=Beside())
        await self._write(last, beside=batch.beside)

    async def _write(self, items: Sequence[Item], *, beside: Beside) -> None:
        try:
            await self._transaction(items, beside=beside)
        except MISTAKES as error:
            metrics.REFUSED.inc()
            await self._isolate(items, beside=beside, error=error)

    async def _transaction(self, items: Sequence[Item], *, beside: Beside) -> None:
        at = self._now()
        old: set[tuple[object, ...]] = set()
        numbered = any(item.counted is not None or item.gone is not None for item in items)
        held = Beside(held=[item.held for item in items if item.held is not None])
        async with self._store.transaction() as connection:
            written = plan(items, await read_known(connection, items) if numbered else Known(), at=at)
            async with connection.pipeline():
                if items and not numbered:  # else it is held already
                    await lock_sequences(connection)
                storing = await put_facts(connection, written.facts) if written.facts else None
                await put_heads(connection, written.heads)
                await put_gaps(connection, written.gaps)
                await held.put(connection, lane=self._lane)
                await beside.put(connection, lane=self._lane)
            old = {*await storing.fetchall()} if storing is not None else set()
            if items:
                passing("ingest.before_commit")
        if items:
            passing("ingest.after_commit")
        _count(items, written, old=old, began_at=at, at=self._now())

    async def _isolate(self, items: Sequence[Item], *, beside: Beside, error: Exception) -> None:
        """Something of this transaction is refused: find it, quarantine it, and store the rest."""
        if len(items) > 1:
            middle = len(items) // 2
            await self._write(items[:middle], beside=Beside())
            await self._write(items[middle:], beside=beside)
        elif items and beside:
            await self._write(items, beside=Beside())
            await self._write([], beside=beside)
        elif items:
            await self._give_up(items[0], error=error)
        else:
            for part in beside.apart():
                try:
                    await self._transaction([], beside=part)
                except MISTAKES:
                    metrics.REFUSED.inc()
                    log.exception("%r is refused; it is left out", part)

    async def _give_up(self, item: Item, *, error: Exception) -> None:
        if item.held is not None and item.held.rejected.reason is Reason.DATABASE:
            log.critical("an object on %s cannot even be quarantined; it is left out: %s", item.provenance.topic, error)
            return
        log.error("an object on %s is refused, it goes to quarantine: %s", item.provenance.topic, error)
        metrics.QUARANTINED.labels(Reason.DATABASE).inc()
        await self._write([poisoned(item, why=str(error))], beside=Beside())


def _parts(items: Sequence[Item]) -> list[list[Item]]:
    """The items in parts of at most `PART_BYTES`, in order; at least one part.

    What came in another window begins another part: whether a fact without a counter was stored in the window before is looked for
    in the database, where it must have arrived.
    """
    parts: list[list[Item]] = [[]]
    size, window = 0, 0
    for item in items:
        came_in = window_of(item.provenance.received_at)
        if size > PART_BYTES or (parts[-1] and came_in != window):
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += len(item.raw)
        window = came_in
    return parts


def _count(items: Sequence[Item], written: Plan, *, old: Collection[tuple[object, ...]], began_at: datetime, at: datetime) -> None:
    said = Counter([fact.fact_class for item in items for fact in item.facts if fact.fact_class != CENTRE])
    new = [fact for fact in written.facts if fact.fact_class != CENTRE and (fact.transmitter_id, fact.key) not in old]
    stored = Counter([fact.fact_class for fact in new])
    for fact_class, count in said.items():
        metrics.STORED.labels(fact_class).inc(stored[fact_class])
        metrics.DUPLICATES.labels(fact_class).inc(count - stored[fact_class])
    metrics.KEY_CONFLICTS.inc(sum(fact.kind is Kind.KEY_CONFLICT for fact in written.facts))
    for counter, gap in written.gaps:
        if gap.state is GapState.OPEN and gap.found_at == began_at:
            metrics.MISSING.labels(counter.message_class).inc(len(gap))
        elif gap.closed_at == began_at:
            metrics.GAPS_CLOSED.labels(gap.state).inc(len(gap))
    if items:
        metrics.BATCH.observe(len(items))
    metrics.RECEIVED_TO_STORED.between([fact.received_at.timestamp() for fact in new], at.timestamp())
    metrics.DEVICE_TO_STORED.between([fact.occurred_at.timestamp() for fact in new if fact.occurred_at], at.timestamp())
