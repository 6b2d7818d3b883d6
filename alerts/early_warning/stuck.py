"""A sensor that repeats its last reading, as no quantity does that is still measured. Vectorised, causal.

How long a series repeats itself in ordinary times is its own matter: a coarse thermometer shows the same half kelvin all night. So
a run of equal readings must be longer than `TIMES` the longest one of the days before, and long enough not to come up by chance
when one reading in so many repeats the one before.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Flags, Floats, Level, Rows
from signals.kinds import Kind

LEAST_SECONDS = 5_400.0
"""An hour and a half: whatever stands still for less may move again."""
TIMES = 3.0
"""... and must be so many times longer than the longest of the days before."""
CHANCE = 16.0
"""In nats: a run that comes up once in nine million readings."""
READINGS_LEAST = 8
"""Fewer equal readings are no run."""
SHARE_READINGS = 500.0
"""The share of repeated readings is a mean over about so many."""
SHARE_LEAST, SHARE_MOST = 0.02, 0.98
DAYS = 5
"""The longest runs of so many days are remembered."""
FEWEST_SECONDS = 2 * 3_600.0
"""Less tells nothing of a series' runs."""

STATE = np.dtype(
    [
        *trend.CLOCK,
        ("last", "<f4"),
        ("run", "<u4"),
        ("run_seconds", "<f4"),
        ("share", "<f4"),
        ("known", "<f4"),
        ("day", "<i4"),
        ("today", "<f4"),
        ("days", "<f4", (DAYS,)),
        ("level", "u1"),
    ]
)
"""`run`: equal readings until now; `share`: of readings that repeat the one before; `today`, `days`: longest runs that ended."""

FOUND = np.dtype([("level", "u1"), ("confidence", "<f4"), ("value", "<f4"), ("seconds", "<f4"), ("usual", "<f4")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Stuck:
    """A detector of the engine, for one metric.

    Attributes:
        rests_at: what a sound sensor may say for days; NaN: it has no such value.
    """

    words: str
    unit: str
    decimals: int
    rests_at: float = np.nan
    KIND: Kind = Kind.SENSOR_SUSPECT

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        return np.zeros(count, STATE)

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows:
        """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
        trend.take(state, time=time, value=value, advance=partial(_advance, rests_at=self.rests_at))
        found = np.zeros(len(state), FOUND)
        found["level"], found["confidence"] = state["level"], 0.8 * (state["level"] > 0)
        found["value"], found["seconds"] = state["last"], state["run_seconds"]
        found["usual"] = _longest(state)
        return found

    def reason(self, row: np.void) -> str:
        """What was found, in words and numbers."""
        value = f"{self.words} {row['value']:.{self.decimals}f} {self.unit}".rstrip()
        if row["level"] == Level.NONE:
            return f"{value}, moves again"
        return (
            f"{value}, exactly the same for {row['seconds'] / 3600:.1f} h"
            f"; on the days before it stood still for {row['usual'] / 3600:.1f} h at most"
        )


def _longest(state: Rows) -> Floats:
    longest: Floats = np.maximum(state["days"].max(axis=1), state["today"])
    return longest


def _advance(state: Rows, *, time: Floats, value: Floats, rests_at: float) -> None:
    first = state["count"] == 0
    elapsed = np.where(first, 0.0, trend.passed(state, time))
    day = trend.day(state, time)
    if (over := day > state["day"]).any():
        part = state[over]
        part["days"][np.arange(len(part)), part["day"] % DAYS] = part["today"]
        part["today"], part["day"] = 0.0, day[over]
        state[over] = part
    same = (value.astype(np.float32) == state["last"]) & (value != rests_at) & ~first
    ended = ~same & (state["level"] == Level.NONE)
    state["today"] = np.where(ended, np.maximum(state["today"], state["run_seconds"]), state["today"])
    state["run"] = np.where(same, state["run"] + 1, 0)
    # A run that goes on through a gap shows nothing of what was in it.
    state["run_seconds"] = np.where(same, state["run_seconds"] + np.minimum(elapsed, LEAST_SECONDS), 0.0)
    state["level"] = np.where(same & (_is_stuck(state) | (state["level"] > 0)), float(Level.WARNING), 0.0)
    learns = (state["level"] == Level.NONE) & ~first
    readings = np.minimum(state["count"], SHARE_READINGS)
    state["share"] += np.where(learns, (same - state["share"]) / np.maximum(readings, 1.0), 0.0)
    state["known"] += np.where(learns, elapsed, 0.0)
    state["last"] = value


def _is_stuck(state: Rows) -> Flags:
    share = np.clip(state["share"], SHARE_LEAST, SHARE_MOST)
    unlikely = (state["run"] >= READINGS_LEAST) & (state["run"] * -np.log(share) >= CHANCE)
    unknown = 1.0 + 2 * trend.DAY_SECONDS / np.maximum(state["known"] - state["run_seconds"], 1.0)
    long = state["run_seconds"] >= np.maximum(LEAST_SECONDS, TIMES * _longest(state) * unknown)
    known = state["known"] - state["run_seconds"] >= FEWEST_SECONDS
    stuck: Flags = unlikely & long & known
    return stuck
