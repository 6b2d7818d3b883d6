"""The hand-over of telemetry feeds the engine. What it remembers and what it was fed are stored and deleted together.

One connection at a time feeds, by a lock that lasts as long as the connection; another worker waits, and goes on from what is
stored. Batches are fed as they come and stay in the hand-over until the states that they made are stored: at once where there are
findings, which are concluded in the same transaction, else every some seconds. A worker that dies loses nothing and finds nothing
twice.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from zlib import crc32

import numpy as np

from alerts import early_warning_metrics as metrics
from alerts.conclusions import Roster, conclude
from alerts.early_warning.combination import NO_ZONE
from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Finding, Level
from alerts.facts import Actor, ConditionKey, Observation
from runtime.database import Connection
from runtime.errors import Unavailable
from runtime.failpoints import passing
from signals.facilities import Facility, limits
from signals.kinds import Kind
from signals.metrics import METRICS
from signals.packing import unpack
from sql.queries import load

ENGINE_LOCK = 0x77616E67_0002
BATCHES_AT_ONCE = 8
STORE_EVERY_SECONDS = 10.0
FED_MAXIMUM = 500
"""Batches fed after which the states are stored, however little time has passed."""
CONCLUDED_AT_ONCE = 500

log = logging.getLogger(__name__)
_SQL = load("alerts_early_warning")


class EngineTaken(Unavailable):
    """Another connection feeds the engine."""


class Feeder:
    """An engine, the batches it was fed since its states were stored, and what it found in them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.lag_seconds = 0.0
        self._fed: list[int] = []
        self._findings: list[tuple[Finding, datetime]] = []
        self._stored_at = time.monotonic()

    async def turn(self, connection: Connection, *, roster: Roster, now: Callable[[], datetime]) -> bool:
        """Feed the next batches, and store where it is time; False where there was nothing to feed.

        Raises:
            Unavailable: this feeder must not be used again: another may have gone on with what is stored.
        """
        async with connection.transaction():
            cursor = await connection.execute(_SQL["next_telemetry"], {"fed": self._fed, "most": BATCHES_AT_ONCE})
            rows: list[tuple[int, datetime, bytes]] = await cursor.fetchall()  # type: ignore[assignment]
        for inbox_id, received_at, packed in rows:
            self._feed(packed, received_at=received_at)
            self._fed.append(inbox_id)
            await asyncio.sleep(0)
        if rows:
            self.lag_seconds = (now() - rows[-1][1]).total_seconds()
        if self._is_to_be_stored():
            passing("early_warning.fed")
            await self._store(connection, roster=roster, at=now())
        return bool(rows)

    def place(self, zones: Iterable[tuple[str, str, str]], *, sensitivities: Iterable[tuple[str, str, float]]) -> None:
        """Tell the engine where the points it knows are, and how sensitive they shall be. What is not named is ordinary."""
        book = self.engine.book
        book.zones[: len(book)] = NO_ZONE
        for transmitter_id, point, zone in zones:
            if (number := book.find(transmitter_id, point)) is not None:
                book.place(number, zone=crc32(zone.encode()) & 0x7FFFFFFF)
        book.sensitivity[: len(book)] = 1.0
        for transmitter_id, point, sensitivity in sensitivities:
            if (number := book.find(transmitter_id, point)) is not None:
                book.desensitise(number, sensitivity=sensitivity)

    def ask(self, held_to: Iterable[tuple[str, str, str, str]]) -> None:
        """Tell the engine what the register holds its points to: (transmitter, point, facility, limits)."""
        facilities: dict[int, Facility] = {}
        own: dict[str, dict[int, float]] = {}
        for transmitter_id, point, facility, told in held_to:
            if (number := self.engine.book.find(transmitter_id, point)) is None:
                continue
            if facility:
                facilities[number] = Facility(facility)
            for metric, limit in limits(told).items():
                own.setdefault(metric, {})[number] = limit
        self.engine.ask(facilities, limits=own)

    def _feed(self, packed: bytes, *, received_at: datetime) -> None:
        """Feed one batch. One that does not read is logged and passed over: it must not stop the others."""
        try:
            found = unpack(packed)
        except ValueError as error:
            log.error("a batch of telemetry received at %s does not read: %s", received_at, error)  # noqa: TRY400
            return
        followed = np.array([self.engine.follows(metric) for metric in METRICS])[found.metrics]
        if not followed.any():
            return
        series = found.series[followed]
        points = {place: self.engine.book.number(*found.names[place]) for place in np.unique(series).tolist()}
        slots = self.engine.slots(np.array([points[place] for place in series.tolist()], np.int64), metrics=found.metrics[followed])
        findings = self.engine.feed(slots, times=found.times[followed], values=found.values[followed])
        self._findings += [(finding, received_at) for finding in findings]
        metrics.READINGS.inc(len(series))

    def _is_to_be_stored(self) -> bool:
        due = time.monotonic() - self._stored_at >= STORE_EVERY_SECONDS or len(self._fed) >= FED_MAXIMUM
        return bool(self._findings) or (bool(self._fed) and due)

    async def _store(self, connection: Connection, *, roster: Roster, at: datetime) -> None:
        words, turned = repeatable(observations(self._findings))
        while words and len(words) + len(turned) > CONCLUDED_AT_ONCE:
            # A transaction concludes once. Were the states never stored, this would be found again, and be no news.
            async with connection.transaction():
                await conclude(connection, words[:CONCLUDED_AT_ONCE], roster=roster, at=at)
            words = words[CONCLUDED_AT_ONCE:]
        async with connection.transaction():
            await conclude(connection, [*words, *turned], roster=roster, at=at)
            for block in self.engine.take_changed():
                await connection.execute(_SQL["store_block"], {"block": block, "packed": self.engine.dump(block), "at": at})
            await connection.execute(_SQL["delete_telemetry"], {"inbox_ids": self._fed})
            passing("early_warning.before_commit")
        passing("early_warning.after_commit")
        metrics.RAISED.inc(sum(finding.level is Level.WARNING for finding, _ in self._findings))
        metrics.WATCHES.inc(sum(finding.level is Level.WATCH for finding, _ in self._findings))
        self._fed.clear()
        self._findings.clear()
        self._stored_at = time.monotonic()


