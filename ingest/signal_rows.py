"""The rows of the signal lane as statements of a transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence

import psycopg

from ingest.facts import Fact
from ingest.gaps import Counter, Gap, Head
from ingest.records import SQL, columns
from runtime.database import Connection

_FACT = (
    "transmitter_ids",
    "keys",
    "classes",
    "boots",
    "seqs",
    "points",
    "kinds",
    "raw_kinds",
    "actives",
    "details",
    "defects",
    "occurred_at",
    "sources",
    "at_texts",
    "received_at",
    "payloads",
    "priorities",
)


_COUNTER = ("transmitter_ids", "classes", "boots")
_GAP = (*_COUNTER, "first_seqs", "last_seqs", "states", "found_at", "asked_times", "asked_at", "closed_at")


async def put_facts(connection: Connection, facts: Sequence[Fact]) -> psycopg.AsyncCursor[tuple[object, ...]]:
    """Store facts and hand them over. The cursor yields (transmitter, key) of those that were not stored before."""
    cursor = await connection.execute(SQL["put_signals"], columns(_FACT, [_row(fact) for fact in facts]))
    if any(fact.handed_over for fact in facts):
        await connection.execute(SQL["wake_alerts"])
    return cursor


def _row(fact: Fact) -> tuple[object, ...]:
    """In the order of _FACT."""
    by_device = fact.occurred_at is not None
    return (
        fact.transmitter_id,
        fact.key,
        fact.fact_class,
        fact.boot,
        fact.seq,
        fact.point,
        fact.kind,
        fact.raw_kind,
        fact.active,
        fact.detail,
        json.dumps(fact.defects) if fact.defects else "[]",
        fact.occurred_at if by_device else fact.received_at,
        "device" if by_device else "received",
        fact.at_text,
        fact.received_at,
        fact.payload,
        (0 if fact.urgent else 1) if fact.handed_over else None,
    )


async def put_heads(connection: Connection, heads: Mapping[Counter, Head]) -> None:
    """Write the spans of numbers seen; the lock on sequences is held."""
    rows = [(c.transmitter_id, c.message_class, c.boot, head.first, head.last) for c, head in heads.items()]
    if rows:
        await connection.execute(SQL["put_heads"], columns((*_COUNTER, "first_seqs", "last_seqs"), rows))


async def put_gaps(connection: Connection, gaps: Iterable[tuple[Counter, Gap]]) -> None:
    """Write new and changed gaps; the lock on sequences is held."""
    rows = [
        (
            counter.transmitter_id,
            counter.message_class,
            counter.boot,
            gap.first,
            gap.last,
            gap.state,
            gap.found_at,
            gap.asked_times,
            gap.asked_at,
            gap.closed_at,
        )
        for counter, gap in gaps
    ]
    if rows:
        await connection.execute(SQL["put_gaps"], columns(_GAP, rows))
