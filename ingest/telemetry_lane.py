"""The telemetry lane: measured values and heartbeats."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import mqtt5

from ingest.confirms import Command
from ingest.presence import Presence
from ingest.store import Store
from ingest.telemetry_batch import TelemetryBatch
from ingest.telemetry_reader import TelemetryReader
from ingest.telemetry_writer import TelemetryWriter
from ingest.transmitters import Transmitters
from ingest.uptime import Uptime
from signals.instants import microseconds


class TelemetryLane:
    """What the consumer of this lane does with messages. Nothing of it is confirmed."""

    def __init__(self, store: Store, *, transmitters: Transmitters, uptime: Uptime, now: Callable[[], datetime]) -> None:
        self._store = store
        self._transmitters = transmitters
        self._uptime = uptime
        self._presence = Presence()
        self._reader = TelemetryReader(transmitters, presence=self._presence, live=lambda at: uptime.caught_up(at=at))
        self._writer = TelemetryWriter(store, now=now)

    def new_batch(self) -> TelemetryBatch:
        """An empty batch."""
        return TelemetryBatch()

    def read(self, messages: Sequence[mqtt5.PublishPacket], batch: TelemetryBatch, *, received_at: datetime) -> None:
        """Read messages into the batch."""
        self._reader.read(messages, batch, received_at=received_at)

    async def prepare(self, batch: TelemetryBatch) -> None:
        """Look up the transmitters of whom nothing is known yet, and read what they sent.

        Raises:
            Unavailable: the database is away, slow or full.
        """
        while batch.parked:
            await self._transmitters.look_up(self._reader.unknown(batch), store=self._store)
            self._reader.read_parked(batch)

    def close(self, batch: TelemetryBatch, *, at: datetime) -> None:
        """Add what has to be written of presence and readiness."""
        batch.beside.spans = self._uptime.spans(batch.probes)
        batch.beside.presence, batch.beside.days = self._presence.rows(microseconds(at))

    async def store(self, batch: TelemetryBatch) -> None:
        """Store it.

        Raises:
            Unavailable: the database is away, slow or full.
        """
        await self._writer.write(batch)

    def commands(self, batch: TelemetryBatch, *, at: datetime) -> Iterable[Command]:  # noqa: ARG002
        """None."""
        return ()
