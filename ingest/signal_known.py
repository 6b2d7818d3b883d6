"""What the database knows of a batch's numbers, read in one round trip under the lock on sequences."""

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg

from ingest.gaps import Counter, Gap, GapState, Head
from ingest.records import SQL, columns
from ingest.signal_batch import Item
from ingest.signal_plan import Known, PageGroup, group_of
from runtime.database import Connection
from signals.kinds import FIRE_KINDS, PROFILE_KINDS
from signals.topics import MessageClass

SEQUENCES_LOCK = 0x77616E67_0001
"""Advisory lock: sequences and snapshots are read, thought over and written by one transaction at a time; and a fact that another
is just storing under the key of the window before is waited for."""

_CALM_KINDS = sorted(PROFILE_KINDS - FIRE_KINDS)

_NUMBER = ("transmitter_ids", "classes", "boots", "seqs")


async def lock_sequences(connection: Connection) -> None:
    """Take the lock until the end of the transaction."""
    await connection.execute(SQL["lock_sequences"], {"key": SEQUENCES_LOCK})


async def read_known(connection: Connection, items: Sequence[Item]) -> Known:
    """Read it; the lock is held until the end of the transaction."""
    numbers = [(*_parts(item.counted[0]), item.counted[1]) for item in items if item.counted is not None]
    counters = {number[:3] for number in numbers}
    gone = [(*_parts(item.gone[0]), *found) for item in items if item.gone is not None for found in item.gone[1]]
    groups = {group for item in items for fact in item.facts if (group := group_of(fact)) is not None}
    async with connection.pipeline():
        await lock_sequences(connection)
        counted = await connection.execute(SQL["known_numbers"], columns(_NUMBER, numbers))
        heads = await connection.execute(SQL["known_heads"], columns(_NUMBER[:3], sorted(counters)))
        gaps = await connection.execute(SQL["known_gaps"], columns(_NUMBER, numbers))
        open_gaps = await connection.execute(SQL["known_open_gaps"], columns((*_NUMBER[:3], "first_seqs", "last_seqs"), gone))
        pages = await connection.execute(
            SQL["known_pages"],
            {**columns(("transmitter_ids", "boots", "first_seqs", "pages"), sorted(groups)), "calm": _CALM_KINDS},
        )
    return Known(
        counted=_by_number(await _rows(counted)),
        heads={_counter(row): Head(first=row[3], last=row[4]) for row in await _rows(heads)},
        gaps=gaps_by_counter([*await _rows(gaps), *await _rows(open_gaps)]),
        pages=_by_group(await _rows(pages)),
    )


def gaps_by_counter(rows: Iterable[tuple[Any, ...]]) -> dict[Counter, list[Gap]]:
    """Rows of `sequence_gap`, each gap once."""
    found: dict[Counter, dict[int, Gap]] = {}
    for row in rows:
        _, _, _, first, last, found_at, state, asked_times, asked_at, closed_at = row
        found.setdefault(_counter(row), {})[first] = Gap(
            first=first,
            last=last,
            found_at=found_at,
            state=GapState(state),
            asked_times=asked_times,
            asked_at=asked_at,
            closed_at=closed_at,
        )
    return {counter: list(gaps.values()) for counter, gaps in found.items()}


async def _rows(cursor: psycopg.AsyncCursor[tuple[object, ...]]) -> list[Any]:
    return list(await cursor.fetchall())


def _parts(counter: Counter) -> tuple[str, str, int]:
    return counter.transmitter_id, counter.message_class, counter.boot


def _counter(row: tuple[Any, ...]) -> Counter:
    return Counter(transmitter_id=row[0], message_class=MessageClass(row[1]), boot=row[2])


def _by_number(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Counter, int], frozenset[bytes]]:
    found: dict[tuple[Counter, int], set[bytes]] = {}
    for row in rows:
        found.setdefault((_counter(row), row[3]), set()).add(row[4])
    return {number: frozenset(keys) for number, keys in found.items()}


def _by_group(rows: Iterable[tuple[Any, ...]]) -> dict[PageGroup, dict[int, bool]]:
    found: dict[PageGroup, dict[int, bool]] = {}
    for transmitter_id, boot, first_seq, pages, page, urgent in rows:
        found.setdefault(PageGroup(transmitter_id, boot, first_seq, pages), {})[page] = urgent
    return found
