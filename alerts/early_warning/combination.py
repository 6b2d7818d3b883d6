"""The quantities of a point together, and the points of a zone together: what deviates strengthens what else does.

Evidence is a deviation in units of what is enough, so its square adds up as log-likelihoods do. One quantity of one point alone is
enough, and two that have half of it each (1/√2). Another detector of the same zone lends its evidence in the same way (GB 50116
asks for two independent detectors before it links equipment, and for one to warn people).

Only points that deviate are here: the others cost nothing.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from alerts.early_warning.findings import Level

WARNING_EVIDENCE = 1.0
"""Enough: neither an ordinary room nor the point's own noise and resolution do this."""
WATCH_EVIDENCE = 0.8
"""Less comes up by chance once in some days at a reading a second, of a point whose limit is its own noise."""
STRENGTHENING = 0.7
"""Half of what is enough, as squares go. Less adds nothing: two quantities come to half by chance now and then."""
SURE_HINT = 4.0
"""One reading alone is enough at four times the limit: no ordinary room of some thousand simulated days came to three."""
DEVIATING = 0.5
"""Evidence below this is an ordinary room's."""
LARGEST = 10.0
"""More evidence counts as this."""
COMPANION_SECONDS = 600.0
"""A quantity that was not measured for so long, the rarest sampling served, says nothing any more."""
NEIGHBOUR_SECONDS = 120.0
"""What a fire does to two detectors of a zone, it does within this."""
QUIET_SECONDS = 300.0
"""A finding is over when nothing deviated for so long."""
NO_ZONE = -1


@dataclass(slots=True, kw_only=True)
class Deviating:
    """A point that deviates or did so lately. `said`: evidence and its time by metric; `since`: quiet since, device time."""

    said: dict[int, tuple[float, float]] = field(default_factory=dict)
    level: Level = Level.NONE
    since: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What changed for a point: the level that begins, or none where it is over; with whom it was found."""

    level: Level
    evidence: float
    companions: tuple[int, ...]
    neighbour: int | None

    @property
    def confidence(self) -> float:
        """0…1: half at what is just enough."""
        return 1.0 - math.exp2(-self.evidence * self.evidence)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Neighbour:
    """A point's newest word in its zone."""

    time: float
    point: int
    evidence: float


class Combination:
    """Memory of the points that deviate; `zone_of` gives a point's zone, or NO_ZONE."""

    def __init__(self, zone_of: Callable[[int], int]) -> None:
        self._zone_of = zone_of
        self._points: dict[int, Deviating] = {}
        self._zones: dict[int, list[Neighbour]] = {}

    def __len__(self) -> int:
        return len(self._points)

    def points(self) -> npt.NDArray[np.int64]:
        """Those whose every reading matters."""
        return np.fromiter(self._points, np.int64, len(self._points))

    def levels(self, points: range) -> list[tuple[int, Level]]:
        """What stands among these points."""
        return [(point, known.level) for point, known in self._points.items() if point in points and known.level]

    def take(self, point: int, *, metric: int, time: float, evidence: float, hint: float) -> Verdict | None:
        """Take a reading's evidence, in order of arrival; `hint` is evidence of the newest reading alone.

        A hint warns where it is strong or the readings before it strengthen it; else it is watched until the next confirms it.
        """
        if point not in self._points and max(evidence, hint) < DEVIATING:
            return None
        known = self._points.setdefault(point, Deviating())
        _note(known, metric, time=time, evidence=evidence)
        own = _together([said for said, _ in known.said.values()])
        beside = self._beside(point, time=time, own=own)
        total = _together([own, beside.evidence]) if beside is not None else own
        if hint >= WARNING_EVIDENCE:
            total = max(total, WARNING_EVIDENCE if own >= STRENGTHENING or hint >= SURE_HINT else WATCH_EVIDENCE)
        level = Level.WARNING if total >= WARNING_EVIDENCE else Level.WATCH if total >= WATCH_EVIDENCE else Level.NONE
        if level > known.level:
            known.level, known.since = level, None
            others = tuple(sorted(other for other, (said, _) in known.said.items() if other != metric and said >= STRENGTHENING))
            return Verdict(level=level, evidence=total, companions=others, neighbour=beside.point if beside else None)
        return self._end(point, time=time, calm=not known.said and hint < DEVIATING)

    def _beside(self, point: int, *, time: float, own: float) -> Neighbour | None:
        """The newest other point of the zone that deviates too; this one's word is noted for them."""
        zone = self._zone_of(point)
        if zone == NO_ZONE or own < STRENGTHENING:
            return None
        others = [each for each in self._zones.get(zone, ()) if each.point != point and abs(time - each.time) <= NEIGHBOUR_SECONDS]
        self._zones[zone] = sorted((*others, Neighbour(time=time, point=point, evidence=min(own, LARGEST))), reverse=True)[:2]
        return max(others, default=None)

    def _end(self, point: int, *, time: float, calm: bool) -> Verdict | None:
        known = self._points[point]
        if not calm:
            known.since = None
            return None
        if known.level is Level.NONE:
            del self._points[point]
            return None
        if known.since is None or time < known.since:
            known.since = time
        if time - known.since < QUIET_SECONDS:
            return None
        del self._points[point]
        return Verdict(level=Level.NONE, evidence=0.0, companions=(), neighbour=None)

    def out(self, points: range) -> dict[str, Any]:
        """What is remembered of these points, for JSON; numbers of points count from the first of them."""
        said = {
            str(point - points.start): [known.level, known.since, [[metric, *each] for metric, each in known.said.items()]]
            for point, known in sorted(self._points.items())
            if point in points
        }
        zones = [
            [zone, each.time, each.point - points.start, each.evidence]
            for zone, beside in sorted(self._zones.items())
            for each in beside
            if each.point in points
        ]
        return {"deviating": said, "zones": zones}

    def take_in(self, points: range, *, remembered: Mapping[str, Any]) -> None:
        """The inverse of `out`."""
        for number, (level, since, said) in remembered["deviating"].items():
            self._points[points.start + int(number)] = Deviating(
                said={metric: (evidence, time) for metric, evidence, time in said}, level=Level(level), since=since
            )
        for zone, time, number, evidence in remembered["zones"]:
            beside = Neighbour(time=time, point=points.start + number, evidence=evidence)
            self._zones[zone] = sorted((*self._zones.get(zone, ()), beside), reverse=True)[:2]


def _together(evidence: list[float]) -> float:
    """What strengthens each other counts together, the strongest always."""
    strong = math.sqrt(sum(each * each for each in evidence if each >= STRENGTHENING))
    return max(strong, *evidence, 0.0)


def _note(known: Deviating, metric: int, *, time: float, evidence: float) -> None:
    for old in [each for each, (_, at) in known.said.items() if time - at > COMPANION_SECONDS]:
        del known.said[old]
    if evidence >= DEVIATING:
        known.said[metric] = (min(evidence, LARGEST), time)
    else:
        known.said.pop(metric, None)
