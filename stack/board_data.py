"""What the live board shows, read from the database and the services' metrics."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection, HTTPException
from typing import cast
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from registry.ratio import Denominator, Figures, figures_by_village
from runtime.database import Connection
from sql.queries import load
from stack.private import INGEST_SERVICES, PrivateStack
from stack.township import connection_ratio

QUERIES = load("board")
ALARMS_SHOWN = 10
SCRAPE_TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlarm:
    """An alarm that stands."""

    alarm_id: int
    priority: int
    kind: str
    handling: str
    transmitter_id: str
    point: str
    reason: str
    village: str
    unit: str
    raised_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What there is by now; `waiting`: rows of the hand-over tables."""

    signals: int
    telemetry: int
    alarms: int
    open_alarms: int
    fires: int
    early_warnings: int
    notifications_sent: int
    notifications_due: int
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardData:
    """One look. `villages`: figures by the village's name, all key units."""

    totals: Totals
    alarms: Sequence[OpenAlarm]
    villages: dict[str, Figures]
    stored: float


async def read_totals(connection: Connection) -> Totals:
    """The totals of the database."""
    row = await (await connection.execute(QUERIES["totals"])).fetchone()
    assert row is not None
    names = Totals.__dataclass_fields__
    return Totals(**dict(zip(names, cast("tuple[int, ...]", row), strict=True)))


async def look(stack: PrivateStack, connection: Connection) -> BoardData:
    """Read everything.

    Raises:
        psycopg.Error, Unavailable: the database is away.
    """
    cursor = await connection.execute(QUERIES["open_alarms"], {"most": ALARMS_SHOWN})
    names = OpenAlarm.__dataclass_fields__
    alarms = [OpenAlarm(**dict(zip(names, row, strict=True))) for row in await cursor.fetchall()]  # type: ignore[arg-type]
    measured = await connection_ratio(stack)
    villages = figures_by_village(measured.evidence, villages=measured.villages, denominator=Denominator.ALL)
    return BoardData(
        totals=await read_totals(connection),
        alarms=alarms,
        villages={measured.villages[village_id]: found for village_id, found in villages.items()},
        stored=await asyncio.to_thread(_stored, stack),
    )


def _stored(stack: PrivateStack) -> float:
    return sum(metric(stack.url(name), "wanghuo_ingest_stored_total") for name in INGEST_SERVICES)


def metric(base: str, name: str) -> float:
    """Sum of a metric over its labels, as a service says now; 0 where it does not answer."""
    parts = urlsplit(base)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=SCRAPE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, HTTPException):
        return 0.0
    finally:
        connection.close()
    families = text_string_to_metric_families(text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)
