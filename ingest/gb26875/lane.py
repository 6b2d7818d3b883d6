"""The lane of GB/T 26875.3: what waits is stored, fires first, and confirmed once it is committed.

Three turns are under way at once: while one is in the database the next is read, and the one before is answered. Readings are
stored beside, so that no fire waits for them. A connection whose frames wait is not read any more, so memory is bounded; the device
keeps what we have not confirmed, and repeats it.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from itertools import islice

from ingest.gb26875 import metrics
from ingest.gb26875.book import Book, Device
from ingest.gb26875.reader import Arrival, Batch, Reader
from ingest.gb26875.uploads import Upload, upload, upload_of
from ingest.presence import Presence
from ingest.signal_batch import Item
from ingest.signal_writer import SignalWriter
from ingest.store import Store
from ingest.telemetry_writer import TelemetryWriter
from ingest.uptime import Span
from runtime.failpoints import passing
from signals.gb26875 import LANE, clock
from signals.gb26875.statements import Unreadable
from signals.gb26875.tables import Command
from signals.instants import microseconds

BATCH_MAXIMUM = 1_000
"""Frames of one transaction."""
SLICE = 25
"""Frames that are read, or answered, at a stretch: less than a millisecond."""
WAITING_MAXIMUM = 50_000
"""Frames that wait; beyond, datagrams are not taken. Connections are bounded each for itself."""
IDLE_SECONDS = 2.0
"""So often is written that we could hear, when nothing comes."""

ANSWERED = {Command.CONFIRM: metrics.ANSWERED.labels("confirmed"), Command.DENY: metrics.ANSWERED.labels("denied")}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Arrivals, and the batch that they are."""

    arrivals: Sequence[Arrival]
    batch: Batch


