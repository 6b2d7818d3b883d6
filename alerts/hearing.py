"""How long we could have heard somebody: our own, the broker's and the database's outages are subtracted by construction. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Spans in which every lane could hear, in order, not touching. Of each but the first, the beginning is grace."""

    spans: Sequence[Span]
    until: datetime | None
    """The instant up to which everything that reached us is stored, but for readings of control rooms, which may follow: the clock
    of liveness. None: nothing was ever heard."""

    def silence(self, since: datetime) -> timedelta:
        """How long we listened since an instant."""
        first = max(0, bisect_right(self.spans, since, key=lambda span: span[0]) - 1)
        return sum((max(timedelta(), end - max(start, since)) for start, end in self.spans[first:]), timedelta())


def hearing(spans_of_lanes: Iterable[Sequence[Span]], *, grace: timedelta) -> Hearing:
    """What all lanes together could hear.

    Args:
        spans_of_lanes: for each lane its spans in order; a transmitter speaks on both.
        grace: of every span after an outage, this much is not counted: devices reconnect.
    """
    lanes = [list(spans) for spans in spans_of_lanes]
    if not lanes or not all(lanes):
        return Hearing(spans=(), until=None)
    common = lanes[0]
    for spans in lanes[1:]:
        common = _both(common, spans)
    until = min(spans[-1][1] for spans in lanes)
    graced = common[:1] + [(start + grace, end) for start, end in common[1:] if start + grace < end]
    return Hearing(spans=tuple(graced), until=until)


def _both(one: Sequence[Span], other: Sequence[Span]) -> list[Span]:
    found = []
    left = right = 0
    while left < len(one) and right < len(other):
        start, end = max(one[left][0], other[right][0]), min(one[left][1], other[right][1])
        if start < end:
            found.append((start, end))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return found
