"""What is missing is asked for again: after a short grace, at most three times, at least 10 s apart; then it is unrecoverable."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ingest import metrics
from ingest.confirms import SEQS_MAXIMUM, Command, resend
from ingest.gaps import Counter, Gap, close, split
from ingest.records import SQL
from ingest.signal_known import gaps_by_counter, lock_sequences
from ingest.signal_rows import put_gaps
from ingest.store import Store

GRACE = timedelta(seconds=2)
"""Out of order is not missing: so long a gap may fill by itself."""
EVERY = timedelta(seconds=10)
TIMES = 3
RECOVERABLE_MAXIMUM = 10_000
"""No transmitter keeps more: of a longer gap (a counter that jumped) only the newest objects are asked for."""
GAPS_MAXIMUM = 500
"""Gaps dealt with in one turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """The commands to be sent, and the gaps as they are once that is written down."""

    commands: list[Command]
    gaps: list[tuple[Counter, Gap]]


def ask(due: Iterable[tuple[Counter, Gap]], *, at: datetime) -> Asking:
    """Ask for open gaps that are due, at most 1,000 objects in a command; give up those that were asked for often enough."""
    changed: list[tuple[Counter, Gap]] = []
    portions: dict[Counter, list[list[Gap]]] = {}
    for counter, gap in due:
        if gap.asked_times >= TIMES:
            changed.append((counter, close(gap, at=at)))
            continue
        kept = gap
        if len(gap) > RECOVERABLE_MAXIMUM:
            kept = replace(gap, first=gap.last - RECOVERABLE_MAXIMUM + 1)
            changed.append((counter, close(replace(gap, last=kept.first - 1), at=at)))
        for part in split(kept, size=SEQS_MAXIMUM):
            asked = replace(part, asked_times=part.asked_times + 1, asked_at=at)
            changed.append((counter, asked))
            _pack(asked, portions.setdefault(counter, []))
    commands = [
        resend(counter, [(gap.first, gap.last) for gap in portion], at=at)
        for counter, found in portions.items()
        for portion in found
    ]
    return Asking(commands=commands, gaps=changed)


def _pack(gap: Gap, portions: list[list[Gap]]) -> None:
    if not portions or sum(map(len, portions[-1])) + len(gap) > SEQS_MAXIMUM:
        portions.append([])
    portions[-1].append(gap)


async def ask_again(
    store: Store, *, send: Callable[[Command], None], caught_up: Callable[[datetime], bool], now: Callable[[], datetime]
) -> None:
    """Ask for what is missing. Not while a backlog drains: what is missing may stand in it.

    Raises:
        Unavailable: the database does not answer.
    """
    at = now()
    if not caught_up(at):
        return
    due = {"found_before": at - GRACE, "asked_before": at - EVERY, "most": GAPS_MAXIMUM}
    async with store.transaction() as connection:
        await lock_sequences(connection)
        cursor = await connection.execute(SQL["gaps_due"], due)
        gaps = gaps_by_counter(await cursor.fetchall())
        asking = ask([(counter, gap) for counter, found in gaps.items() for gap in found], at=at)
        await put_gaps(connection, asking.gaps)
    for command in asking.commands:
        metrics.ASKED.inc()
        send(command)