async def begin(connection: Connection, *, engine: Engine) -> Feeder:
    """Take the lock for as long as this connection lasts, and go on from what is stored.

    Raises:
        EngineTaken: another connection feeds.
    """
    async with connection.transaction():
        cursor = await connection.execute(_SQL["lock_engine"], {"key": ENGINE_LOCK})
        if not (await cursor.fetchone() or (False,))[0]:
            raise EngineTaken("another worker feeds the engine of early warning; this one waits for it to end")
        cursor = await connection.execute(_SQL["load_blocks"])
        async for block, packed in cursor:
            engine.load(int(str(block)), bytes(packed))  # type: ignore[call-overload]
    return Feeder(engine)


def observations(findings: Sequence[tuple[Finding, datetime]]) -> list[Observation]:
    """What was found as words about conditions. A watch is a condition that asks nobody to act."""
    return [
        _observed(finding, kind, active=active, received_at=received_at)
        for finding, received_at in findings
        for kind, active in _said(finding).items()
    ]


def repeatable(words: Sequence[Observation]) -> tuple[list[Observation], list[Observation]]:
    """Words that change nothing when they are said again, and those of conditions that had turned: began, over, began once more."""
    first: dict[ConditionKey, bool] = {}
    turned: dict[ConditionKey, list[Observation]] = {}
    same = []
    for word in words:
        if word.key not in turned and first.setdefault(word.key, word.active) == word.active:
            same.append(word)
        else:
            turned.setdefault(word.key, []).append(word)
    return same, [word for those in turned.values() for word in those]


def _said(finding: Finding) -> Mapping[Kind, bool]:
    match finding.level:
        case Level.NONE:
            return {Kind.EARLY_WATCH: False, finding.kind: False}
        case Level.WATCH:
            return {Kind.EARLY_WATCH: True}
        case Level.WARNING:
            return {finding.kind: True}


def _observed(finding: Finding, kind: Kind, *, active: bool, received_at: datetime) -> Observation:
    return Observation(
        transmitter_id=finding.transmitter_id,
        point=finding.point,
        kind=kind,
        active=active,
        occurred_at=datetime.fromtimestamp(finding.time, UTC),
        received_at=received_at,
        reason=finding.reason,
        detail={"confidence": round(finding.confidence, 3)} if active else {},
        actor=Actor.EARLY_WARNING,
    )
