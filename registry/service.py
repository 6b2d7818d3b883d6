"""`wanghuo registry serve`: keeps the figures fresh, takes the daily snapshot, writes down points that nobody had registered."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from registry.measuring import measure_now, take_daily_snapshots
from registry.metrics import CONNECTION, FAILURES, POINTS, SNAPSHOTS, Duty
from registry.points import Points
from registry.ratio import moment
from registry.settings import RegistrySettings
from runtime.database import Connection, Pool, pool, refuse_other_version, translated
from runtime.errors import ConfigurationError, DatabaseAway, WanghuoError
from runtime.health import Health

FIGURES_EVERY_SECONDS = 5.0
POINTS_EVERY_SECONDS = 5.0
SNAPSHOTS_EVERY_SECONDS = 60.0
ROUND_TIMEOUT_SECONDS = 45.0
"""A server that is frozen, not gone, keeps its connection open and never answers."""
STALE_SECONDS = 60.0
"""Figures older than this are no longer fresh, and the service no longer ready."""

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class RegistryService:
    """Three duties side by side, each tried again for ever; what fails is logged when it begins to, and when it ends."""

    def __init__(self, settings: RegistrySettings, *, connections: Pool, now: Clock = utc_now) -> None:
        self._settings = settings
        self._pool = connections
        self._now = now
        self._points = Points()
        self._failing: dict[Duty, str] = {}
        self._measured_at: datetime | None = None

    def describe(self, health: Health) -> None:
        """Say how it is to /healthz and /readyz."""
        health.checks["figures"] = self._stale
        health.facts["last_commit_age_seconds"] = self._age_seconds
        health.facts["failing"] = lambda: dict(self._failing)

    async def run(self) -> None:
        """Do all duties until cancelled.

        Raises:
            ConfigurationError: the database is of another version than this program (inside an exception group).
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._forever(Duty.FIGURES, self.measure, every_seconds=FIGURES_EVERY_SECONDS), name="figures")
            group.create_task(
                self._forever(Duty.SNAPSHOTS, self.snapshots, every_seconds=SNAPSHOTS_EVERY_SECONDS), name="snapshots"
            )
            group.create_task(self._forever(Duty.POINTS, self.points, every_seconds=POINTS_EVERY_SECONDS), name="points")

    async def measure(self, connection: Connection) -> None:
        """Measure, and show it."""
        now = self._now()
        measured = await measure_now(connection, moment=moment(now=now, lapse_days=self._settings.lapse_days))
        CONNECTION.show(measured, measured_at=now)
        self._measured_at = now

    async def snapshots(self, connection: Connection) -> None:
        """Take the daily snapshots that are due."""
        taken = await take_daily_snapshots(connection, now=self._now(), lapse_days=self._settings.lapse_days)
        SNAPSHOTS.inc(len(taken))
        for day in taken:
            log.info("the connection ratio of %s is on record", day)

    async def points(self, connection: Connection) -> None:
        """Add points named by signals and unknown to the register."""
        added = await self._points.add_seen(connection, now=self._now())
        POINTS.inc(added)
        if added:
            log.info("%d points were named by signals and are not in the register: added as unregistered", added)

    async def _forever(self, duty: Duty, work: Callable[[Connection], Awaitable[None]], *, every_seconds: float) -> None:
        while True:
            await self._once(duty, work)
            await asyncio.sleep(every_seconds)

    async def _once(self, duty: Duty, work: Callable[[Connection], Awaitable[None]]) -> None:
        try:
            async with asyncio.timeout(ROUND_TIMEOUT_SECONDS), translated(), self._pool.connection() as connection:
                await connection.set_autocommit(True)
                await refuse_other_version(connection)
                await work(connection)
        except ConfigurationError:
            raise
        except (WanghuoError, TimeoutError) as error:
            problem = error if isinstance(error, WanghuoError) else DatabaseAway(f"no answer within {ROUND_TIMEOUT_SECONDS:g} s")
            self._fail(duty, problem=str(problem))
        else:
            if self._failing.pop(duty, None) is not None:
                log.info("%s: works again", duty)

    def _fail(self, duty: Duty, *, problem: str) -> None:
        FAILURES.labels(duty).inc()
        if self._failing.get(duty) != problem:
            log.warning("%s: %s; trying again", duty, problem)
        self._failing[duty] = problem

    def _age_seconds(self) -> float | None:
        measured_at = self._measured_at
        return None if measured_at is None else max(0.0, (self._now() - measured_at).total_seconds())

    def _stale(self) -> str | None:
        age = self._age_seconds()
        if age is None:
            return "nothing has been measured yet"
        return None if age < STALE_SECONDS else f"the figures are {age:.0f} s old, the limit is {STALE_SECONDS:g} s"


async def serve(settings: RegistrySettings, health: Health) -> None:
    """The service, for `runtime.service.run`."""
    async with pool(settings.registry_database_url, name="wanghuo-registry", size=3) as connections:
        service = RegistryService(settings, connections=connections)
        service.describe(health)
        await service.run()
