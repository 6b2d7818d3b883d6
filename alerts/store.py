"""The desk's way to the database and back: lock, load, record. A handful of statements, however many facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import blake2b
from typing import Protocol

from psycopg.types.json import Jsonb

from alerts import rows
from alerts.desk import Desk, Loaded
from alerts.facts import ConditionKey
from alerts.ordering import resets_above
from runtime.database import Connection
from sql import queries

_SQL = queries.load("alerts")


class Roster(Protocol):
    """Whom to notify."""

    def recipients(self, *, village_id: str | None, priority: int, at: datetime) -> Sequence[str]:
        """Names of those to be told of an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a transaction is about.

    `keys`: single conditions. `wide`: transmitters of which every condition may be concerned. `alarm_ids`: alarms to load besides.
    """

    keys: frozenset[ConditionKey]
    wide: frozenset[str] = frozenset()
    alarm_ids: frozenset[int] = frozenset()


async def lock(connection: Connection, scope: Scope) -> None:
    """Keep every other transaction out of the scope until this one ends.

    A condition is locked for itself and its transmitter shared; a wide transmitter is locked for itself. All in one order, so that
    nobody waits in a circle; a transaction therefore locks once. Every lock takes a place in the server's lock table (6,400 by
    default): callers bound their batches.
    """
    transmitters = {key.transmitter_id for key in scope.keys} | scope.wide
    shared = {_lock_key(name): name not in scope.wide for name in transmitters}
    shared |= {_lock_key(*key): False for key in scope.keys if key.transmitter_id not in scope.wide}
    keys = sorted(shared)
    await connection.execute(_SQL["lock"], {"keys": keys, "shared": [shared[key] for key in keys]})


async def load(connection: Connection, scope: Scope) -> Loaded:
    """Read what the desk needs."""
    single = [key for key in scope.keys if key.transmitter_id not in scope.wide]
    keys = sorted({*single, *(reset for key in single for reset in resets_above(key))})
    wanted = {
        "transmitters": [key.transmitter_id for key in keys],
        "points": [key.point for key in keys],
        "kinds": [str(key.kind) for key in keys],
        "raw_kinds": [key.raw_kind for key in keys],
        "wide": list(scope.wide),
        "alarm_ids": list(scope.alarm_ids),
    }
    addresses = list({(key.transmitter_id, key.point) for key in scope.keys})
    named = {"transmitters": [name for name, _ in addresses], "points": [point for _, point in addresses], "wide": wanted["wide"]}
    async with connection.pipeline():
        conditions = await connection.execute(_SQL["load_conditions"], wanted)
        alarms = await connection.execute(_SQL["load_alarms"], wanted)
        found_places = await connection.execute(_SQL["load_places"], named)
    places = {(str(row[0]), str(row[1])): rows.place_of(row[2:]) for row in await found_places.fetchall()}
    return Loaded(
        conditions=[rows.condition_of(row) for row in await conditions.fetchall()],
        alarms=[rows.alarm_of(row, places=places) for row in await alarms.fetchall()],
        places=places,
    )


async def record(connection: Connection, desk: Desk, *, roster: Roster, at: datetime) -> None:
    """Write what changed: conditions, alarms, journal, and the notifications and publications that are owed."""
    desk.name_raised(await _draw_ids(connection, count=desk.raised))
    recipients = cache(lambda village_id, priority: tuple(roster.recipients(village_id=village_id, priority=priority, at=at)))
    written = {
        "put_conditions": [rows.condition_row(condition) for condition in desk.conditions],
        "insert_alarms": [rows.alarm_row(alarm, at=at) for alarm in desk.new_alarms],
        "update_alarms": [rows.alarm_row(alarm, at=at) for alarm in desk.changed_alarms],
        "insert_journal": [rows.journal_row(change, at=at) for change in desk.changes],
        "insert_notifications": [
            row for change in desk.changes for row in rows.notification_rows(change, recipients=recipients, at=at)
        ],
        "insert_publications": [row for change in desk.changes for row in rows.publication_rows(change, at=at)],
    }
    async with connection.pipeline():
        for statement, found in written.items():
            if found:
                await connection.execute(_SQL[statement], {"rows": Jsonb(found)})


async def _draw_ids(connection: Connection, *, count: int) -> list[int]:
    if count == 0:
        return []
    drawn = await connection.execute(_SQL["draw_alarm_ids"], {"count": count})
    return [int(str(row[0])) for row in await drawn.fetchall()]


def _lock_key(*parts: str) -> int:
    """64 bits of what is locked; two things that share them wait for each other, no more."""
    return int.from_bytes(blake2b("\0".join(parts).encode(), digest_size=8, person=b"wanghuo-alarms").digest(), "big", signed=True)
