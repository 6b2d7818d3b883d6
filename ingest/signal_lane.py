"""The signal lane: signals, snapshots, replies and connection states."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import mqtt5

from ingest import metrics
from ingest.confirms import Command, confirms
from ingest.presence import Presence
from ingest.signal_batch import SignalBatch
from ingest.signal_reader import SignalReader
from ingest.signal_writer import SignalWriter
from ingest.store import Store
from ingest.transmitters import Transmitters
from ingest.uptime import Uptime
from signals.instants import microseconds


class SignalLane:
    """What the consumer of this lane does with messages."""

    def __init__(self, store: Store, *, transmitters: Transmitters, uptime: Uptime, now: Callable[[], datetime]) -> None:
        self._store = store
        self._transmitters = transmitters
        self._uptime = uptime
        self._presence = Presence()
        self._reader = SignalReader(transmitters, presence=self._presence, live=lambda at: uptime.caught_up(at=at))
        self._writer = SignalWriter(store, now=now)

    def new_batch(self) -> SignalBatch:
        """An empty batch."""
        return SignalBatch()

    def read(self, messages: Sequence[mqtt5.PublishPacket], batch: SignalBatch, *, received_at: datetime) -> None:
        """Read messages into the batch."""
        self._reader.read(messages, batch, received_at=received_at)

    async def prepare(self, batch: SignalBatch) -> None:
        """Look up the transmitters of whom nothing is known yet, and read what they sent.

        Raises:
            Unavailable: the database is away, slow or full.
        """
        while batch.parked:
            await self._transmitters.look_up(self._reader.unknown(batch), store=self._store)
            self._reader.read_parked(batch)

    def close(self, batch: SignalBatch, *, at: datetime) -> None:
        """Add what has to be written of presence and readiness."""
        batch.beside.spans = self._uptime.spans(batch.probes)
        batch.beside.presence, batch.beside.days = self._presence.rows(microseconds(at))

    async def store(self, batch: SignalBatch) -> None:
        """Store it.

        Raises:
            Unavailable: the database is away, slow or full.
        """
        await self._writer.write(batch)

    def commands(self, batch: SignalBatch, *, at: datetime) -> Iterable[Command]:
        """The confirms of everything that can be confirmed, duplicates and quarantined objects too."""
        confirmed = [item.counted for item in batch.items if item.confirmed and item.counted is not None]
        metrics.CONFIRMED.inc(len(confirmed))
        return confirms(confirmed, at=at)
