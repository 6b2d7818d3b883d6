"""Many transmitters on one event loop, and timetables played on them."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Self

from runtime.errors import ConfigurationError
from simulator.devices import Device
from simulator.ledger import Ledger
from simulator.speaker import Manner, Speaker
from simulator.timetable import Action, Step
from simulator.transmitter import Line, Transmitter

FLUSH_SECONDS = 1.0
LEAVE_TIMEOUT_SECONDS = 15.0


class Fleet:
    """Transmitters that run while the context is open, and leave the broker politely at its end.

    Args:
        devices: whom to play.
        line: where to.
        credentials: password by transmitter id.
        ledger: is told everything; closed by its owner.
        manner: how the transmitters behave.
        now: Unix seconds.

    Raises:
        ConfigurationError: a device has no password.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        *,
        line: Line,
        credentials: Mapping[str, str],
        ledger: Ledger,
        manner: Manner | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        missing = [device.transmitter_id for device in devices if device.transmitter_id not in credentials]
        if missing:
            raise ConfigurationError(f"no password for {len(missing)} transmitters, among them {missing[0]}")
        boot = int(now())
        self.ledger = ledger
        self.now = now
        self.transmitters: dict[str, Transmitter] = {}
        for device in devices:
            speaker = Speaker(device, ledger=ledger, manner=manner or Manner(), boot=boot)
            password = credentials[device.transmitter_id]
            self.transmitters[speaker.id] = Transmitter(speaker, line, password=password, ledger=ledger, now=now)
        ledger.plays(list(self.transmitters), at=now())
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        """Start all; see `connected` for when they have arrived."""
        await self._group.__aenter__()
        self._running = [
            self._group.create_task(transmitter.run(), name=f"transmitter {transmitter.id}")
            for transmitter in self.transmitters.values()
        ]
        self._flushing = self._group.create_task(self._flush(), name="ledger")
        return self

    async def __aexit__(self, *ended: object) -> None:
        """Let all leave; those that take longer than 15 s, and all where an error is on its way, are cut off.

        Raises:
            ExceptionGroup: what transmitters raised unforeseen; it ends the context at once.
        """
        for transmitter in self.transmitters.values():
            transmitter.stop()
        self._flushing.cancel()
        error = ended[1]
        if error is not None:
            for task in self._running:
                task.cancel()
        # The group must know of a cancellation, which may be its own; an error of the body is not the group's.
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_SECONDS):
                await self._group.__aexit__(type(cancelled) if cancelled else None, cancelled, None)
        self.ledger.flush()

    async def connected(self, *, timeout_seconds: float) -> bool:
        """Wait until everybody has shown itself to the broker at least once; False where the time was not enough."""
        return await self._all(lambda transmitter: transmitter.connects > 0, timeout_seconds=timeout_seconds)

    async def settle(self, *, timeout_seconds: float) -> bool:
        """Wait until everything said has arrived and is confirmed; False where the time was not enough."""
        return await self._all(lambda transmitter: transmitter.speaker.quiet, timeout_seconds=timeout_seconds)

    async def play(self, steps: Iterable[Step], *, speed: float = 1.0) -> None:
        """Play a timetable from now on, in its order, `speed` times as fast as it is written.

        Raises:
            ConfigurationError: a step is about a transmitter that is not here; nothing was played.
        """
        known = list(steps)
        unknown = {step.transmitter_id for step in known} - self.transmitters.keys()
        if unknown:
            raise ConfigurationError(f"the timetable speaks of transmitters that do not exist, among them {min(unknown)}")
        loop = asyncio.get_running_loop()
        start = loop.time()
        for step in known:
            await asyncio.sleep(start + step.offset_seconds / speed - loop.time())
            self.perform(step)

    def perform(self, step: Step) -> None:
        """Let a step happen now."""
        transmitter = self.transmitters[step.transmitter_id]
        match step.action:
            case Action.BEGIN:
                transmitter.begin(step.point, step.kind)
            case Action.END:
                transmitter.end(step.point, step.kind)
            case Action.REPEAT:
                transmitter.repeat(int(step.amount))
            case Action.SKEW:
                transmitter.skew(step.amount)
            case _:
                self._plain(transmitter, step.action)

    @staticmethod
    def _plain(transmitter: Transmitter, action: Action) -> None:
        acts = {
            Action.HOLD: transmitter.hold,
            Action.RELEASE: transmitter.release,
            Action.RESTART: transmitter.restart,
            Action.WIPE: transmitter.wipe,
            Action.CUT: transmitter.cut,
            Action.OFF: transmitter.switch_off,
            Action.ON: transmitter.switch_on,
        }
        acts[action]()

    async def _all(self, reached: Callable[[Transmitter], bool], *, timeout_seconds: float) -> bool:
        try:
            async with asyncio.timeout(timeout_seconds):
                while waiting := [found for found in self.transmitters.values() if not reached(found)]:
                    await waiting[0].changed.wait()
        except TimeoutError:
            return False
        return True

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            self.ledger.flush()
