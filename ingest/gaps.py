"""Which numbers of a counted class are missing: arithmetic of ranges, the same result whatever the order of arrival.

Of one `Counter`: the `Head` is the span of numbers seen; the `Gap`s are the ranges inside it that were missing
when they were found. They never overlap. What arrives of a gap is cut out of it as `filled`; what the transmitter no longer has,
as `unrecoverable`. A gap's first part keeps its place (its `first`), so that every change is an insert or an update.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise

from signals.topics import MessageClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What counts: a transmitter, in one class, since one start of it."""

    transmitter_id: str
    message_class: MessageClass
    boot: int


class GapState(StrEnum):
    """What became of a gap."""

    OPEN = "open"
    FILLED = "filled"
    UNRECOVERABLE = "unrecoverable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The least and the greatest number seen."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Numbers `first` … `last`, both inclusive."""

    first: int
    last: int
    found_at: datetime
    state: GapState = GapState.OPEN
    asked_times: int = 0
    asked_at: datetime | None = None
    closed_at: datetime | None = None

    def __len__(self) -> int:
        return self.last - self.first + 1


Range = tuple[int, int]


def take(seqs: Iterable[int], *, head: Head | None, gaps: Iterable[Gap], at: datetime) -> tuple[Head, list[Gap]]:
    """Note that these numbers have arrived.

    Args:
        seqs: at least one number; known ones among them change nothing.
        head: None when nothing was seen before.
        gaps: at least those that hold one of `seqs`, in whatever state.
        at: when they arrived.

    Returns:
        The new head, and the gaps that are new or changed.
    """
    arrived = sorted(set(seqs))
    known = head or Head(first=arrived[0], last=arrived[0])
    changed = [part for gap in gaps for part in _cut(gap, _within(arrived, gap), into=GapState.FILLED, at=at)]
    below = [seq for seq in arrived if seq < known.first]
    above = [seq for seq in arrived if seq > known.last]
    for edge in ([*below, known.first], [known.last, *above]):
        changed += [Gap(first=low + 1, last=high - 1, found_at=at) for low, high in pairwise(edge) if high - low > 1]
    return Head(first=min(arrived[0], known.first), last=max(arrived[-1], known.last)), changed


def give_up(ranges: Iterable[Range], *, gaps: Iterable[Gap], at: datetime) -> list[Gap]:
    """Note that the transmitter no longer has these numbers: what is open of them is closed. Returns the gaps that changed."""
    gone = _joined(ranges)
    changed: list[Gap] = []
    for gap in gaps:
        overlaps = [(max(low, gap.first), min(high, gap.last)) for low, high in gone if low <= gap.last and high >= gap.first]
        if gap.state is GapState.OPEN:
            changed += _cut(gap, overlaps, into=GapState.UNRECOVERABLE, at=at)
    return changed


def split(gap: Gap, *, size: int) -> list[Gap]:
    """The gap in parts of at most `size` numbers, in order."""
    return [replace(gap, first=low, last=min(low + size - 1, gap.last)) for low in range(gap.first, gap.last + 1, size)]


def close(gap: Gap, *, at: datetime) -> Gap:
    """The gap as one that nobody can fill any more."""
    return replace(gap, state=GapState.UNRECOVERABLE, closed_at=at)


def _within(arrived: list[int], gap: Gap) -> list[Range]:
    return _joined((seq, seq) for seq in arrived if gap.first <= seq <= gap.last)


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """Ranges in order, those that touch or overlap made one."""
    joined: list[Range] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined


def _cut(gap: Gap, ranges: list[Range], *, into: GapState, at: datetime) -> Iterator[Gap]:
    """The parts of a gap once `ranges` (in order, apart, within it) are cut out into another state; none if nothing changes."""
    if not ranges or gap.state is GapState.FILLED:
        return
    low = gap.first
    for first, last in ranges:
        if low < first:
            yield replace(gap, first=low, last=first - 1)
        yield replace(gap, first=first, last=last, state=into, closed_at=at)
        low = last + 1
    if low <= gap.last:
        yield replace(gap, first=low)
