"""The loop of a lane: receive → read → write → COMMIT → confirm → PUBACK, in order of arrival.

While one batch is in the database the next is received and read, so that batches grow with the load and stay small without it.
What is not acknowledged stays in the broker; here it is bounded by the session's window and byte budget.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Generic, Protocol, TypeVar

import mqtt5

from ingest import metrics
from ingest.confirms import Command
from ingest.store import Store
from runtime.errors import BrokerAway
from runtime.failpoints import passing
from runtime.mqtt import Batch, MqttSession

SLICE_MESSAGES = 256
"""Messages, and..."""
SLICE_BYTES = 64 * 1024
"""... bytes of payload that are read before the loop turns again: 1 to 2 ms."""

log = logging.getLogger(__name__)


class Objects(Protocol):
    """A batch that is being filled. `redelivered`: messages in it that the broker had delivered before."""

    redelivered: int

    def __len__(self) -> int:
        """Objects in it."""
        ...


B = TypeVar("B", bound=Objects)


class Work(Protocol[B]):
    """What differs between the lanes."""

    def new_batch(self) -> B:
        """An empty batch."""
        ...

    def read(self, messages: Sequence[mqtt5.PublishPacket], batch: B, *, received_at: datetime) -> None:
        """Read messages into the batch. Nothing raises for what a device may send."""
        ...

    async def prepare(self, batch: B) -> None:
        """The batch is full: ask the database what is needed to finish it. May be called again after `Unavailable`."""
        ...

    def close(self, batch: B, *, at: datetime) -> None:
        """Add what goes with it, once."""
        ...

    async def store(self, batch: B) -> None:
        """Store it; when this returns it is committed. May be called again after `Unavailable`, with the same batch."""
        ...

    def commands(self, batch: B, *, at: datetime) -> Iterable[Command]:
        """What is to be told to transmitters, now that the batch is stored."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a batch is closed: when it holds `enough` objects, or `linger_seconds` after its first; it never grows beyond `most`."""

    enough: int
    most: int
    linger_seconds: float


class Consumer(Generic[B]):
    """Runs one lane over one session. `receive` and `write` are two tasks of one event loop."""

    def __init__(self, session: MqttSession, work: Work[B], *, store: Store, limits: Limits, now: Callable[[], datetime]) -> None:
        self._session = session
        self._work = work
        self._store = store
        self._limits = limits
        self._now = now
        self._open = work.new_batch()
        self._arrived: list[Batch] = []
        self._changed = asyncio.Event()
        self._taken = asyncio.Event()

    async def receive(self) -> None:
        """Fill batches, for ever."""
        while True:
            arrived = await self._session.receive(maximum=SLICE_MESSAGES)
            metrics.BYTES.inc(arrived.payload_bytes)
            slices = _slices(arrived)
            for messages in slices:
                self._work.read(messages, self._open, received_at=self._now())
                self._open.redelivered += _count(messages)
                if messages is slices[-1]:
                    # From here on it may be acknowledged: its last message is in the open batch, the others there or before.
                    self._arrived.append(arrived)
                self._changed.set()
                while len(self._open) >= self._limits.most:
                    self._taken.clear()
                    await self._taken.wait()
                await asyncio.sleep(0)

    async def write(self) -> None:
        """Store batches, for ever."""
        while True:
            await self._changed.wait()
            await self._linger()
            batch, arrived = self._take()
            await self._store.patiently(partial(self._work.prepare, batch), what="a batch")
            self._work.close(batch, at=self._now())
            await self._store.patiently(partial(self._work.store, batch), what="a batch")
            self._tell(batch)
            if len(batch):
                passing("ingest.after_confirm")
            for part in arrived:
                self._session.acknowledge(part)
            metrics.UNACKNOWLEDGED.set(self._session.unacknowledged)

    async def _linger(self) -> None:
        if self._limits.linger_seconds == 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limits.linger_seconds):
                while not self._is_enough():
                    self._changed.clear()
                    await self._changed.wait()

    def _is_enough(self) -> bool:
        session = self._session
        return (
            len(self._open) >= self._limits.enough
            or session.unacknowledged >= session.settings.receive_maximum
            or session.unacknowledged_bytes >= session.settings.byte_budget
        )

    def _take(self) -> tuple[B, list[Batch]]:
        batch, arrived = self._open, self._arrived
        self._open, self._arrived = self._work.new_batch(), []
        self._changed.clear()
        self._taken.set()
        return batch, arrived

    def _tell(self, batch: B) -> None:
        for command in self._work.commands(batch, at=self._now()):
            try:
                self._session.send(command.topic, command.payload, expiry_seconds=command.expiry_seconds)
            except BrokerAway as error:
                metrics.UNCONFIRMED.inc()
                log.warning("not told to %s: %s", command.transmitter_id, error)


def _slices(arrived: Batch) -> list[Sequence[mqtt5.PublishPacket]]:
    """The messages, in parts that do not hold up the loop for long."""
    if arrived.payload_bytes <= SLICE_BYTES:
        return [arrived.messages]
    parts: list[list[mqtt5.PublishPacket]] = [[]]
    size = 0
    for message in arrived.messages:
        if size > SLICE_BYTES:
            parts.append([])
            size = 0
        parts[-1].append(message)
        size += len(message.payload)
    return [*parts]


def _count(messages: Sequence[mqtt5.PublishPacket]) -> int:
    """Count messages; returns how many of them the broker had delivered before."""
    metrics.MESSAGES.inc(len(messages))
    redelivered = sum([message.duplicate for message in messages])
    if redelivered:
        metrics.REDELIVERIES.inc(redelivered)
    return redelivered
