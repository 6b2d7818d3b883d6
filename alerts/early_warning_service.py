"""Early warning as a process of its own: telemetry's hand-over in, early warnings out. A fire signal never waits for it."""

import asyncio
import logging
import os
import random
import time
from datetime import UTC, datetime, timedelta

from alerts import early_warning_metrics as metrics
from alerts.conclusions import Roster
from alerts.early_warning.engine import Engine
from alerts.early_warning_feeding import Feeder, begin
from alerts.early_warning_settings import EarlyWarningSettings
from alerts.nuisances import NUISANCES_A_DAY, units_above
from alerts.roster import RosterFile
from alerts.wording import SHANGHAI
from runtime.database import Connection, Pool, pool, refuse_other_version, translated
from runtime.errors import Unavailable
from runtime.health import Health
from sql.queries import load

POLL_SECONDS = 0.2
RETRY_SECONDS = 1.0
LOOK_EVERY_SECONDS = 60.0
"""So often zones, sensitivities and what points are held to are read, and the share of the fleet that is served is counted."""
SERVED_INTERVAL = timedelta(minutes=10)
NICENESS = 5

log = logging.getLogger(__name__)
_SQL = load("alerts_early_warning")


class Service:
    """Feeds for ever, on one connection at a time."""

    def __init__(self, *, roster: Roster) -> None:
        self.committed = now()
        self.problem: str | None = "has not read the database yet"
        self._roster = roster

    def tell(self, health: Health) -> None:
        """What this process says of its health."""
        health.facts["last_commit_age_seconds"] = self._age_seconds
        health.checks["database"] = lambda: self.problem

    def _age_seconds(self) -> float:
        return (now() - self.committed).total_seconds()

    async def run(self, connections: Pool) -> None:
        """Feed for ever. Whenever the database fails, go on from what is stored."""
        while True:
            try:
                async with translated(), connections.connection() as connection:
                    try:
                        await self._feed(connection)
                    finally:
                        await connection.close()  # the lock on the engine ends with it
            except Unavailable as error:
                self.problem = str(error)
                log.warning("early warning waits: %s", error)
                await asyncio.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311

    async def _feed(self, connection: Connection) -> None:
        async with connection.transaction():
            await refuse_other_version(connection)
        feeder, looked_at = await begin(connection, engine=Engine()), -LOOK_EVERY_SECONDS
        while True:
            if time.monotonic() - looked_at >= LOOK_EVERY_SECONDS:
                await look(connection, feeder)
                looked_at = time.monotonic()
            found = await feeder.turn(connection, roster=self._roster, now=now)
            self.committed, self.problem = now(), None
            metrics.LAG.set(feeder.lag_seconds if found else 0.0)
            metrics.POINTS.set(len(feeder.engine))
            if not found:
                await asyncio.sleep(POLL_SECONDS)


async def look(connection: Connection, feeder: Feeder) -> None:
    """Read where points are, how sensitive they shall be and what they are held to; count whom the engine serves."""
    at = now()
    async with connection.transaction():
        zones = await (await connection.execute(_SQL["zones"])).fetchall()
        held_to = await (await connection.execute(_SQL["held_to"])).fetchall()
        sensitivities = await (await connection.execute(_SQL["sensitivities"], {"at": at})).fetchall()
        fleet = await (await connection.execute(_SQL["fleet"], {"today": at.astimezone(SHANGHAI).date()})).fetchone()
        units = await units_above(connection, NUISANCES_A_DAY, at=at)
    feeder.place(zones, sensitivities=sensitivities)  # type: ignore[arg-type]
    feeder.ask(held_to)  # type: ignore[arg-type]
    served = feeder.engine.served(at.timestamp(), within_seconds=SERVED_INTERVAL.total_seconds())
    metrics.SERVED.set(served / int(str(fleet[0])) if fleet and fleet[0] else 0.0)
    metrics.BYTES.set(feeder.engine.bytes)
    metrics.NUISANCE_UNITS.set(units)


async def run(settings: EarlyWarningSettings, health: Health) -> None:
    """Run until cancelled."""
    os.nice(NICENESS)
    roster = RosterFile(settings.roster_file)
    service = Service(roster=roster)
    service.tell(health)
    health.checks["roster"] = roster.problem
    async with pool(settings.alerts_database_url, name="wanghuo early-warning", size=1) as connections:
        await service.run(connections)


def now() -> datetime:
    """The service's one clock."""
    return datetime.now(UTC)
