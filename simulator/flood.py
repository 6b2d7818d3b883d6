"""Telemetry of thousands of transmitters over one connection, at a given rate."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, cycle, islice

from runtime.errors import BrokerAway, BrokerRefused, WanghuoError
from runtime.mqtt import MqttSession, SessionSettings
from signals import topics
from signals.topics import MessageClass
from simulator.chance import seeded
from simulator.ledger import Ledger
from simulator.speech import stamp

SLICE_SECONDS = 0.01
SLICE_MAXIMUM = 500
"""Messages that are handed over at once."""
SLICES_MAXIMUM = 100
"""Slices that wait for the broker; beyond it the flood falls behind its rate instead of filling memory."""
FIRST_ANSWER_TIMEOUT_SECONDS = 15.0
ANSWER_TIMEOUT_SECONDS = 120.0
FLUSH_SECONDS = 5.0
TABLE_SIZE = 1009

Turn = tuple[str, int]
"""A transmitter and the seq of its next reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodSettings:
    """What is sent.

    Attributes:
        session: of a broker user that may write the telemetry of every transmitter.
        transmitter_ids: they take turns.
        rate: messages a second, one object each.
        duration_seconds: how long.
        boot: of all transmitters; greater than in any earlier flood.
    """

    session: SessionSettings
    transmitter_ids: Sequence[str]
    rate: float
    duration_seconds: float
    boot: int
    seed: int = 0


@dataclass(slots=True, kw_only=True)
class FloodResult:
    """What became of it. `seconds`: from the first message to the last acknowledgement."""

    sent: int = 0
    acknowledged: int = 0
    seconds: float = 0.0


class Flood:
    """A flood. `result` grows while `run` runs."""

    def __init__(self, settings: FloodSettings, *, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.result = FloodResult()
        self._ledger = ledger
        self._now = now
        self._session = MqttSession(settings.session)
        self._room = asyncio.Semaphore(SLICES_MAXIMUM)
        chance = seeded(settings.seed, "flood")
        readings = [(chance.gauss(23, 2), abs(chance.gauss(0.01, 0.002))) for _ in range(TABLE_SIZE)]
        self._values = cycle([f'{{"temperature_celsius":{t:.2f},"smoke_obscuration_db_per_m":{s:.4f}}}' for t, s in readings])
        self._turns = self._take_turns()

    async def run(self) -> FloodResult:
        """Send at the rate until the time is over, then wait for the broker's last answer.

        A slower broker slows the flood down; what it does not acknowledge within 120 s is counted as sent only.

        Raises:
            BrokerAway: no answer to the very first message within 15 s.
            BrokerRefused: the user may not write for these transmitters.
        """
        failure: WanghuoError | None = None
        self._ledger.plays(self.settings.transmitter_ids, at=self._now())
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(self._session.run(), name="flood session")
            flushing = group.create_task(self._flush(), name="flood ledger")
            try:
                await self._answered([next(self._turns)], timeout_seconds=FIRST_ANSWER_TIMEOUT_SECONDS)
                await self._pour()
            except (BrokerAway, BrokerRefused) as error:
                failure = error
            finally:
                running.cancel()
                flushing.cancel()
        self._ledger.flush()
        self.result.seconds = time.perf_counter() - started
        if failure is not None:
            raise failure
        return self.result

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self._ledger.flush()

    async def _pour(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        rate, total, sent = self.settings.rate, round(self.settings.rate * self.settings.duration_seconds), 1
        async with asyncio.TaskGroup() as group:
            while sent < total:
                due = min(total, int((loop.time() - start) * rate)) - sent
                if due <= 0:
                    await asyncio.sleep(SLICE_SECONDS)
                    continue
                await self._room.acquire()
                turns = list(islice(self._turns, min(due, SLICE_MAXIMUM)))
                sent += len(turns)
                group.create_task(self._slice(turns), name="flood slice")
                await asyncio.sleep(0)

    async def _slice(self, turns: list[Turn]) -> None:
        """Send a slice and wait for the answer to its last message: the broker answers in order (MQTT 5, 4.6)."""
        try:
            for turn in turns[:-1]:
                self._session.send(*self._say(turn))
            await self._answered(turns, timeout_seconds=ANSWER_TIMEOUT_SECONDS)
        except BrokerAway:
            return
        finally:
            self._room.release()

    async def _answered(self, turns: list[Turn], *, timeout_seconds: float) -> None:
        """Publish the last turn; when it is acknowledged, all are."""
        topic, payload = self._say(turns[-1])
        await self._session.publish(topic, payload, timeout_seconds=timeout_seconds)
        for transmitter_id, seq in turns:
            self._ledger.measured(transmitter_id, self.settings.boot, seqs=(seq, seq), acknowledged=True)
        self.result.acknowledged += len(turns)

    def _say(self, turn: Turn) -> tuple[str, bytes]:
        transmitter_id, seq = turn
        self._ledger.measured(transmitter_id, self.settings.boot, seqs=(seq, seq), acknowledged=False)
        self.result.sent += 1
        at = stamp(self._now())
        payload = f'{{"boot":{self.settings.boot},"seq":{seq},"at":"{at}","point":"1","values":{next(self._values)}}}'
        return topics.upward(transmitter_id, MessageClass.TELEMETRY), payload.encode()

    def _take_turns(self) -> Iterator[Turn]:
        for seq in count():
            for transmitter_id in self.settings.transmitter_ids:
                yield transmitter_id, seq
