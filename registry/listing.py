"""The register of transmitters as a person reads it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row

from runtime.database import Connection
from sql.queries import load

_SQL = load("registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A transmitter, where it stands, its dates, what was heard of it, and how it speaks.

    Attributes:
        wire: `mqtt` or `gb26875`; None where it is not enrolled.
        address: by GB/T 26875.3: its frames' source, six bytes as on the wire, hexadecimal.
        source_network: where they may come from; None: from anywhere.
    """

    transmitter_id: str
    transmitter_class: str
    village_id: str
    village: str
    key_unit_id: str | None
    key_unit: str | None
    name: str
    place: str
    path: str
    contracted_on: date | None
    installed_on: date | None
    accepted_on: date | None
    withdrawn_on: date | None
    enrolled_at: datetime | None
    last_heard_at: datetime | None
    clock_offset_seconds: float | None
    wire: str | None
    address: str | None
    source_network: str | None
    profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPoint:
    """A part behind a transmitter."""

    point: str
    name: str
    place: str
    zone: str
    facility: str
    limits: str
    registered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenGap:
    """A range of messages that is known to be missing."""

    message_class: str
    boot: int
    first_seq: int
    last_seq: int
    found_at: datetime
    asked_times: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """Everything about one transmitter."""

    transmitter: Listed
    points: Sequence[ListedPoint]
    open_gaps: Sequence[OpenGap]


async def listing(connection: Connection, *, village_id: str | None = None, transmitter_id: str | None = None) -> list[Listed]:
    """Transmitters by id: all, of one village, or one."""
    asked = {"village_id": village_id, "transmitter_id": transmitter_id}
    return await _all(connection, Listed, query="listing", asked=asked)


async def details(connection: Connection, transmitter_id: str) -> Details | None:
    """One transmitter, its points and open gaps; None where it is not in the register."""
    found = await listing(connection, transmitter_id=transmitter_id)
    if not found:
        return None
    asked = {"transmitter_id": transmitter_id}
    return Details(
        transmitter=found[0],
        points=await _all(connection, ListedPoint, query="points_of", asked=asked),
        open_gaps=await _all(connection, OpenGap, query="open_gaps_of", asked=asked),
    )


async def _all(connection: Connection, kind: type[Any], *, query: str, asked: dict[str, Any]) -> list[Any]:
    async with connection.cursor(row_factory=class_row(kind)) as cursor:
        await cursor.execute(_SQL[query], asked)
        return await cursor.fetchall()
