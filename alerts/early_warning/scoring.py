"""The protocol: how long before plain rules the engine warns, and how often of nothing. It knows no ignition mark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alerts.early_warning import measured
from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Finding, Floats, Indices, Level
from alerts.early_warning.measured import Series

METRIC = "temperature_celsius"
REARM_SECONDS = 600.0
"""A warning of an ordinary room counts once for each such span that it stands."""
DAY_SECONDS = 86400.0
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """What the engine said of a series: first watch and first warning of each detector (infinite: never), and all it said."""

    series: Series
    watch: Floats
    warning: Floats
    findings: Sequence[tuple[int, Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FireScore:
    """Leads in seconds, a row a run (median of its detectors): over 58 °C, over the rate of rise, over ΔT 5 K."""

    names: Sequence[str]
    leads: Floats
    detectors: int
    early: int
    early_watches: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AmbientScore:
    """Warnings of ordinary rooms."""

    days: float
    warnings: int
    watches: int

    @property
    def a_day(self) -> float:
        """Warnings a day and detector."""
        return self.warnings / self.days

    @property
    def upper_a_day(self) -> float:
        """The 95 % upper bound of a Poisson rate of which so many were seen."""
        return poisson_upper(self.warnings) / self.days


def watch(series: Series, *, sensitivity: float = 1.0) -> Warned:
    """What a fresh engine says of a series."""
    return watch_all([series], sensitivities=[sensitivity])[0]


def watch_all(series: Sequence[Series], *, sensitivities: Sequence[float]) -> list[Warned]:
    """What an engine says of each series at its sensitivity. They are fed together: none hangs on its company or on later rows."""
    engine = Engine()
    slots: list[Indices] = []
    for number, (each, sensitivity) in enumerate(zip(series, sensitivities, strict=True)):
        detectors = [engine.slot(str(number), str(detector), metric=METRIC) for detector in range(each.celsius.shape[1])]
        for detector in range(len(detectors)):
            engine.book.desensitise(engine.book.number(str(number), str(detector)), sensitivity=sensitivity)
        slots.append(np.tile(np.array(detectors), len(each.seconds)))
    said: list[list[tuple[int, Finding]]] = [[] for _ in series]
    for finding in engine.feed(
        np.concatenate(slots),
        times=np.concatenate([np.repeat(each.seconds, each.celsius.shape[1]) for each in series]),
        values=np.concatenate([each.celsius.ravel() for each in series]),
    ):
        said[int(finding.transmitter_id)].append((int(finding.point), finding))
    return [_warned(each, findings=findings) for each, findings in zip(series, said, strict=True)]


def _warned(series: Series, *, findings: Sequence[tuple[int, Finding]]) -> Warned:
    first = {level: np.full(series.celsius.shape[1], math.inf) for level in (Level.WATCH, Level.WARNING)}
    for detector, finding in findings:
        for level, at in first.items():
            if finding.level >= level:
                at[detector] = min(at[detector], finding.time)
    return Warned(series=series, watch=first[Level.WATCH], warning=first[Level.WARNING], findings=findings)


def score_fires(runs: Sequence[Warned]) -> FireScore:
    """The leads. A warning before ignition earns none; one that comes after 58 °C is a miss."""
    leads = []
    missed = 0
    for run in runs:
        fixed = measured.fixed_alarm(run.series)
        missed += int(((run.warning >= fixed) & np.isfinite(fixed)).sum())
        told = np.where(run.warning >= 0, run.warning, np.inf)
        alarms = np.array([fixed, measured.rate_alarm(run.series), measured.rise_alarm(run.series)])
        leads.append(np.median(np.where(np.isfinite(told), alarms - np.where(np.isfinite(told), told, 0), -np.inf), axis=1))
    return FireScore(
        names=[run.series.name for run in runs],
        leads=np.array(leads),
        detectors=sum(len(run.warning) for run in runs),
        early=sum(int((run.warning < 0).sum()) for run in runs),
        early_watches=sum(int((run.watch < 0).sum()) for run in runs),
        missed=missed,
    )


def score_ambient(rooms: Sequence[Warned]) -> AmbientScore:
    """Warnings of rooms without a fire; one that stands counts again for every ten minutes."""
    days = sum(float(np.ptp(room.series.seconds)) * len(room.warning) for room in rooms) / DAY_SECONDS
    counts = {level: sum(_episodes(room, level=level) for room in rooms) for level in (Level.WATCH, Level.WARNING)}
    return AmbientScore(days=days, warnings=counts[Level.WARNING], watches=counts[Level.WATCH])


def _episodes(room: Warned, *, level: Level) -> int:
    count = 0
    began: dict[int, float] = {}
    end = float(room.series.seconds[-1])
    for detector, finding in room.findings:
        if finding.level >= level:
            began.setdefault(detector, finding.time)
        elif not finding.active and detector in began:
            count += math.ceil(max(finding.time - began.pop(detector), 1.0) / REARM_SECONDS)
    return count + sum(math.ceil(max(end - time, 1.0) / REARM_SECONDS) for time in began.values())


def poisson_upper(seen: int) -> float:
    """The mean of which `seen` or fewer come up in only 5 % of all cases: 3.0 for none."""
    low, high = 0.0, 10.0 + 3.0 * seen
    while high - low > 1e-6:
        mean = (low + high) / 2
        terms = (math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(seen + 1))
        low, high = (mean, high) if sum(terms) > 1 - CONFIDENCE else (low, mean)
    return high
