"""States of the series of one metric, for one detector: a row a point, grown by an eighth."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from alerts.early_warning import fire
from alerts.early_warning.findings import Detector, Floats, Indices, Rows
from alerts.early_warning.quantities import Quantity
from alerts.early_warning.standing import Source
from signals.metrics import METRICS

NO_ROW = -1
FEWEST_ROWS = 16


class Bank:
    """Rows of states; `rows` makes those that are missing."""

    def __init__(self, name: str, *, metric: int) -> None:
        self.name = name
        self.metric = metric
        self.count = 0
        self.states: Rows = self.begin(0)
        self.levels = np.zeros(0, np.uint8)
        """What each row's detector said last, where it concludes by itself."""
        self._row_of = np.full(0, NO_ROW, np.int32)

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        raise NotImplementedError

    def rows(self, points: Indices) -> Indices:
        """The rows of distinct points."""
        if len(points) and (most := int(points.max())) >= len(self._row_of):
            self._row_of = _grown(self._row_of, most + 1, filler=NO_ROW)
        rows: Indices = self._row_of[points].astype(np.int64)
        new = np.flatnonzero(rows == NO_ROW)
        if len(new):
            rows[new] = np.arange(self.count, self.count + len(new))
            self._make_room(self.count + len(new))
            self._row_of[points[new]] = rows[new]
            self.count += len(new)
        return rows

    @property
    def source(self) -> Source:
        """Who says so."""
        return Source(about=METRICS[self.metric], name=self.name)

    def _make_room(self, count: int) -> None:
        if count > len(self.states):
            room = _room(count, len(self.states))
            self.states = np.concatenate((self.states, self.begin(room - len(self.states))))
            self.levels = _grown(self.levels, room, filler=0)

    def out(self, points: range) -> tuple[Mapping[str, Any], bytes]:
        """The rows of these points: what they are, and their bytes (numbers of points, levels, states)."""
        within = self._row_of[points.start : points.stop]
        numbers = np.flatnonzero(within != NO_ROW)
        rows = within[numbers]
        says = {"name": self.name, "count": len(rows), "fields": [list(field) for field in self.states.dtype.descr]}
        return says, numbers.astype("<u2").tobytes() + self.levels[rows].tobytes() + self.states[rows].tobytes()

    def take_in(self, points: range, *, says: Mapping[str, Any], packed: bytes) -> None:
        """The inverse of `out`. A field that is gone is left out; one that is new, or has another shape, begins anew."""
        count = says["count"]
        fields = [(name, kind, *map(tuple, shape)) for name, kind, *shape in says["fields"]]
        kept = np.frombuffer(packed, np.dtype(fields), count, offset=3 * count)
        rows = self.rows(np.frombuffer(packed, "<u2", count).astype(np.int64) + points.start)
        self.levels[rows] = np.frombuffer(packed, np.uint8, count, offset=2 * count)
        states = self.begin(count)
        for name in set(states.dtype.names or ()) & set(kept.dtype.names or ()):
            if states.dtype[name].shape == kept.dtype[name].shape:
                states[name] = kept[name]
        self.states[rows] = states

    def standing(self, points: range) -> list[tuple[int, int]]:
        """(point, level) of every row of these points that stands."""
        within = self._row_of[points.start : points.stop]
        numbers = np.flatnonzero(within != NO_ROW)
        levels = self.levels[within[numbers]]
        return [(points.start + int(number), int(level)) for number, level in zip(numbers, levels, strict=True) if level]

    @property
    def bytes(self) -> int:
        """Memory of the arrays."""
        return sum(each.nbytes for each in (self.states, self.levels, self._row_of))


class FireBank(Bank):
    """The fire kernel for one quantity."""

    def __init__(self, quantity: Quantity, *, metric: int) -> None:
        self.quantity = quantity
        super().__init__("fire", metric=metric)

    def begin(self, count: int) -> Rows:
        """See `Bank`."""
        return fire.begin(self.quantity, count)

    def feed(self, points: Indices, *, times: Floats, values: Floats, sensitivity: Floats) -> Rows:
        """A reading of each point."""
        rows = self.rows(points)
        states = self.states[rows]
        found = fire.step(self.quantity, states, time=times, value=values, sensitivity=sensitivity)
        self.states[rows] = states
        return found

    def served(self, at: float, *, within_seconds: float) -> set[int]:
        """Points that were read every so often on the average, and last no longer than that before or after `at`."""
        states = self.states[: self.count]
        often = (states["count"] > 1) & (states["age"] <= (states["count"] - 1.0) * within_seconds)
        rows = np.flatnonzero(often & (np.abs(at - states["time"]) <= within_seconds))
        return set(np.flatnonzero(np.isin(self._row_of, rows)).tolist())


class DetectorBank(Bank):
    """A detector that concludes by itself."""

    def __init__(self, detector: Detector, *, name: str, metric: int) -> None:
        self.detector = detector
        super().__init__(name, metric=metric)

    def begin(self, count: int) -> Rows:
        """See `Bank`."""
        return self.detector.begin(count)

    def feed(self, points: Indices, *, times: Floats, values: Floats) -> tuple[Indices, Rows]:
        """A reading of each point; which of them changed their level, and what was found there."""
        rows = self.rows(points)
        states = self.states[rows]
        found = self.detector.step(states, time=times, value=values)
        self.states[rows] = states
        changed = np.flatnonzero(self.levels[rows] != found["level"])
        self.levels[rows[changed]] = found["level"][changed]
        return changed, found[changed]

    def note(self, points: Indices, **values: Floats) -> None:
        """Write fields of the states of distinct points that are no readings of theirs."""
        rows = self.rows(points)
        for name, value in values.items():
            self.states[name][rows] = value


def _grown(array: npt.NDArray[Any], least: int, *, filler: int) -> npt.NDArray[Any]:
    """The array with room for `least`."""
    room = _room(least, len(array))
    grown = np.full(room, filler, array.dtype)
    grown[: len(array)] = array
    return grown


def _room(least: int, held: int) -> int:
    """More than is needed, so that a growing fleet is not copied point by point."""
    return max(least, FEWEST_ROWS, held + held // 8)
