"""A telemetry batch becomes rows: optimistically, then carefully, and in the end one by one.

Readings are copied straight into the hypertable. Where one of them is stored already, the transaction is done again by way of a
staging table (half as fast); where the database refuses one, the batch is halved until the bad row is found and quarantined.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from ingest import metrics
from ingest.copying import HEADER, TRAILER, digest_of
from ingest.quarantine import hold, provenance_of
from ingest.records import SQL, Beside
from ingest.store import MISTAKES, Store
from ingest.telemetry_batch import Readings, TelemetryBatch
from runtime.database import Connection
from runtime.failpoints import passing
from signals.messages import Reason, Rejected
from signals.payloads import plain
from signals.topics import Lane, MessageClass

CAREFUL_BATCHES = 16
"""After a duplicate was met, so many batches go by way of the staging table at once: duplicates come in series."""

_OBJECTS = metrics.OBJECTS.labels(MessageClass.TELEMETRY)
_STORED = metrics.STORED.labels(MessageClass.TELEMETRY)
_DUPLICATES = metrics.DUPLICATES.labels(MessageClass.TELEMETRY)

log = logging.getLogger(__name__)


class TelemetryWriter:
    """Writes batches one after the other."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._careful = 0

    async def write(self, batch: TelemetryBatch) -> None:
        """Store a batch; when it returns, everything of it is committed.

        Raises:
            Unavailable: the database is away, slow or full; parts may be stored already, and the same again is harmless.
        """
        *others, last = batch.readings.by_chunks()
        for part in others:
            await self._write_part(part, beside=Beside(), careful=batch.redelivered > 0)
        await self._write_part(last, beside=batch.beside, careful=batch.redelivered > 0)

    async def _write_part(self, readings: Readings, *, beside: Beside, careful: bool) -> None:
        self._careful -= 1
        try:
            await self._transaction(readings, beside=beside, careful=careful or self._careful >= 0)
        except MISTAKES as error:
            if isinstance(error.__cause__, psycopg.errors.UniqueViolation) and self._careful < 0:
                self._careful = CAREFUL_BATCHES
                await self._write_part(readings, beside=beside, careful=True)
            else:
                await self._isolate(readings, beside=beside, error=error)

    async def _transaction(self, readings: Readings, *, beside: Beside, careful: bool) -> None:
        async with self._store.transaction() as connection:
            packer = readings.packer
            if careful and readings:
                packer = packer.only(await self._copy_carefully(connection, readings))
            elif readings:
                await _copy(connection, "copy_telemetry", rows=readings.rows)
            async with connection.pipeline():
                if len(packer):
                    handed = {"received_at": self._now(), "readings": len(packer), "packed": packer.packed()}
                    await connection.execute(SQL["hand_over_telemetry"], handed)
                await beside.put(connection, lane=Lane.TELEMETRY)
            if readings:
                passing("ingest.before_commit")
        if readings:
            passing("ingest.after_commit")
        _count(readings, stored=len(packer), at=self._now())

    async def _copy_carefully(self, connection: Connection, readings: Readings) -> list[bool]:
        """Store what is not stored yet; tells for each reading whether it was new."""
        await connection.execute(SQL["make_staging"])
        await _copy(connection, "copy_staged_telemetry", rows=readings.rows)
        cursor = await connection.execute(SQL["put_staged_telemetry"], binary=True)
        new = {digest for (digest,) in await cursor.fetchall()}
        kept = []
        for digest in map(digest_of, readings.rows):
            kept.append(digest in new)
            new.discard(digest)
        return kept

    async def _isolate(self, readings: Readings, *, beside: Beside, error: Exception) -> None:
        """Something of this transaction is refused: find it, quarantine it, and store the rest."""
        metrics.REFUSED.inc()
        if len(readings) > 1:
            first, second = readings.halves()
            await self._write_part(first, beside=Beside(), careful=True)
            await self._write_part(second, beside=beside, careful=True)
        elif readings and beside:
            await self._write_part(readings, beside=Beside(), careful=True)
            await self._write_part(Readings(), beside=beside, careful=True)
        elif readings:
            message = readings.origins[0]
            log.error("the database refuses a reading on %s, it goes to quarantine: %s", message.topic, error)
            metrics.QUARANTINED.labels(Reason.DATABASE).inc()
            rejected = Rejected(reason=Reason.DATABASE, detail=plain(str(error)), raw=message.payload)
            received_at = datetime.fromtimestamp(readings.received[0], UTC)
            held = hold(rejected, provenance=provenance_of(message.topic, received_at=received_at))
            await self._write_part(Readings(), beside=Beside(held=[held]), careful=True)
        else:
            await self._write_apart(beside)

    async def _write_apart(self, beside: Beside) -> None:
        for part in beside.apart():
            try:
                await self._transaction(Readings(), beside=part, careful=False)
            except MISTAKES:
                metrics.REFUSED.inc()
                log.exception("%r is refused; it is left out", part)


async def _copy(connection: Connection, statement: str, *, rows: list[bytes]) -> None:
    async with connection.cursor() as cursor, cursor.copy(SQL[statement]) as copy:
        await copy.write(b"".join([HEADER, *rows, TRAILER]))


def _count(readings: Readings, *, stored: int, at: datetime) -> None:
    _OBJECTS.inc(len(readings))
    _STORED.inc(stored)
    _DUPLICATES.inc(len(readings) - stored)
    metrics.BATCH.observe(len(readings))
    metrics.RECEIVED_TO_STORED.between(readings.received, at.timestamp())
    metrics.DEVICE_TO_STORED.between(readings.packer.times, at.timestamp())
