"""What both lanes write beside their facts: presence, readiness to hear, quarantine."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from ingest.presence import DayRow, PresenceRow
from ingest.quarantine import Held
from ingest.uptime import Span
from runtime.database import Connection
from signals.payloads import plain
from sql.queries import load

SQL = load("ingest")


@dataclass(slots=True, kw_only=True)
class Beside:
    """Rows that go with the facts of one transaction. `statuses`: transmitter → (online, since when we know)."""

    presence: list[PresenceRow] = field(default_factory=list)
    days: list[DayRow] = field(default_factory=list)
    statuses: dict[str, tuple[bool, datetime]] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.presence or self.days or self.statuses or self.held or self.spans)

    def apart(self) -> "list[Beside]":
        """One for every row, so that one that the database refuses does not stand before all others for ever."""
        return [
            *(Beside(presence=[row]) for row in self.presence),
            *(Beside(days=[row]) for row in self.days),
            *(Beside(statuses={name: status}) for name, status in self.statuses.items()),
            *(Beside(held=[row]) for row in self.held),
            *(Beside(spans=[row]) for row in self.spans),
        ]

    async def put(self, connection: Connection, *, lane: str) -> None:
        """Write it; a statement for every kind of row there is."""
        if self.presence:
            await _put_presence(connection, self.presence, lane=lane)
        if self.days:
            await _put_presence_day(connection, self.days, lane=lane)
        if self.statuses:
            await _put_statuses(connection, self.statuses)
        if self.held:
            await _put_quarantine(connection, self.held)
        if self.spans:
            await _put_uptime(connection, self.spans, lane=lane)


def columns(names: Sequence[str], rows: Iterable[Sequence[object]]) -> dict[str, list[object]]:
    """Rows as the arrays that `unnest` takes, one a column."""
    rows = list(rows)
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def attributes(names: Mapping[str, str], rows: Sequence[object]) -> dict[str, list[object]]:
    """The same of records: parameter → attribute."""
    return {parameter: list(map(attrgetter(attribute), rows)) for parameter, attribute in names.items()}


async def _put_presence(connection: Connection, rows: Sequence[PresenceRow], *, lane: str) -> None:
    names = {
        "transmitter_ids": "transmitter_id",
        "points": "point",
        "last_heard_at": "last_heard_at",
        "clock_offset_seconds": "clock_offset_seconds",
        "interval_seconds": "interval_seconds",
        "heartbeats": "heartbeat",
    }
    await connection.execute(SQL["put_presence"], {"lane": lane, **attributes(names, rows)})


async def _put_presence_day(connection: Connection, rows: Sequence[DayRow], *, lane: str) -> None:
    names = {
        "transmitter_ids": "transmitter_id",
        "days": "day",
        "minutes": "minute",
        "first_heard_at": "first_heard_at",
        "last_heard_at": "last_heard_at",
        "messages": "messages",
    }
    await connection.execute(SQL["put_presence_day"], {"lane": lane, **attributes(names, rows)})


async def _put_statuses(connection: Connection, statuses: Mapping[str, tuple[bool, datetime]]) -> None:
    rows = [(transmitter_id, online, at) for transmitter_id, (online, at) in statuses.items()]
    await connection.execute(SQL["put_statuses"], columns(("transmitter_ids", "online", "at"), rows))


async def _put_uptime(connection: Connection, spans: Sequence[Span], *, lane: str) -> None:
    rows = [(span.up_from, span.heard_until) for span in spans]
    await connection.execute(SQL["put_uptime"], {"lane": lane, **columns(("up_from", "heard_until"), rows)})


async def _put_quarantine(connection: Connection, rows: Sequence[Held]) -> None:
    own = {
        "keys": "key",
        "keys_before": "key_before",
        "received_at": "received_at",
        "topics": "topic",
        "transmitter_ids": "transmitter_id",
        "classes": "message_class",
        "payloads": "payload",
        "payload_lengths": "payload_length",
        "payload_digests": "payload_digest",
    }
    rejected = {"reasons": "reason", "items": "item", "boots": "boot", "seqs": "seq"}
    parameters = attributes(own, rows) | attributes(rejected, [row.rejected for row in rows])
    details: list[object] = [plain(row.rejected.detail) for row in rows]
    await connection.execute(SQL["put_quarantine"], {**parameters, "details": details})
