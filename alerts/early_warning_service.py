"""Early warning as a process of its own: telemetry's hand-over in, early warnings out. A fire signal never waits for it."""

import asyncio
import logging
import os
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from struct import error as struct_error

from alerts import early_warning_metrics as metrics
from alerts import rules
from alerts.conclusions import conclude
from alerts.early_warning_settings import EarlyWarningSettings
from alerts.facts import Actor, Observation
from alerts.roster import RosterFile
from runtime.database import Connection, Pool, pool, refuse_other_version, translated
from runtime.errors import Unavailable
from runtime.health import Health
from signals.kinds import Kind
from signals.packing import Reading, unpack
from sql.queries import load

QUERIES = load("alerts_early_warning")
BATCHES_AT_ONCE = 8
POLL_SECONDS = 0.2
RETRY_SECONDS = 1.0
WARM_UP = timedelta(minutes=2)
"""What is read again after a restart: twice the rules' window."""
FORGET_SECONDS = 7200.0
"""A point not heard from for so long begins anew."""
FORGET_EVERY = 100_000
"""Readings between two looks for such points."""
NICENESS = 5

log = logging.getLogger(__name__)


class Watch:
    """The rules' memory of all points, and the findings that no transaction has taken yet."""

    def __init__(self, standing: Iterable[tuple[str, str]]) -> None:
        self._states: dict[tuple[str, str], rules.PointState] = {}
        self._standing = set(standing)
        self._count = 0
        self.findings: list[tuple[tuple[str, str], rules.Finding, datetime]] = []
        self.fed: set[int] = set()
        """Batches taken whose transaction has not committed."""

    def __len__(self) -> int:
        return len(self._states)

    def feed_batch(self, packed: bytes, *, received_at: datetime) -> None:
        """Take a batch. One that does not read is logged and passed over: it must not stop the others."""
        try:
            for reading in unpack(packed):
                self.feed(reading, received_at=received_at)
        except (ValueError, IndexError, RuntimeError, struct_error) as error:
            log.error("a batch of telemetry received at %s does not read: %s", received_at, error)  # noqa: TRY400

    def feed(self, reading: Reading, *, received_at: datetime) -> None:
        """Take a reading; what it begins or ends is added to `findings`."""
        celsius = reading.values.get("temperature_celsius")
        if celsius is None:
            return
        metrics.READINGS.inc()
        self._count += 1
        if self._count % FORGET_EVERY == 0:
            self._forget()
        key = (reading.transmitter_id, reading.point)
        state = self._states.get(key)
        if state is None:
            self._states[key] = rules.begin(reading.time, celsius, active=key in self._standing)
        elif (finding := rules.feed(state, reading.time, celsius=celsius)) is not None:
            self.findings.append((key, finding, received_at))

    def _forget(self) -> None:
        newest = max(state.last for state in self._states.values())
        for key, state in list(self._states.items()):
            if newest - state.last > FORGET_SECONDS and not state.active:
                del self._states[key]


def observations(watch: Watch) -> list[Observation]:
    """The watch's findings as words about conditions."""
    return [
        Observation(
            transmitter_id=transmitter_id,
            point=point,
            kind=Kind.EARLY_WARNING,
            active=finding.active,
            occurred_at=datetime.fromtimestamp(finding.time, UTC),
            received_at=received_at,
            reason=finding.reason,
            actor=Actor.EARLY_WARNING,
        )
        for (transmitter_id, point), finding, received_at in watch.findings
    ]


async def conclude_batches(connection: Connection, watch: Watch, *, roster: RosterFile, now: Callable[[], datetime]) -> bool:
    """One transaction: claim batches, feed them, conclude, delete them. False where there were none.

    A transaction that fails leaves the batches in the inbox, and their findings in the watch for the next.
    """
    async with connection.transaction():
        cursor = await connection.execute(QUERIES["claim_telemetry"], {"most": BATCHES_AT_ONCE})
        claimed: list[tuple[int, datetime, bytes]] = await cursor.fetchall()  # type: ignore[assignment]
        if not claimed:
            return False
        for inbox_id, received_at, packed in claimed:
            if inbox_id not in watch.fed:
                watch.feed_batch(packed, received_at=received_at)
                watch.fed.add(inbox_id)
            await asyncio.sleep(0)
        if watch.findings:
            await conclude(connection, observations(watch), roster=roster, at=now())
        await connection.execute(QUERIES["delete_telemetry"], {"inbox_ids": [inbox_id for inbox_id, _, _ in claimed]})
    metrics.RAISED.inc(sum(finding.active for _, finding, _ in watch.findings))
    watch.findings.clear()
    watch.fed.clear()
    metrics.LAG.set((now() - claimed[-1][1]).total_seconds())
    metrics.POINTS.set(len(watch))
    return True


async def warm(connection: Connection, *, now: Callable[[], datetime]) -> Watch:
    """A watch that knows what stood, and what was measured, just before."""
    await refuse_other_version(connection)
    cursor = await connection.execute(QUERIES["standing_warnings"])
    watch = Watch((str(transmitter_id), str(point)) for transmitter_id, point in await cursor.fetchall())
    cursor = await connection.execute(QUERIES["recent_temperatures"], {"since": now() - WARM_UP})
    async for transmitter_id, point, time, celsius in cursor:
        reading = Reading(
            transmitter_id=str(transmitter_id),
            point=str(point),
            time=float(time),  # type: ignore[arg-type]
            values={"temperature_celsius": float(celsius)},  # type: ignore[arg-type]
        )
        watch.feed(reading, received_at=now())
    return watch


async def run(settings: EarlyWarningSettings, health: Health) -> None:
    """Run until cancelled. The database away: try again, for ever."""
    os.nice(NICENESS)
    roster = RosterFile(settings.roster_file)
    committed = now()
    problem: str | None = "has not read the database yet"

    def age_seconds() -> float:
        return (now() - committed).total_seconds()

    health.facts["last_commit_age_seconds"] = age_seconds
    health.checks["database"] = lambda: problem
    health.checks["roster"] = roster.problem
    watch: Watch | None = None
    async with pool(settings.alerts_database_url, name="wanghuo early-warning", size=1) as connections:
        while True:
            try:
                watch, found = await _turn(connections, watch, roster=roster)
            except Unavailable as error:
                problem = str(error)
                log.warning("early warning waits: %s", error)
                await asyncio.sleep(RETRY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
                continue
            committed, problem = now(), None
            if not found:
                await asyncio.sleep(POLL_SECONDS)


async def _turn(connections: Pool, watch: Watch | None, *, roster: RosterFile) -> tuple[Watch, bool]:
    if watch is None:
        async with translated(), connections.connection() as connection:
            watch = await warm(connection, now=now)
    async with translated(), connections.connection() as connection:
        return watch, await conclude_batches(connection, watch, roster=roster, now=now)


def now() -> datetime:
    """The service's one clock."""
    return datetime.now(UTC)
