"""The rows of the signal lane as statements of a transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence

import psycopg

from ingest.facts import Fact
from ingest.gaps import Counter, Gap, Head
from ingest.records import SQL, attributes, columns
from runtime.database import Connection

_FACT = {
    "transmitter_ids": "transmitter_id",
    "keys": "key",
    "keys_before": "key_before",
    "classes": "fact_class",
    "boots": "boot",
    "seqs": "seq",
    "points": "point",
    "kinds": "kind",
    "actives": "active",
    "details": "detail",
    "occurred_at": "occurred_at",
    "at_texts": "at_text",
    "received_at": "received_at",
    "payloads": "payload",
    "handed_over": "handed_over",
    "urgent": "urgent",
}
_COUNTER = ("transmitter_ids", "classes", "boots")
_GAP = (*_COUNTER, "first_seqs", "last_seqs", "states", "found_at", "asked_times", "asked_at", "closed_at")


async def put_facts(connection: Connection, facts: Sequence[Fact]) -> psycopg.AsyncCursor[tuple[object, ...]]:
    """Store facts and hand them over; the lock on sequences is held.

    The cursor yields (transmitter, key) of those that were stored before.
    """
    given: dict[str, list[object]] = {
        **attributes(_FACT, facts),
        "raw_kinds": [fact.raw_kind or None for fact in facts],
        "defects": [json.dumps(fact.defects) if fact.defects else None for fact in facts],
    }
    # Many say the same nothing, and `unnest` fills up what is short with NULL.
    said = {name: values if any(value is not None for value in values) else [] for name, values in given.items()}
    cursor = await connection.execute(SQL["put_signals"], said)
    if any(fact.handed_over for fact in facts):
        await connection.execute(SQL["wake_alerts"])
    return cursor


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
