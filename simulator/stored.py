"""What the centre made of it: stored facts, alarms, journal, notifications, as the ledger is compared with them."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from psycopg.rows import class_row, kwargs_row

from runtime.database import Connection, pool, translated
from signals.gb26875.frames import read_one
from signals.topics import MessageClass
from simulator.entries import FRAME, Counter
from simulator.ledger import Ledger
from sql import queries

MARGIN_SECONDS = 5.0
"""The ledger's clock and the database's differ by less than this."""
POLL_SECONDS = 0.2
STANDSTILL_SECONDS = 10.0
"""Longer than a lane that was cut off takes to come back: of the telemetry nothing more comes."""
NOBODY = ""
"""Stands in an alarm that is about a path, which many transmitters share."""
CHUNK = 500
"""Transmitters whose telemetry is counted by one statement."""


class Identity(NamedTuple):
    """What makes a fact the same, by what the device sent alone.

    `content`: JSON with sorted members; of a frame command byte and data, hexadecimal. A frame does not say in which start it was
    said: its `boot` is 0.
    """

    transmitter_id: str
    message_class: str
    boot: int
    seq: int
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFact:
    """A row of `signal`. `identity` is None where the stored payload cannot be read."""

    origin_key: bytes
    transmitter_id: str
    identity: Identity | None
    stored_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAlarm:
    """A row of `alarm`."""

    alarm_id: int
    transmitter_id: str
    point: str
    kind: str
    raw_kind: str
    device_active: bool
    handling: str
    closed_by: str | None
    occurrences: int
    re_alarms: int
    raised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """A row of `alarm_journal`."""

    journal_id: int
    alarm_id: int
    event: str
    effect: str
    origin_key: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNotification:
    """A row of `notification`."""

    alarm_id: int
    occasion: int
    state: str
    sent_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryCount:
    """Rows of `telemetry` of one transmitter and boot. `times`: rows by seq; None where the sums agree with the ledger's."""

    rows: int
    times: Mapping[int, int] | None = None


@dataclass(slots=True, kw_only=True)
class Stored:
    """Everything of the transmitters that a ledger plays."""

    facts: Sequence[StoredFact] = ()
    alarms: Sequence[StoredAlarm] = ()
    journal: Sequence[JournalLine] = ()
    notifications: Sequence[StoredNotification] = ()
    telemetry: dict[Counter, TelemetryCount] = field(default_factory=dict)


def identity(transmitter_id: str, message_class: str, *, members: Mapping[str, Any]) -> Identity:
    """The identity of an object, or of a frame as the ledger has it."""
    if message_class == FRAME:
        return Identity(transmitter_id, FRAME, 0, members["seq"], members["content"])
    content = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return Identity(transmitter_id, message_class, members["boot"], members["seq"], content)


async def load(url: str, ledger: Ledger, *, patience_seconds: float) -> Stored:
    """Read what is stored, after ingest and alerts have had time to store, to conclude and to send what is on its way.

    Args:
        url: of a role that may read.
        ledger: whose transmitters.
        patience_seconds: wait so long at most until nothing is waiting any more; less where telemetry is missing and none comes.

    Raises:
        DatabaseAway: it cannot be read.
    """
    async with translated(), pool(url, name="ledger", size=1) as connections, connections.connection() as connection:
        await connection.set_autocommit(True)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await _wait_until_done(connection, ledger)
        began_at = min(ledger.played.values(), default=0.0)
        since = datetime.fromtimestamp(began_at - MARGIN_SECONDS, UTC)
        alarms = [alarm for alarm in await _alarms(connection, since) if alarm.transmitter_id in {NOBODY, *ledger.played}]
        alarm_ids = [alarm.alarm_id for alarm in alarms]
        return Stored(
            facts=[fact for fact in await _facts(connection, since) if fact.transmitter_id in ledger.played],
            alarms=alarms,
            journal=await _journal(connection, since, alarm_ids=alarm_ids),
            notifications=await _notifications(connection, alarm_ids),
            telemetry=await _telemetry(connection, ledger),
        )


async def _wait_until_done(connection: Connection, ledger: Ledger) -> None:
    # Nobody tells when there is nothing left to do, nor that what is missing will never come.
    loop, before = asyncio.get_running_loop(), -1
    still_since = loop.time()
    while True:
        busy, found = await _is_busy(connection), await _telemetry(connection, ledger)
        rows = sum(count.rows for count in found.values())
        if busy or rows != before:
            before, still_since = rows, loop.time()
        if not busy and (not _lacks_some(found, ledger) or loop.time() - still_since > STANDSTILL_SECONDS):
            return
        await asyncio.sleep(POLL_SECONDS)


