"""Liveness at work: every few seconds, who fell silent and who came back, concluded like any other observation."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from alerts import liveness_metrics as metrics
from alerts.alive import BOUNDS, GRACE, Heard, Named, TransmitterClass, judge
from alerts.conclusions import Roster, conclude
from alerts.facts import Actor, Observation
from alerts.hearing import Hearing, Span, hearing
from alerts.wording import SHANGHAI
from runtime.database import Connection, Pool, translated
from runtime.errors import Unavailable
from signals.gb26875 import LANE
from signals.kinds import Kind
from signals.topics import Lane
from sql.queries import load

QUERIES = load("alerts_liveness")
EVERY_SECONDS = 2.0
LOOK_BACK = max(most for _, most in BOUNDS.values()) + timedelta(days=1)
CONCLUDED_AT_ONCE = 500

log = logging.getLogger(__name__)


async def run_liveness(connections: Pool, *, roster: Roster, now: Callable[[], datetime]) -> None:
    """Judge for ever. The database away: silence then does not count, so there is nothing to catch up with."""
    while True:
        try:
            async with translated(), connections.connection() as connection:
                await judge_once(connection, roster=roster, at=now())
        except Unavailable as error:
            log.warning("liveness waits: %s", error)
        await asyncio.sleep(EVERY_SECONDS)


async def judge_once(connection: Connection, *, roster: Roster, at: datetime) -> None:
    """One judgement, in one transaction."""
    async with connection.transaction():
        everybody = await _everybody(connection, at=at)
        standing = await _standing(connection)
        by_frames = await _speaking_gb26875(connection)
        by_mqtt, by_gb26875 = await _hearing(connection, at=at)
        offline: dict[Named, str] = {}
        facts: list[Observation] = []
        for heard, frames in ((by_mqtt, False), (by_gb26875, True)):
            if heard.until is None:
                continue  # of those whom this wire reaches nothing can be told
            theirs = [one for one in everybody if (one.transmitter_id in by_frames) is frames]
            stood = {named for named in standing if (named.transmitter_id in by_frames) is frames}
            found = judge(theirs, heard, standing=stood)
            facts += [_word(named, active=True, reason=found[named], at=heard.until) for named in found.keys() - stood]
            facts += [_word(named, active=False, reason="heard again", at=heard.until) for named in stood - found.keys()]
            offline |= found
        # The rest follows with the next turn: a conclusion holds its locks no longer than it must.
        await conclude(connection, sorted(facts, key=lambda word: word.key)[:CONCLUDED_AT_ONCE], roster=roster, at=at)
    _count(everybody, offline)


async def _hearing(connection: Connection, *, at: datetime) -> tuple[Hearing, Hearing]:
    """When we could hear those who speak MQTT, on both of its lanes, and those who speak GB/T 26875.3."""
    spans: dict[str, list[Span]] = {lane: [] for lane in (*Lane, LANE)}
    cursor = await connection.execute(QUERIES["spans_of_hearing"], {"since": at - LOOK_BACK})
    for lane, up_from, heard_until in cast("list[tuple[str, datetime, datetime]]", await cursor.fetchall()):
        spans[lane].append((up_from, heard_until))
    return hearing([spans[lane] for lane in Lane], grace=GRACE), hearing([spans[LANE]], grace=GRACE)


async def _speaking_gb26875(connection: Connection) -> set[str]:
    cursor = await connection.execute(QUERIES["speaking_gb26875"])
    return {str(transmitter_id) for (transmitter_id,) in await cursor.fetchall()}


async def _everybody(connection: Connection, *, at: datetime) -> list[Heard]:
    cursor = await connection.execute(QUERIES["transmitters_heard"], {"today": at.astimezone(SHANGHAI).date()})
    rows = cast("list[tuple[str, str, str, str, datetime, int | None, bool | None, datetime | None]]", await cursor.fetchall())
    return [
        Heard(
            transmitter_id=transmitter_id,
            point=point,
            transmitter_class=TransmitterClass(name),
            path=path,
            last_heard_at=last_heard_at,
            interval=timedelta(seconds=interval) if interval else None,
            will_at=status_at if online is False else None,
        )
        for transmitter_id, point, name, path, last_heard_at, interval, online, status_at in rows
    ]


async def _standing(connection: Connection) -> set[Named]:
    cursor = await connection.execute(QUERIES["offline_now"])
    rows = cast("list[tuple[str, str, str]]", await cursor.fetchall())
    return {Named(transmitter_id, point, Kind(kind)) for transmitter_id, point, kind in rows}


def _word(named: Named, *, active: bool, reason: str, at: datetime) -> Observation:
    return Observation(
        transmitter_id=named.transmitter_id,
        point=named.point,
        kind=named.kind,
        active=active,
        occurred_at=at,
        received_at=at,
        reason=reason,
        actor=Actor.LIVENESS,
    )


def _count(everybody: list[Heard], offline: dict[Named, str]) -> None:
    known, silent = defaultdict[str, int](int), defaultdict[str, int](int)
    for heard in everybody:
        known[heard.transmitter_class] += 1
        silent[heard.transmitter_class] += Named(heard.transmitter_id, heard.point, Kind.OFFLINE) in offline
    for name in TransmitterClass:
        metrics.KNOWN.labels(name).set(known[name])
        metrics.OFFLINE.labels(name).set(silent[name])
