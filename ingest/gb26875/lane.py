"""The lane of GB/T 26875.3: what waits is stored, fires first, and confirmed once it is committed.

Three turns are under way at once: while one is in the database the next is read as it comes, and the one before is answered. What
is urgent is a turn by itself and goes before what was read already. Readings are stored beside, so that no fire waits for them. A
connection whose frames wait is not read any more, so memory is bounded; the device keeps what is not confirmed, and repeats it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache, partial

from ingest.gb26875 import metrics
from ingest.gb26875.answers import answer
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
from signals.instants import microseconds

BATCH_MAXIMUM = 1_000
"""Frames of one transaction."""
SLICE = 25
"""Frames that are read at a stretch: less than a millisecond."""
GATHER_SECONDS = 0.02
"""From the beginning of one turn to the next, at least, unless that is urgent: a transaction has its price."""
PACE_SECONDS = 0.005
"""So often what has come is read, while it cannot be stored yet."""
URGENT_TURNS = 20
"""In a row; then what is not urgent goes once in between: in a great fire, too, it must be known who can be heard."""
WAITING_MAXIMUM = 50_000
"""Frames that wait; beyond, datagrams are not taken. Connections are bounded each for itself."""
READINGS_MAXIMUM = 50_000
"""Frames whose readings wait; beyond, they are not confirmed and come again."""
IDLE_SECONDS = 2.0
"""So often is written that we could hear, when nothing comes."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Arrivals, and the batch that they are."""

    arrivals: list[Arrival] = field(default_factory=list)
    batch: Batch = field(default_factory=Batch)


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
        self._said: list[Item] = []
        self._open = Turn()
        self._began_at = 0.0
        self._urgent_turns = 0
        self._asked = False
        self._storing: asyncio.Task[None] | None = None
        self._measured: asyncio.Queue[Turn] = asyncio.Queue()
        self._measured_frames = 0
        self._something = asyncio.Event()
        self._hurry = asyncio.Event()
        self._up_from: datetime | None = None

    @property
    def admits(self) -> bool:
        """Whether there is room for what nobody holds back."""
        return self._waiting < WAITING_MAXIMUM

    @property
    def _waiting(self) -> int:
        """Frames that are not stored, but for those on their way to the database."""
        return len(self._urgent) + len(self._calm) + len(self._open.arrivals)

    def listening(self) -> None:
        """From now on everybody can reach us."""
        self._up_from = self._now()

    def take(self, arrival: Arrival) -> None:
        """Take a frame that is to be stored."""
        arrival.channel.waits()
        if arrival.device is not None:
            arrival.upload = self._uploaded(arrival, arrival.device)
        if arrival.urgent:
            self._urgent.append(arrival)
            self._hurry.set()
        else:
            self._calm.append(arrival)
        self._something.set()

    def _uploaded(self, arrival: Arrival, device: Device) -> Upload:
        try:
            return upload_of(arrival.frame.data, device.profile)
        except Exception:  # a mistake of ours must not end the connection, and with it every repeat of this frame
            log.exception("what a frame from %s states cannot be read", arrival.channel.peer)
            return upload([Unreadable(why="unforeseen; see the log")])

    def say(self, item: Item) -> None:
        """Store something of the centre's own, with the next batch."""
        self._said.append(item)
        self._something.set()

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
            while True:
                turn = await self._next_turn()
                self._storing = group.create_task(self._store_turn(turn, group=group), name="store frames")
                self._storing.add_done_callback(lambda _: self._hurry.set())

    async def _next_turn(self) -> Turn:
        """What is urgent, so often in a row at most; else what came until the turn before was stored, for a while at least."""
        while True:
            self._hurry.clear()
            self._something.clear()
            if self._fire_goes and self._is_free:
                return self._read_urgent()
            await self._read_calm()
            gathered = time.monotonic() - self._began_at > GATHER_SECONDS or len(self._open.arrivals) >= BATCH_MAXIMUM
            if not (self._urgent or self._open.arrivals or self._said):
                if not await _until(self._something, seconds=IDLE_SECONDS) and self._is_free:
                    return self._close()
            elif self._is_free and gathered and not self._fire_goes:
                return self._close()
            else:
                await _until(self._hurry, seconds=PACE_SECONDS)

    @property
    def _fire_goes(self) -> bool:
        return bool(self._urgent) and self._urgent_turns < URGENT_TURNS

    @property
    def _is_free(self) -> bool:
        """Whether nothing is on its way to the database."""
        return self._storing is None or self._storing.done()

    async def _read_calm(self) -> None:
        arrivals = self._open.arrivals
        while len(arrivals) < BATCH_MAXIMUM and not (self._fire_goes and self._is_free) and (part := self._next_calm()):
            arrivals += part
            if not self._asked and any(arrival.device is None for arrival in part):
                await self._refresh()
            for arrival in part:
                self._read(arrival, self._open.batch)
            await asyncio.sleep(0)  # the turn before goes on meanwhile

    def _next_calm(self) -> list[Arrival]:
        """Nothing that came after a fire is read before it: the reader would not know that it ends it."""
        part: list[Arrival] = []
        while self._calm and len(part) < SLICE:
            if self._urgent and self._calm[0].received_at >= self._urgent[0].received_at:
                break
            part.append(self._calm.popleft())
        return part

    async def _refresh(self) -> None:
        """Somebody unknown may just have been enrolled. It is asked for once a turn."""
        self._asked = True
        if self._storing is not None:
            await self._storing  # one at a time speaks with the database
        await self._store.patiently(partial(self._book.refresh, self._store), what="the book of devices")

    def _read_urgent(self) -> Turn:
        """What goes before the turn that is open. That we could hear is left for that one to say: it came first."""
        turn = Turn(arrivals=[self._urgent.popleft() for _ in range(min(len(self._urgent), BATCH_MAXIMUM))])
        for arrival in turn.arrivals:
            self._read(arrival, turn.batch)
        self._add_presence(turn.batch, at=self._now())
        self._urgent_turns += 1
        return turn

    def _close(self) -> Turn:
        """The turn that was open. Who was heard before now, but for what is left, is known when it is stored."""
        turn, at, self._open = self._open, self._now(), Turn()
        self._began_at, self._asked, self._urgent_turns = time.monotonic(), False, 0
        turn.batch.signals.items += self._said
        self._said = []
        self._add_presence(turn.batch, at=at)
        oldest_left = self._oldest()
        heard_until = min(at, oldest_left - timedelta(microseconds=1)) if oldest_left else at
        if self._up_from is not None and heard_until >= self._up_from:
            turn.batch.signals.beside.spans = [Span(up_from=self._up_from, heard_until=heard_until)]
        return turn

    def _add_presence(self, batch: Batch, *, at: datetime) -> None:
        batch.signals.beside.presence, batch.signals.beside.days = self._presence.rows(microseconds(at))

    async def _store_turn(self, turn: Turn, *, group: asyncio.TaskGroup) -> None:
        await self._store.patiently(partial(self._signals.write, turn.batch.signals), what="a batch of frames")
        metrics.WAITING.set(self._waiting)
        for arrival in turn.arrivals:
            arrival.channel.settled()
        if turn.arrivals:
            passing("ingest.after_confirm")
        answered = turn.arrivals
        if len(turn.batch.telemetry.readings):
            answered = [arrival for arrival in turn.arrivals if not arrival.measured]
            measured = [arrival for arrival in turn.arrivals if arrival.measured]
            self._put_aside(Turn(arrivals=measured, batch=Batch(telemetry=turn.batch.telemetry)))
        if answered:
            group.create_task(answer(answered, now=self._now), name="answer frames")

    def _put_aside(self, turn: Turn) -> None:
        """For `_write_readings`."""
        if self._measured_frames > READINGS_MAXIMUM:
            metrics.READINGS_DROPPED.inc(len(turn.arrivals))
            return
        self._measured.put_nowait(turn)
        self._measured_frames += len(turn.arrivals)

    async def _write_readings(self) -> None:
        while True:
            turn = await self._measured.get()
            await self._readings.patiently(partial(self._telemetry.write, turn.batch.telemetry), what="readings of frames")
            self._measured_frames -= len(turn.arrivals)
            await answer(turn.arrivals, now=self._now)

    def _oldest(self) -> datetime | None:
        return min((waiting[0].received_at for waiting in (self._urgent, self._calm) if waiting), default=None)

    def _read(self, arrival: Arrival, batch: Batch) -> None:
        if arrival.device is None:
            arrival.device = self._book.find(arrival.frame.source, peer=arrival.channel.host)
            if arrival.device is None:
                metrics.UNKNOWN.inc()
            elif arrival.device.profile.trusts(arrival.frame):
                self.hear(arrival.device, clock_tag=arrival.frame.time, at=self._now())
        try:
            self._reader.read(arrival, batch)
        except Exception:  # a mistake of ours must not let one frame stand before all others for ever
            log.exception("a frame from %s cannot be read", arrival.channel.peer)
            self._reader.give_up(arrival, batch)


async def _until(event: asyncio.Event, *, seconds: float) -> bool:
    """Wait for the event, so long at most; False where it did not come."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


@lru_cache(4096)
def _told(tag: bytes) -> int | None:
    """A time tag in microseconds; None where it is no time."""
    told = clock.read(tag)
    return None if told is None else microseconds(told)
