"""The engine: readings in, findings out. It holds the book of points and the states of all series, and knows no clock.

What it finds does not depend on how the readings were cut into batches: each reading meets the state that all earlier ones left.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from alerts.early_warning import blocks, fire, supply
from alerts.early_warning.banks import Bank, DetectorBank, FireBank
from alerts.early_warning.batch import Batch
from alerts.early_warning.book import Book
from alerts.early_warning.combination import DEVIATING, QUIET_SECONDS, Combination, Verdict
from alerts.early_warning.course import Course
from alerts.early_warning.facilities import DETECTORS
from alerts.early_warning.findings import Detector, Finding, Indices, Level
from alerts.early_warning.quantities import QUANTITIES, Quantity
from alerts.early_warning.standing import Source, Standing
from signals.facilities import Facility
from signals.kinds import Kind
from signals.metrics import METRIC_INDEX, METRICS

METRIC_BITS = 5
METRIC_MASK = (1 << METRIC_BITS) - 1
"""A series' slot is its point's number and its metric's; there is room for 32 metrics."""
assert len(METRICS) <= METRIC_MASK + 1
FIRE = Source(about="fire", name="fire")
LIMITED_COURSE = "course"
"""Of a metric, the one detector that a limit of a point's own is for."""
PRESSURE, FLOW = METRIC_INDEX["water_pressure_mpa"], METRIC_INDEX["flow_l_per_s"]