async def _is_busy(connection: Connection) -> bool:
    cursor = await connection.execute(_QUERIES["waiting"])
    return any(await cursor.fetchone() or ())


def _lacks_some(found: Mapping[Counter, TelemetryCount], ledger: Ledger) -> bool:
    # The broker acknowledges a reading before ingest has stored it.
    return any(
        counter not in found or found[counter].rows < len(measured.acknowledged)
        for counter, measured in ledger.telemetry.items()
        if measured.acknowledged
    )


async def _facts(connection: Connection, since: datetime) -> list[StoredFact]:
    async with connection.cursor(row_factory=kwargs_row(_fact)) as cursor:
        await cursor.execute(_QUERIES["stored_signals"], {"since": since})
        return await cursor.fetchall()


def _fact(*, transmitter_id: str, origin_key: bytes, payload: bytes, stored_at: datetime, **counted: Any) -> StoredFact:
    found = None
    frame = read_one(bytes(payload)) if counted["boot"] is None else None
    if frame is not None:
        members = {"seq": frame.serial, "content": f"{frame.command:02x}{frame.data.hex()}"}
        found = identity(transmitter_id, FRAME, members=members)
    else:
        with suppress(ValueError, KeyError, TypeError):
            found = identity(transmitter_id, MessageClass(counted["class"]), members=json.loads(payload))
    return StoredFact(origin_key=bytes(origin_key), transmitter_id=transmitter_id, identity=found, stored_at=stored_at.timestamp())


async def _alarms(connection: Connection, since: datetime) -> list[StoredAlarm]:
    async with connection.cursor(row_factory=class_row(StoredAlarm)) as cursor:
        await cursor.execute(_QUERIES["alarms"], {"since": since})
        return await cursor.fetchall()


async def _journal(connection: Connection, since: datetime, *, alarm_ids: Sequence[int]) -> list[JournalLine]:
    async with connection.cursor(row_factory=class_row(JournalLine)) as cursor:
        await cursor.execute(_QUERIES["journal"], {"since": since, "alarm_ids": list(alarm_ids)})
        return await cursor.fetchall()


async def _notifications(connection: Connection, alarm_ids: Sequence[int]) -> list[StoredNotification]:
    async with connection.cursor(row_factory=class_row(StoredNotification)) as cursor:
        await cursor.execute(_QUERIES["notifications"], {"alarm_ids": list(alarm_ids)})
        return await cursor.fetchall()


async def _telemetry(connection: Connection, ledger: Ledger) -> dict[Counter, TelemetryCount]:
    """Count by transmitter and boot; seq by seq only where the sums do not agree with what was acknowledged."""
    boot = min((counter[1] for counter in ledger.telemetry), default=0)
    transmitter_ids = sorted({counter[0] for counter in ledger.telemetry})
    counted: dict[Counter, TelemetryCount] = {}
    for start in range(0, len(transmitter_ids), CHUNK):
        parameters = {"transmitter_ids": transmitter_ids[start : start + CHUNK], "boot": boot}
        cursor = await connection.execute(_QUERIES["telemetry_counts"], parameters)
        for transmitter_id, of_boot, *sums in await cursor.fetchall():
            counter = (str(transmitter_id), int(str(of_boot)))
            if counter in ledger.telemetry:
                rows, different, total = (int(str(value)) for value in sums)
                counted[counter] = TelemetryCount(
                    rows=rows, times=None if _agree(ledger, counter, sums=(rows, different, total)) else {}
                )
    for counter, count in counted.items():
        if count.times is not None:
            cursor = await connection.execute(_QUERIES["telemetry_seqs"], {"transmitter_id": counter[0], "boot": counter[1]})
            times = {int(str(seq)): int(str(number)) for seq, number in await cursor.fetchall()}
            counted[counter] = TelemetryCount(rows=count.rows, times=times)
    return counted


def _agree(ledger: Ledger, counter: Counter, *, sums: tuple[int, int, int]) -> bool:
    acknowledged = ledger.telemetry[counter].acknowledged
    runs = list(acknowledged)
    if len(runs) > 1:
        return False
    total = sum((first + last) * (last - first + 1) // 2 for first, last in runs)
    return sums == (len(acknowledged), len(acknowledged), total)


_QUERIES = queries.load("simulator")
