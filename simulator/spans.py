"""Runs of consecutive numbers, and spans of time."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator


class Runs:
    """Numbers as they were counted: a counter that starts anew begins another run, and a number may stand in several."""

    __slots__ = ("_runs",)

    def __init__(self) -> None:
        self._runs: list[list[int]] = []

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in self._runs)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return ((first, last) for first, last in self._runs)

    def add(self, first: int, last: int) -> None:
        """Count on from `first` to `last`."""
        if self._runs and self._runs[-1][1] + 1 == first:
            self._runs[-1][1] = last
        else:
            self._runs.append([first, last])

    def times(self) -> Counter[int]:
        """How often each number was counted."""
        return Counter(number for first, last in self._runs for number in range(first, last + 1))


class Outages:
    """Spans of time during which nothing could get through, in any order, overlapping or not."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        self._joined: list[tuple[float, float]] = []
        for since, until in sorted(spans):
            if self._joined and since <= self._joined[-1][1]:
                self._joined[-1] = (self._joined[-1][0], max(until, self._joined[-1][1]))
            else:
                self._joined.append((since, until))
        self._starts = [since for since, _ in self._joined]

    def within(self, since: float, until: float) -> float:
        """Seconds of [since, until] that lie in an outage."""
        before = bisect_right(self._starts, since)
        found = self._joined[max(0, before - 1) : bisect_right(self._starts, until)]
        return sum(max(0.0, min(until, end) - max(since, start)) for start, end in found)