class Engine:
    """All series of a fleet, or of a part of it.

    Args:
        quantities: what the fire kernel follows.
        detectors: by metric, name and detector, those that conclude by themselves; beside them, water pressure is held to GB 50974.
    """

    def __init__(
        self,
        quantities: Sequence[Quantity] = QUANTITIES,
        *,
        detectors: Mapping[str, Mapping[str, Detector]] = DETECTORS,
    ) -> None:
        self.book = Book()
        self._fires = {METRIC_INDEX[each.metric]: FireBank(each, metric=METRIC_INDEX[each.metric]) for each in quantities}
        self._others: dict[int, list[DetectorBank]] = {}
        for metric, named in detectors.items():
            number = METRIC_INDEX[metric]
            self._others[number] = [DetectorBank(detector, name=name, metric=number) for name, detector in named.items()]
        self._supply = DetectorBank(supply, name="supply", metric=PRESSURE)
        self._others.setdefault(PRESSURE, []).append(self._supply)
        followed = {*self._fires, *self._others, FLOW}
        self._followed = np.array([number in followed for number in range(METRIC_MASK + 1)])
        self._combination = Combination(self.book.zone_of)
        self._standing = Standing()
        self._changed: set[int] = set()

    def __len__(self) -> int:
        return len(self.book)

    def slot(self, transmitter_id: str, point: str, *, metric: str) -> int:
        """The series' slot, for `feed`."""
        return self.book.number(transmitter_id, point) << METRIC_BITS | METRIC_INDEX[metric]

    def slots(self, numbers: Indices, *, metrics: Indices) -> Indices:
        """The slots of many series: points by their number in the book, metrics by their place in `METRICS`."""
        slots: Indices = numbers << METRIC_BITS | metrics
        return slots

    def served(self, at: float, *, within_seconds: float) -> int:
        """Transmitters of which a point reports as often as that on the average, and did so lately, by the readings' clock."""
        served = [bank.served(at, within_seconds=within_seconds) for bank in self._fires.values()]
        return len({self.book.name(point)[0] for point in set().union(*served)})

    def follows(self, metric: str) -> bool:
        """Whether anything is drawn from it."""
        return bool(self._followed[METRIC_INDEX[metric]])

    def ask(self, facilities: Mapping[int, Facility], *, limits: Mapping[str, Mapping[int, float]]) -> None:
        """Say what points, by their number, are held to: by their building, and by limits of their own for a metric.

        What is not named is held to nothing of its own.
        """
        self._supply.states["facility"] = supply.NONE_ASKED
        points = np.array(list(facilities), np.int64)
        self._supply.note(points, facility=np.array([supply.FACILITIES[each] for each in facilities.values()], np.float64))
        for metric, others in self._others.items():
            own = limits.get(METRICS[metric], {})
            for bank in others:
                if bank.name == LIMITED_COURSE and isinstance(bank.detector, Course):
                    rows = bank.rows(np.array(list(own), np.int64))
                    limit = np.full(len(bank.states), np.nan)
                    limit[rows] = list(own.values())
                    bank.detector.ask(bank.states, limit=limit)

    def feed(self, slots: npt.ArrayLike, *, times: npt.ArrayLike, values: npt.ArrayLike) -> list[Finding]:
        """Take a batch: three columns in order of arrival, `times` in seconds of the devices' clocks; values are finite.

        Returns:
            What it begins, raises to a higher level or ends, in the order of the readings.
        """
        series = np.asarray(slots, np.int64)
        followed = np.flatnonzero(self._followed[series & METRIC_MASK])
        series = series[followed]
        batch = Batch(
            points=series >> METRIC_BITS,
            metrics=series & METRIC_MASK,
            times=np.asarray(times, np.float64)[followed],
            values=np.asarray(values, np.float64)[followed],
        )
        findings: list[tuple[int, Finding]] = []
        for chosen in batch.rounds():
            for metric in np.unique(batch.metrics[chosen]).tolist():
                of_metric = chosen[batch.metrics[chosen] == metric]
                if metric == FLOW:
                    self._supply.note(batch.points[of_metric], flow=batch.values[of_metric], flow_time=batch.times[of_metric])
                self._feed_fire(batch, of_metric, metric=metric)
                findings.extend(self._feed_others(batch, of_metric, metric=metric))
        findings.extend(self._combine(batch))
        self._changed.update(np.unique(batch.points // blocks.POINTS).tolist())
        return [finding for _, finding in sorted(findings, key=lambda found: found[0])]

    def _feed_fire(self, batch: Batch, chosen: Indices, *, metric: int) -> None:
        bank = self._fires.get(metric)
        if bank is not None:
            points = batch.points[chosen]
            batch.found[chosen] = bank.feed(
                points, times=batch.times[chosen], values=batch.values[chosen], sensitivity=self.book.sensitivity[points]
            )

    def _feed_others(self, batch: Batch, chosen: Indices, *, metric: int) -> Iterator[tuple[int, Finding]]:
        for bank in self._others.get(metric, ()):
            changed, found = bank.feed(batch.points[chosen], times=batch.times[chosen], values=batch.values[chosen])
            for index, row in zip(chosen[changed].tolist(), found, strict=True):
                level, point = Level(int(row["level"])), int(batch.points[index])
                if self._standing.say(point, bank.detector.KIND, source=bank.source, level=level):
                    yield (
                        index,
                        self._finding(
                            point,
                            kind=bank.detector.KIND,
                            level=level,
                            time=float(batch.times[index]),
                            reason=bank.detector.reason(row),
                            confidence=float(row["confidence"]),
                        ),
                    )

    def _combine(self, batch: Batch) -> Iterator[tuple[int, Finding]]:
        """Point by point what deviates, in order of arrival: few readings are looked at here."""
        found = batch.found
        deviates = (found["evidence"] >= DEVIATING) | (found["hint"] >= DEVIATING)
        looked_at = np.concatenate((batch.points[deviates], self._combination.points()))
        if not len(looked_at):
            return
        for index in np.flatnonzero(np.isin(batch.points, looked_at) & found["taken"]).tolist():
            row = found[index]
            verdict = self._combination.take(
                int(batch.points[index]),
                metric=int(batch.metrics[index]),
                time=float(batch.times[index]),
                evidence=float(row["evidence"]),
                hint=float(row["hint"]),
            )
            if verdict is not None and (finding := self._concluded(batch, index, verdict=verdict)):
                yield index, finding

    def _concluded(self, batch: Batch, index: int, *, verdict: Verdict) -> Finding | None:
        point = int(batch.points[index])
        if not self._standing.say(point, Kind.EARLY_WARNING, source=FIRE, level=verdict.level):
            return None
        return self._finding(
            point,
            kind=Kind.EARLY_WARNING,
            level=verdict.level,
            time=float(batch.times[index]),
            reason=self._reason(batch, index, verdict=verdict),
            confidence=verdict.confidence,
        )

    def _reason(self, batch: Batch, index: int, *, verdict: Verdict) -> str:
        quantity = self._fires[int(batch.metrics[index])].quantity
        row = batch.found[index]
        if verdict.level is Level.NONE:
            return f"{fire.measured(quantity, row)}, quiet for {QUIET_SECONDS:.0f} s"
        words = [fire.reason(quantity, row)]
        if verdict.companions:
            words.append("with " + " and ".join(self._fires[metric].quantity.words for metric in verdict.companions))
        if verdict.neighbour is not None:
            words.append(f"{self.book.name(verdict.neighbour)[1] or 'its transmitter'} in its zone rises too")
        words.append(f"evidence {verdict.evidence:.2f}, 1 warns")
        return "; ".join(words)

    def _finding(self, point: int, *, kind: Kind, level: Level, time: float, reason: str, confidence: float) -> Finding:
        transmitter_id, name = self.book.name(point)
        return Finding(
            transmitter_id=transmitter_id,
            point=name,
            kind=kind,
            active=level is not Level.NONE,
            level=level,
            time=time,
            reason=reason,
            confidence=confidence,
        )

    def blocks(self) -> int:
        """How many blocks the points fill."""
        return blocks.count(len(self.book))

    def take_changed(self) -> list[int]:
        """The blocks that were fed since this was last asked."""
        changed, self._changed = sorted(self._changed), set()
        return changed

    def dump(self, block: int) -> bytes:
        """All that is remembered of a block's points."""
        return blocks.dump(block, book=self.book, banks=self._banks(), combination=self._combination)

    def load(self, block: int, packed: bytes) -> None:
        """The inverse of `dump`, into an engine that knows nothing of these points yet.

        Raises:
            ValueError: not a block of this layout, or of another number.
        """
        points = blocks.load(block, packed, book=self.book, banks=self._banks(), combination=self._combination)
        for point, level in self._combination.levels(points):
            self._standing.say(point, Kind.EARLY_WARNING, source=FIRE, level=level)
        for bank in (bank for others in self._others.values() for bank in others):
            for point, said in bank.standing(points):
                self._standing.say(point, bank.detector.KIND, source=bank.source, level=Level(said))

    def _banks(self) -> list[Bank]:
        return [*self._fires.values(), *(bank for others in self._others.values() for bank in others)]

    @property
    def bytes(self) -> int:
        """Memory of the states, without the names of the points."""
        return self.book.bytes + sum(bank.bytes for bank in self._banks())
