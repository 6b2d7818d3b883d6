"""A panel on the line: a `PanelSpeaker` over TCP or UDP, its line lost and made again."""

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Callable

from runtime.errors import ConfigurationError
from signals.gb26875.frames import Frame
from simulator.captured import Captured
from simulator.chance import seeded
from simulator.ledger import Ledger
from simulator.panel_speaker import PanelSpeaker
from simulator.panel_wire import LineLostError, PanelLine, Wire, opened
from simulator.timetable import Action, Step

SHORTEST_WAIT_SECONDS = 0.001

log = logging.getLogger(__name__)


class Panel:
    """One panel, run by `run` until `stop`. All on one event loop.

    Args:
        speaker: what it says.
        line: where to.
        ledger: is told when it is out of reach.
        now: Unix seconds.
    """

    def __init__(self, speaker: PanelSpeaker, line: PanelLine, *, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self.speaker = speaker
        self.id = speaker.id
        self.connects = 0
        self.changed = asyncio.Event()
        """Set for an instant whenever it connected or something was said or heard."""
        self._line = line
        self._ledger = ledger
        self._now = now
        self._chance = seeded(speaker.id, "panel line")
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._off = False
        self._lost = False
        self._tearing = False
        self._held = False
        self._wire: Wire | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a line."""
        return self._wire is not None

    @property
    def quiet(self) -> bool:
        """Whether everything that was said is confirmed."""
        return not self.speaker.unconfirmed

    def begin(self, point: str, kind: str) -> None:
        """A condition began."""
        self.speaker.begin(point, kind, now=self._now())
        self.wake()

    def end(self, point: str, kind: str) -> None:
        """A condition is over."""
        self.speaker.end(point, kind, now=self._now())
        self.wake()

    def operate(self, *operations: str, point: str = "") -> None:
        """Somebody did something at the panel or the device; see `PanelSpeaker.operate`."""
        self.speaker.operate(*operations, point=point, now=self._now())
        self.wake()

    def replay(self, captured: Captured) -> None:
        """Say what a captured frame said."""
        self.speaker.replay(captured, now=self._now())
        self.wake()

    def say_all(self) -> None:
        """Upload the state of every part, changed or not."""
        self.speaker.say_states(self.speaker.device.parts.values(), now=self._now())
        self.wake()

    def cut(self) -> None:
        """Lose the line; it is made again."""
        self._lost = True
        self.wake()

    def tear(self) -> None:
        """Lose the line in the middle of the next frame."""
        self._tearing = True
        self.wake()

    def restart(self) -> None:
        """Power-cycle."""
        self.speaker.restart(now=self._now())
        self.cut()

    def switch_off(self) -> None:
        """Lose the line, and stay away until `switch_on`."""
        self._off = True
        self._ledger.silent(self.id, at=self._now())
        self.cut()

    def switch_on(self) -> None:
        """Come back."""
        self._off = False
        self.wake()

    def perform(self, step: Step) -> None:
        """Let a step of a timetable happen. What it has no words for is said as what comes nearest.

        Raises:
            ConfigurationError: it has no such part.
        """
        if step.action in {Action.BEGIN, Action.END} and step.point not in self.speaker.device.parts:
            raise ConfigurationError(f"{self.id} has no part {step.point!r}")
        match step.action:
            case Action.BEGIN:
                self.begin(step.point, step.kind)
            case Action.END:
                self.end(step.point, step.kind)
            case Action.SKEW:
                self.speaker.skew_seconds = step.amount
            case Action.HOLD | Action.RELEASE:
                self._held = step.action is Action.HOLD
                self.wake()
            case Action.OFF:
                self.switch_off()
            case Action.ON:
                self.switch_on()
            case Action.RESTART | Action.WIPE:
                self.restart()
            case Action.CUT | Action.REPEAT:  # what is unconfirmed is said again
                self.cut()

    def stop(self) -> None:
        """Let `run` drop the line and return."""
        self._stopping.set()
        self.wake()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()
        self._pulse()

    async def run(self) -> None:
        """Connect, speak and listen, and connect again, until `stop`."""
        failures = 0
        while not self._stopping.is_set():
            while self._off and not self._stopping.is_set():
                self._woken.clear()
                await self._woken.wait()
            before = self.connects
            try:
                await self._connection()
            except* (OSError, LineLostError, TimeoutError) as errors:
                log.debug("%s lost its line: %s", self.id, errors.exceptions[0])
            failures = 0 if self.connects > before else failures + 1
            most = min(self._line.backoff_most_seconds, self._line.backoff_first_seconds * 2**failures)
            await self._wait(self._chance.uniform(most / 2, most), self._stopping)

    async def _connection(self) -> None:
        async with opened(self._line) as wire:
            self._wire, self._lost = wire, False
            self.connects += 1
            self._ledger.heard(self.id, at=self._now())
            self.speaker.connected(now=self._now())
            self._pulse()
            try:
                async with asyncio.TaskGroup() as group:
                    hearing = group.create_task(self._hear(wire), name=f"{self.id} hears")
                    await self._speak(wire)
                    hearing.cancel()
            finally:
                self._wire = None
                self._pulse()

    async def _hear(self, wire: Wire) -> None:
        while True:
            for frame in await wire.read():
                self.speaker.take(frame, now=self._now())
            self.wake()

    async def _speak(self, wire: Wire) -> None:
        """Send what there is to send, several frames in one write; returns when it is to stop."""
        while True:
            self._woken.clear()
            if self._lost or self._off:
                raise LineLostError("cut")
            frames = [] if self._held else self.speaker.frames(self._now())
            if frames:
                await self._send(wire, frames)
            if self.speaker.restarting:
                self.restart()
                continue
            if self.speaker.given_up(self._now()):
                raise LineLostError("no answer")
            self._pulse()
            if self._stopping.is_set():
                return
            wait_until = math.inf if self._held else self.speaker.next_at()
            await self._wait(wait_until - self._now(), self._woken)

    async def _send(self, wire: Wire, frames: list[Frame]) -> None:
        raw = [frame.encode() for frame in frames]
        if self._tearing:
            self._tearing = False
            await wire.write([raw[0][: len(raw[0]) // 2]])
            raise LineLostError("torn")
        await wire.write(raw)

    def _pulse(self) -> None:
        self.changed.set()
        self.changed.clear()

    @staticmethod
    async def _wait(seconds: float, event: asyncio.Event) -> None:
        """Until the event, `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if seconds == math.inf else max(seconds, SHORTEST_WAIT_SECONDS)):
                await event.wait()
