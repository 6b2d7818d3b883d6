"""The watchdog: looks at the services' health, pages people when the watch is blind, and tells a dead-man switch while it is not.

It needs neither database nor broker, and stands best on another machine.
"""

import asyncio
import http.client
import json
import logging
import uuid
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import build_opener

from alerts import watch
from alerts import watchdog_metrics as metrics
from alerts.channels import Message, spare_loopback
from alerts.delivery import Courier
from alerts.roster import RosterFile
from alerts.watchdog_settings import WatchdogSettings
from runtime.health import Health

LOOK_SECONDS = 3.0
LOOK_TIMEOUT_SECONDS = 3.0
"""For connecting and for each piece of an answer; twice as much for all of it."""
ANSWER_BYTES = 65_536
HEARTBEAT_SECONDS = 60.0
HEARTBEAT_AGAIN_SECONDS = 10.0
"""After one that was not taken, and while not everything is well."""
HEARTBEAT_TIMEOUT_SECONDS = 10.0
PAGE_AGAIN_FIRST_SECONDS = 2.0
PAGE_AGAIN_MOST_SECONDS = 60.0
PAGES_KEPT = 50

log = logging.getLogger(__name__)


def now() -> datetime:
    """The watchdog's one clock."""
    return datetime.now(UTC)


async def run(settings: WatchdogSettings, health: Health) -> None:
    """Watch until cancelled."""
    spare_loopback()
    watchdog = Watchdog(settings, roster=RosterFile(settings.roster_file), now=now)
    watchdog.tell(health)
    await watchdog.run()


class Watchdog:
    """Looks, pages, and tells the dead-man switch."""

    def __init__(self, settings: WatchdogSettings, *, roster: RosterFile, now: Callable[[], datetime]) -> None:
        self.state = watch.begin(settings.watched_urls, at=now())
        self._heartbeat_url = settings.heartbeat_url
        self._roster = roster
        self._now = now
        self._pages: deque[Message] = deque(maxlen=PAGES_KEPT)
        self._paged = asyncio.Event()
        self._page_error: str | None = None

    def tell(self, health: Health) -> None:
        """What it says of itself. Blindness of the watch is a fact it reports, not a problem it has."""
        health.checks["roster"] = self._roster.problem
        health.checks["pages"] = lambda: self._page_error
        health.facts["blind"] = lambda: {service.name: service.complaint for service in self.state.blind.values()}

    async def run(self) -> None:
        """Watch for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look(), name="look")
            tasks.create_task(self._page(), name="page")
            if self._heartbeat_url is not None:
                tasks.create_task(self._beat(self._heartbeat_url), name="heartbeat")

    async def _look(self) -> None:
        while True:
            await self.look_around()
            await asyncio.sleep(LOOK_SECONDS)

    async def look_around(self) -> None:
        """Look at every service once, and queue the pages that follow."""
        urls = list(self.state.services)
        words = await asyncio.gather(*(self._ask(url) for url in urls))
        self._roster.current()
        self.state, pages = watch.look(self.state, dict(zip(urls, words, strict=True)), at=self._now())
        metrics.BLIND.set(len(self.state.blind))
        for page in pages:
            log.warning("%s\n%s", page.title, page.body)
            self._pages.append(Message(notification_id=str(uuid.uuid4()), title=page.title, body=page.body))
        metrics.PAGES_WAITING.set(len(self._pages))
        self._paged.set()

    async def _ask(self, url: str) -> watch.Word:
        try:
            async with asyncio.timeout(2 * LOOK_TIMEOUT_SECONDS):
                answer = await asyncio.to_thread(_get, f"{url}/healthz", timeout_seconds=LOOK_TIMEOUT_SECONDS)
            return watch.read(json.loads(answer), at=self._now())
        except TimeoutError:
            return watch.unreachable("no answer in time")
        except (ValueError, RecursionError):
            return watch.unintelligible()
        except (OSError, http.client.HTTPException) as error:
            # urllib wraps what the socket said.
            return watch.unreachable(str(getattr(error, "reason", error)) or type(error).__name__)

    async def _page(self) -> None:
        courier, pause = Courier(), PAGE_AGAIN_FIRST_SECONDS
        while True:
            self._paged.clear()
            if not self._pages:
                await self._paged.wait()
                continue
            page = self._pages[0]
            outcome = await courier.deliver(page, self._roster.current().watchdog_channels)
            if outcome.taken:
                self._page_error, pause = None, PAGE_AGAIN_FIRST_SECONDS
                metrics.PAGES.inc()
                if self._pages[0] is page:  # else it made room for newer ones
                    self._pages.popleft()
                metrics.PAGES_WAITING.set(len(self._pages))
                continue
            self._page_error = f"nobody took the page: {outcome.error}"
            metrics.PAGES_FAILED.inc()
            log.error("%s", self._page_error)
            await asyncio.sleep(pause)
            pause = min(PAGE_AGAIN_MOST_SECONDS, 2 * pause)

    async def _beat(self, url: str) -> None:
        while True:
            taken = self.state.all_well and await self._beat_once(url)
            await asyncio.sleep(HEARTBEAT_SECONDS if taken else HEARTBEAT_AGAIN_SECONDS)

    async def _beat_once(self, url: str) -> bool:
        try:
            async with asyncio.timeout(2 * HEARTBEAT_TIMEOUT_SECONDS):
                await asyncio.to_thread(_get, url, timeout_seconds=HEARTBEAT_TIMEOUT_SECONDS, only_good=True)
        except (OSError, http.client.HTTPException, ValueError) as error:
            # The URL is a secret: it is not repeated.
            log.warning("the dead-man switch did not take the heartbeat: %s", type(error).__name__)
            metrics.HEARTBEATS_FAILED.inc()
            return False
        metrics.HEARTBEATS.inc()
        return True


def _get(url: str, *, timeout_seconds: float, only_good: bool = False) -> bytes:
    """The answer's body; also of a 503, with which a service says that it is stuck.

    Raises:
        OSError: no answer, or with `only_good` a status other than 2xx.
        http.client.HTTPException: what answers does not speak HTTP.
    """
    try:
        # An opener of its own: the shared one would keep the proxies of the day it was first used.
        with build_opener().open(url, timeout=timeout_seconds) as answer:
            body: bytes = answer.read(ANSWER_BYTES)
    except HTTPError as error:
        with error:
            if only_good:
                raise
            body = error.read(ANSWER_BYTES)
    return body
