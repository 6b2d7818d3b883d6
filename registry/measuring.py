"""The connection ratio of this database: fetch the facts of one instant, measure, keep snapshots.

Connections are in autocommit: each call makes its own transaction.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from psycopg import IsolationLevel
from psycopg.errors import SerializationFailure
from psycopg.rows import dict_row

from registry.days import day_of, end_of
from registry.ratio import DEFINITION_VERSION, Evidence, KeyUnit, Moment, Reason, Transmitter, TransmitterClass, measure, moment
from runtime.database import Connection
from sql.queries import load

CLOSING_TIME = timedelta(minutes=5)
"""A day's snapshot is taken this long after its midnight: presence lags the newest message by up to 10 s, and clocks differ."""
CATCH_UP_DAYS = 400
"""Daily snapshots missed for longer than this are not made up for."""

_SQL = load("registry")


class Occasion(StrEnum):
    """Why a snapshot was taken."""

    DAILY = "daily"
    ON_DEMAND = "on_demand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The evidence at a moment; villages: names by id, all of them; listening_since: first instant the centre heard anything."""

    moment: Moment
    evidence: list[Evidence]
    villages: dict[str, str]
    unit_names: dict[str, str]
    listening_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A measurement as it was stored."""

    snapshot_id: int
    on_date: date
    taken_at: datetime
    occasion: Occasion
    definition_version: int
    lapse_days: int
    evidence: list[Evidence]


async def measure_now(connection: Connection, *, moment: Moment) -> Measurement:
    """Measure, with all facts from one instant of the database (a transaction of its own, read only)."""
    async with _one_instant(connection):
        return await _measure(connection, moment=moment)


async def take_snapshot(connection: Connection, *, moment: Moment, occasion: Occasion, now: datetime) -> Snapshot | None:
    """Measure and store, in one transaction.

    Returns:
        The snapshot; None where the day has its daily snapshot already.
    """
    head: dict[str, Any] = {
        "on_date": moment.on,
        "taken_at": now,
        "occasion": occasion,
        "definition_version": DEFINITION_VERSION,
        "lapse_days": moment.lapse_days,
    }
    # A row that another service committed since our instant is one that we can neither see nor pass over.
    with suppress(SerializationFailure):
        async with _one_instant(connection):
            evidence = (await _measure(connection, moment=moment)).evidence
            row = await (await connection.execute(_SQL["add_snapshot"], head)).fetchone()
            if row is not None:
                units = [asdict(one) | {"snapshot_id": row[0]} for one in evidence]
                await connection.cursor().executemany(_SQL["add_snapshot_unit"], units)
                return Snapshot(**head, snapshot_id=int(str(row[0])), evidence=evidence)
    return None


async def take_daily_snapshots(connection: Connection, *, now: datetime, lapse_days: int) -> list[date]:
    """Take the snapshot of every closed day since the last one: yesterday's, and those missed while we were down.

    Where there is none yet the series begins with yesterday. Each is a transaction of its own; running it twice, or twice at
    once, adds nothing.

    Returns:
        The days whose snapshot was taken by this call.
    """
    closed = day_of(now - CLOSING_TIME) - timedelta(days=1)
    asked = {"definition_version": DEFINITION_VERSION, "lapse_days": lapse_days}
    cursor = await connection.execute(_SQL["last_daily_snapshot"], asked)
    row = await cursor.fetchone()
    last = row[0] if row else None
    first = last + timedelta(days=1) if isinstance(last, date) else closed
    first = max(first, closed - timedelta(days=CATCH_UP_DAYS))
    days = [first + timedelta(days=number) for number in range((closed - first).days + 1)]
    taken = []
    for day in days:
        whole = moment(now=now, on=day, lapse_days=lapse_days)
        if await take_snapshot(connection, moment=whole, occasion=Occasion.DAILY, now=now) is not None:
            taken.append(day)
    return taken


async def snapshots(connection: Connection, *, first: date, last: date) -> list[Snapshot]:
    """Stored snapshots of the days from first to last, by day and time taken."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL["snapshots"], {"first": first, "last": last})
        rows = await cursor.fetchall()
    found: dict[int, Snapshot] = {}
    for row in rows:
        head = {name: row[name] for name in ("snapshot_id", "on_date", "taken_at", "definition_version", "lapse_days")}
        kept = found.setdefault(row["snapshot_id"], Snapshot(**head, occasion=Occasion(row["occasion"]), evidence=[]))
        if row["key_unit_id"] is not None:
            kept.evidence.append(_evidence(row))
    return list(found.values())


def measured_at(snapshot: Snapshot) -> datetime:
    """The instant a snapshot speaks of: the end of its day, or when it was taken, if that was before."""
    return min(snapshot.taken_at, end_of(snapshot.on_date))


@asynccontextmanager
async def _one_instant(connection: Connection) -> AsyncIterator[None]:
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        async with connection.transaction():
            yield
    finally:
        if not connection.closed:
            await connection.set_isolation_level(None)


async def _measure(connection: Connection, *, moment: Moment) -> Measurement:
    async with connection.cursor(row_factory=dict_row) as cursor:
        villages = await (await cursor.execute(_SQL["villages"])).fetchall()
        units = await (await cursor.execute(_SQL["key_units"])).fetchall()
        transmitters = await (await cursor.execute(_SQL["heard_transmitters"], {"on_date": moment.on})).fetchall()
        since = await (await cursor.execute(_SQL["listening_since"])).fetchone()
    evidence = measure(map(_key_unit, units), map(_transmitter, transmitters), moment=moment)
    return Measurement(
        moment=moment,
        evidence=evidence,
        villages={row["village_id"]: row["name"] for row in villages},
        unit_names={row["key_unit_id"]: row["name"] for row in units},
        listening_since=since["min"] if since else None,
    )


def _key_unit(row: dict[str, Any]) -> KeyUnit:
    return KeyUnit(
        key_unit_id=row["key_unit_id"],
        village_id=row["village_id"],
        has_control_room=row["has_control_room"],
        listed_on=row["listed_on"],
        delisted_on=row["delisted_on"],
    )


def _transmitter(row: dict[str, Any]) -> Transmitter:
    return Transmitter(
        transmitter_id=row["transmitter_id"],
        key_unit_id=row["key_unit_id"],
        transmitter_class=TransmitterClass(row["class"]),
        accepted_on=row["accepted_on"],
        withdrawn_on=row["withdrawn_on"],
        last_heard_at=row["last_heard_at"],
    )


def _evidence(row: dict[str, Any]) -> Evidence:
    return Evidence(
        key_unit_id=row["key_unit_id"],
        village_id=row["village_id"],
        has_control_room=row["has_control_room"],
        connected=row["connected"],
        online=row["online"],
        reason=Reason(row["reason"]),
        transmitter_id=row["transmitter_id"],
        last_heard_at=row["last_heard_at"],
    )
