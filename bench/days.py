"""The detectors of facilities on simulated days: what they find of failures and how soon, and what they say on ordinary days."""

import sys
from dataclasses import dataclass, field

import numpy as np

from alerts.early_warning.facilities import DETECTORS
from alerts.early_warning.findings import Floats, Level
from bench.measured import Measured
from simulator.failing_days import FAILURES, Course, failing
from simulator.ordinary_days import ordinary, sampling
from simulator.surroundings import DAY

ORDINARY_SEEDS = range(1, 21)
ORDINARY_DAYS = 30.0
HISTORY_DAYS = 10.0
JITTER = 0.03
"""Of the interval: readings come about as often as they should."""


@dataclass(slots=True, kw_only=True)
class Watched:
    """What was said of some series (columns): when a watch or a warning came first, from `since` on, and how many before that."""

    since: Floats
    watch: Floats = field(init=False)
    warning: Floats = field(init=False)
    early_watches: int = 0
    early_warnings: int = 0
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.watch = np.full(len(self.since), np.inf)
        self.warning = np.full(len(self.since), np.inf)

    def note(self, at: float, *, column: int, level: int, words: str) -> None:
        """A level that was reached."""
        if at < self.since[column]:
            self.early_watches += level == Level.WATCH
            self.early_warnings += level == Level.WARNING
            self.words.append(words)
            return
        self.watch[column] = min(self.watch[column], at)
        if level == Level.WARNING:
            self.warning[column] = min(self.warning[column], at)


def watch(metric: str, *, times: Floats, values: Floats, since: Floats) -> Watched:
    """Feed all detectors of a metric row by row; `times` and `values`: a row a reading, a column a series."""
    found = Watched(since=since)
    detectors = DETECTORS[metric].values()
    states = [detector.begin(times.shape[1]) for detector in detectors]
    levels = [np.zeros(times.shape[1], np.uint8) for _ in detectors]
    for at, value in zip(times, values, strict=True):
        for place, detector in enumerate(detectors):
            row = detector.step(states[place], time=at, value=value)
            for column in np.flatnonzero(row["level"] > levels[place]).tolist():
                words = detector.reason(row[column])
                found.note(float(at[column]), column=column, level=int(row["level"][column]), words=words)
            levels[place] = row["level"].copy()
    return found


def failed(name: str, *, every_seconds: float, history_days: float = HISTORY_DAYS) -> tuple[Watched, list[Course]]:
    """A failure of each of its seeds after so many ordinary days; only what may be found in time is fed."""
    failure = FAILURES[name]
    count = int((history_days + failure.days) * DAY / every_seconds)
    chance = np.random.default_rng(5)
    starts = chance.uniform(0, DAY, len(failure.seeds))
    steps = every_seconds * chance.uniform(1 - JITTER, 1 + JITTER, (count, len(failure.seeds)))
    times = starts + np.cumsum(steps, axis=0)
    courses = [
        failing(name, seed=seed, seconds=times[:, column], onset=times[0, column] + history_days * DAY)
        for column, seed in enumerate(failure.seeds)
    ]
    fed = int(np.searchsorted(times.min(axis=1), max(course.due for course in courses))) + 2
    values = np.stack([course.shown for course in courses], axis=1)
    begins = np.array([course.begins for course in courses])
    return watch(failure.metric, times=times[:fed], values=values[:fed], since=begins), courses


def ordinary_days(metric: str, *, every_seconds: float, days: float = ORDINARY_DAYS) -> Watched:
    """Nothing fails, and nothing should be said."""
    times = np.stack([sampling(seed, every_seconds=every_seconds, days=days) for seed in ORDINARY_SEEDS], axis=1)
    columns = [ordinary(metric, seed=seed, seconds=times[:, column]) for column, seed in enumerate(ORDINARY_SEEDS)]
    return watch(metric, times=times, values=np.stack(columns, axis=1), since=np.full(len(ORDINARY_SEEDS), np.inf))


def measure(*, fastest_seconds: float = 60.0) -> dict[str, Measured]:
    """Of every failure and interval the share found in time, and warnings on ordinary days."""
    found: dict[str, Measured] = {}
    for name, failure in FAILURES.items():
        for every in (each for each in failure.every_seconds if each >= fastest_seconds):
            watched, courses = failed(name, every_seconds=every)
            due = np.array([course.due for course in courses])
            delay = np.median(watched.warning - watched.since) / 3600
            note = (
                f"warned in time, of {len(due)}; noticed {int((watched.watch <= due).sum())}; median {delay:.2f} h after the onset"
            )
            note += f"; before it {watched.early_warnings} warnings, {watched.early_watches} watches"
            found[f"days_{name}_every_{every:.0f}_s"] = Measured(value=int((watched.warning <= due).sum()), unit="", note=note)
            print(f"{name} every {every:.0f} s: {found[f'days_{name}_every_{every:.0f}_s'].value:.0f}, {note}", file=sys.stderr)
    for metric in DETECTORS:
        for every in (60.0, 600.0):
            watched = ordinary_days(metric, every_seconds=every)
            note = f"warnings in {ORDINARY_DAYS:.0f} ordinary days of {len(ORDINARY_SEEDS)} series; {watched.early_watches} watches"
            found[f"ordinary_{metric}_every_{every:.0f}_s"] = Measured(value=watched.early_warnings, unit="", note=note)
            print(f"ordinary {metric} every {every:.0f} s: {watched.early_warnings}, {note} {watched.words[:2]}", file=sys.stderr)
    return found
