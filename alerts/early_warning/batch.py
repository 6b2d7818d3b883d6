"""A batch of readings, and the rounds in which every point has at most one."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from alerts.early_warning import fire
from alerts.early_warning.findings import Floats, Indices, Rows


@dataclass(slots=True, kw_only=True)
class Batch:
    """Columns in order of arrival; `found`: what the fire kernel found for each reading, nothing for other metrics."""

    points: Indices
    metrics: Indices
    times: Floats
    values: Floats
    found: Rows = field(init=False)

    def __post_init__(self) -> None:
        self.found = np.zeros(len(self.points), fire.FOUND)

    def rounds(self) -> Iterator[Indices]:
        """Indices of readings: of each point its first in the first round, its second in the next."""
        count = len(self.points)
        if not count:
            return
        order = np.argsort(self.points, kind="stable")
        ordered = self.points[order]
        begins = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
        lengths = np.diff(np.append(begins, count))
        ranks = np.arange(count) - np.repeat(begins, lengths)
        if lengths.max() == 1:
            yield order
            return
        by_rank = order[np.argsort(ranks, kind="stable")]
        yield from np.split(by_rank, np.cumsum(np.bincount(ranks))[:-1])