class Lane:
    """Takes arrivals, stores them, answers them. One task runs `write`. `readings`: the store of what was measured."""

    def __init__(self, store: Store, *, readings: Store, book: Book, now: Callable[[], datetime]) -> None:
        self._store = store
        self._readings = readings
        self._book = book
        self._now = now
        self._reader = Reader()
        self._presence = Presence()
        self._signals = SignalWriter(store, now=now, lane=LANE)
        self._telemetry = TelemetryWriter(readings, now=now)
        self._urgent: deque[Arrival] = deque()
        self._calm: deque[Arrival] = deque()
        self._measured: asyncio.Queue[Turn] = asyncio.Queue()
        self._measured_frames = 0
        self._said: list[Item] = []
        self._changed = asyncio.Event()
        self._up_from: datetime | None = None

    @property
    def admits(self) -> bool:
        """Whether there is room for what nobody holds back."""
        return len(self._urgent) + len(self._calm) + self._measured_frames < WAITING_MAXIMUM

    def listening(self) -> None:
        """From now on everybody can reach us."""
        self._up_from = self._now()

    def take(self, arrival: Arrival) -> None:
        """Take a frame that is to be stored."""
        arrival.channel.waits()
        if arrival.device is not None:
            arrival.upload = self._uploaded(arrival, arrival.device)
        (self._urgent if arrival.urgent else self._calm).append(arrival)
        self._changed.set()

    def _uploaded(self, arrival: Arrival, device: Device) -> Upload:
        try:
            return upload_of(arrival.frame.data, device.profile)
        except Exception:  # a mistake of ours must not end the connection, and with it every repeat of this frame
            log.exception("what a frame from %s states cannot be read", arrival.channel.peer)
            return upload([Unreadable(why="unforeseen; see the log")])

    def say(self, item: Item) -> None:
        """Store something of the centre's own, with the next batch."""
        self._said.append(item)
        self._changed.set()

    def hear(self, device: Device, *, clock_tag: bytes, at: datetime) -> None:
        """A device was heard; presence is written with the next batch. `clock_tag`: the time in its frame."""
        heard, instant = self._presence[device.transmitter_id, ""], microseconds(at)
        self._presence.heard(heard, instant)
        told = _told(clock_tag)
        if told is not None:
            heard.note_clock(told, at=instant)

    async def write(self) -> None:
        """Store and answer, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write_readings(), name="store readings")
            storing: asyncio.Task[None] | None = None
            while True:
                await _until(self._changed, seconds=IDLE_SECONDS)
                self._changed.clear()
                turn = await self._read_next(storing)
                if storing is not None:
                    await storing
                if self._urgent:  # it came while that was read
                    await self._store_turn(self._read_urgent(), group=group)
                storing = group.create_task(self._store_turn(turn, group=group), name="store frames")

    async def _read_next(self, storing: asyncio.Task[None] | None) -> Turn:
        arrivals, taken_at = self._next(), self._now()
        if any(arrival.device is None for arrival in arrivals):
            if storing is not None:
                await storing  # one at a time speaks with the database
            await self._store.patiently(partial(self._book.refresh, self._store), what="the book of devices")
        batch = Batch()
        for number, arrival in enumerate(arrivals):
            if number % SLICE == 0:
                await asyncio.sleep(0)  # the turn before goes on meanwhile
            self._read(arrival, batch)
        batch.signals.items += self._said
        self._said = []
        self._close(batch, oldest_left=self._oldest(), at=taken_at)
        return Turn(arrivals=arrivals, batch=batch)

    def _read_urgent(self) -> Turn:
        """What goes before a turn that is read already. That we could hear is left for that one to say: it came first."""
        arrivals, batch = [self._urgent.popleft() for _ in range(min(len(self._urgent), BATCH_MAXIMUM))], Batch()
        for arrival in arrivals:
            self._read(arrival, batch)
        return Turn(arrivals=arrivals, batch=batch)

    async def _store_turn(self, turn: Turn, *, group: asyncio.TaskGroup) -> None:
        await self._store.patiently(partial(self._signals.write, turn.batch.signals), what="a batch of frames")
        metrics.WAITING.set(len(self._urgent) + len(self._calm))
        arrivals = turn.arrivals
        if arrivals:
            passing("ingest.after_confirm")
        if len(turn.batch.telemetry.readings):
            measured = [arrival for arrival in arrivals if arrival.measured]
            arrivals = [arrival for arrival in arrivals if not arrival.measured]
            self._measured.put_nowait(Turn(arrivals=measured, batch=turn.batch))
            self._measured_frames += len(measured)
        if arrivals:
            group.create_task(self._answer(arrivals), name="answer frames")

    async def _write_readings(self) -> None:
        while True:
            turn = await self._measured.get()
            await self._readings.patiently(partial(self._telemetry.write, turn.batch.telemetry), what="readings of frames")
            self._measured_frames -= len(turn.arrivals)
            await self._answer(turn.arrivals)

    def _next(self) -> list[Arrival]:
        found: list[Arrival] = []
        for waiting in (self._urgent, self._calm):
            while waiting and len(found) < BATCH_MAXIMUM:
                found.append(waiting.popleft())
        if self._urgent or self._calm:
            self._changed.set()
        return found

    def _oldest(self) -> datetime | None:
        return min((waiting[0].received_at for waiting in (self._urgent, self._calm) if waiting), default=None)

    def _read(self, arrival: Arrival, batch: Batch) -> None:
        if arrival.device is None:
            arrival.device = self._book.find(arrival.frame.source, peer=arrival.channel.host)
            if arrival.device is None:
                metrics.UNKNOWN.inc()
            else:
                self.hear(arrival.device, clock_tag=arrival.frame.time, at=arrival.received_at)
        try:
            self._reader.read(arrival, batch)
        except Exception:  # a mistake of ours must not let one frame stand before all others for ever
            log.exception("a frame from %s cannot be read", arrival.channel.peer)
            self._reader.give_up(arrival, batch)

    def _close(self, batch: Batch, *, oldest_left: datetime | None, at: datetime) -> None:
        """Who was heard before `at`, but for what is left, is known when this batch is stored."""
        beside = batch.signals.beside
        beside.presence, beside.days = self._presence.rows(microseconds(at))
        heard_until = min(at, oldest_left - timedelta(microseconds=1)) if oldest_left else at
        if self._up_from is not None and heard_until >= self._up_from:
            beside.spans = [Span(up_from=self._up_from, heard_until=heard_until)]

    async def _answer(self, arrivals: Sequence[Arrival]) -> None:
        """What is stored, in slices: the next turn goes to the database in between."""
        left = iter(arrivals)
        try:
            while part := list(islice(left, SLICE)):
                self._answer_now(part)
                await asyncio.sleep(0)
        finally:
            self._answer_now(list(left))  # told to stop, we still say what is stored

    def _answer_now(self, arrivals: Sequence[Arrival]) -> None:
        at = self._now()
        tag = clock.write(at)
        sent: Counter[Command] = Counter()
        for arrival in arrivals:
            arrival.channel.settled()
            if arrival.answer is not None:
                sent[arrival.answer] += answer(arrival, tag=tag)
        for command, count in sent.items():
            ANSWERED[command].inc(count)
        metrics.CONFIRMED.between(
            [arrival.received_at.timestamp() for arrival in arrivals if arrival.answer is not None], self._now().timestamp()
        )


async def _until(event: asyncio.Event, *, seconds: float) -> None:
    """Wait for the event, so long at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass


@lru_cache(4096)
def _told(tag: bytes) -> int | None:
    """A time tag in microseconds; None where it is no time."""
    told = clock.read(tag)
    return None if told is None else microseconds(told)


def answer(arrival: Arrival, *, tag: bytes) -> bool:
    """Answer a frame with the command decided for it, timed by `tag`; False: its device is gone, and sends again."""
    assert arrival.answer is not None
    swapped = arrival.device is None or arrival.device.profile.swaps_addresses
    return arrival.channel.send(arrival.frame.answered(arrival.answer, time=tag, swapped=swapped))
