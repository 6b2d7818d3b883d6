"""What the tests of notifications share: a roster's file, a clock, and answers of a channel."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alarm_world import TIMEOUT_SECONDS, OnDuty, World, observed

from alerts.notifier import run_notifier
from alerts.roster import RosterFile
from runtime.database import pool
from signals.kinds import Kind


@dataclass
class Clock:
    """A clock that the test puts forward; it begins at the true time, for the database's clock is asked as well."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


class Gate:
    """Holds requests back until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._lock = threading.Lock()
        self.held = 0

    def __call__(self) -> int:
        with self._lock:
            self.held += 1
        self._open.wait(TIMEOUT_SECONDS)
        return 200

    def open(self) -> None:
        self._open.set()


@dataclass
class Office:
    """A world, its roster's file, and a clock."""

    world: World
    path: Path
    clock: Clock

    def write(self, **channels: str | list[str]) -> None:
        self.path.write_text(
            "".join(f'[[officer]]\nname = "{name}"\nchannels = {_listed(urls)}\n' for name, urls in channels.items())
        )

    async def owe(self, *kinds: Kind, names: tuple[str, ...] = ("wang",)) -> None:
        """Raise an alarm of each of the kinds, of which `names` are to be told."""
        facts = [observed(kind, point=f"N{number}", seq=number) for number, kind in enumerate(kinds, 1)]
        await self.world.conclude(*facts, at=self.clock.at, roster=OnDuty(names))

    @asynccontextmanager
    async def running(self, url: str | None = None, wake: asyncio.Event | None = None) -> AsyncIterator[None]:
        url = url or self.world.database.url("wanghuo_alerts")
        async with pool(url, name="notifier", size=1) as connections:
            task = asyncio.create_task(run_notifier(connections, roster=RosterFile(self.path), now=self.clock, wake=wake))
            yield
            assert not task.done()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, condition: str) -> dict:
        """Wait for a notification of which the condition holds."""
        return await self.world.until(
            f"SELECT n.*, a.priority FROM notification AS n JOIN alarm AS a USING (alarm_id) WHERE {condition}"
        )

    async def all_sent(self) -> list[dict]:
        await self.world.until("SELECT 1 WHERE NOT EXISTS (SELECT FROM notification WHERE state <> 'sent')")
        return self.world.rows("SELECT * FROM notification ORDER BY alarm_id, recipient")

    async def after_attempts(self, count: int) -> dict:
        """Wait until so many attempts have ended."""
        return await self.until(f"attempts = {count} AND leased_until IS NULL")


def _listed(urls: str | list[str]) -> str:
    return str([urls] if isinstance(urls, str) else urls).replace("'", '"')


async def wait_for(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not reached():
            await asyncio.sleep(0.02)


def answering(*statuses: int) -> Callable[[], int]:
    """Answers in turn, the last for ever."""
    left = list(statuses)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


class Crowd:
    """Refuses everything, and remembers how many requests were there when each came."""

    def __init__(self) -> None:
        self.together: list[int] = []
        self._here = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self._here += 1
            self.together.append(self._here)
        time.sleep(0.005)
        with self._lock:
            self._here -= 1
        return 503
