"""Panels on one event loop, as long as a context is open."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from runtime.errors import ConfigurationError
from simulator.ledger import Ledger
from simulator.panel import Panel
from simulator.timetable import Step


class Panels:
    """Runs panels while the context is open; their lines are dropped at its end."""

    def __init__(self, panels: Sequence[Panel], *, ledger: Ledger, at: float) -> None:
        self.by_id = {panel.id: panel for panel in panels}
        ledger.plays(list(self.by_id), at=at)
        self._group = asyncio.TaskGroup()
        self._running: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Start all; see `connected` for when they have a line."""
        await self._group.__aenter__()
        self._running = [self._group.create_task(panel.run(), name=f"panel {panel.id}") for panel in self.by_id.values()]
        return self

    async def __aexit__(self, *ended: object) -> None:
        """Let all leave at once.

        Raises:
            ExceptionGroup: what panels raised unforeseen; it ends the context at once.
        """
        for panel in self.by_id.values():
            panel.stop()
        error = ended[1]
        if error is not None:
            for task in self._running:
                task.cancel()
        cancelled = error if isinstance(error, asyncio.CancelledError) else None
        await self._group.__aexit__(type(cancelled) if cancelled else None, cancelled, None)

    async def connected(self, *, timeout_seconds: float) -> bool:
        """Wait until everybody had a line at least once; False where the time was not enough."""
        return await self.until(lambda panel: panel.connects > 0, timeout_seconds=timeout_seconds)

    async def settle(self, *, timeout_seconds: float) -> bool:
        """Wait until everything said is confirmed; False where the time was not enough."""
        return await self.until(lambda panel: panel.quiet, timeout_seconds=timeout_seconds)

    async def until(self, reached: Callable[[Panel], bool], *, timeout_seconds: float) -> bool:
        """Wait until something is true of every panel; False where the time was not enough."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds):
                while waiting := [panel for panel in self.by_id.values() if not reached(panel)]:
                    await waiting[0].changed.wait()
                return True
        return False

    async def play(self, steps: Iterable[Step]) -> None:
        """Play a timetable from now on, in its order.

        Raises:
            ConfigurationError: a step is about a panel or a part that is not here.
        """
        known = list(steps)
        unknown = {step.transmitter_id for step in known} - self.by_id.keys()
        if unknown:
            raise ConfigurationError(f"the timetable speaks of panels that do not exist, among them {min(unknown)}")
        loop = asyncio.get_running_loop()
        start = loop.time()
        for step in known:
            await asyncio.sleep(start + step.offset_seconds - loop.time())
            self.by_id[step.transmitter_id].perform(step)
