"""A pump that keeps a network's pressure and does not come when it should: found by the refill that is missing. Vectorised, causal.

Between two refills the pressure sinks slowly from its upper half through its lower half. Water that is drawn makes that time
longer or shorter, by no more than it did on the days before; and it takes pressure only while it is drawn. So a refill is missing
when the pressure has been in its lower half for longer than it ever was, and lies below where refills begin. Networks that are kept
otherwise have no such rhythm, and are left alone.
"""

from dataclasses import dataclass

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Flags, Floats, Level, Rows
from signals.kinds import Kind

SMOOTH_SECONDS = 30.0
"""A refill takes longer."""
DAYS = 5
"""The longest sinkings of so many days are remembered."""
CYCLES_LEAST = 20
"""Fewer refills show no rhythm; a pump that starts less often is watched by the band alone."""
IRREGULAR = 0.5
"""The longest sinking is at most so much longer than the middle one."""
LATE_SHARE = 0.1
"""A refill is late when the sinking is longer than the longest by this share,"""
LATE_SECONDS = 30.0
"""... and by so much, or by the time between two readings."""
SINKING_SECONDS_MOST = 6 * 3_600.0
"""A longer sinking is remembered as this: it is no pump's."""
SILENT_SECONDS = 900.0
"""Without a reading for so long, refills may have come unseen."""
LOWER = 0.05
"""Of the range: so far below where refills begin is below it."""
RANGE_LEAST_MPA = 0.02
"""Less is no pump's work: the day's use of a network makes waves as well."""
LEARNING = 0.1
"""Share of the range, and of the time, by which a refill moves the middle ones."""

STATE = np.dtype(
    [
        *trend.CLOCK,
        ("smooth", "<f4"),
        ("day", "<i4"),
        ("high", "<f4", (2,)),
        ("lowest", "<f4"),
        ("sinking", "<f4"),
        ("middle", "<f4"),
        ("begins", "<f4"),
        ("cycles", "<u2"),
        ("today", "<f4"),
        ("days", "<f4", (DAYS,)),
        ("level", "u1"),
    ]
)
"""`high`: the highest of this day and of the one before; `sinking`: seconds in the lower half, `lowest` in them; `middle`: of these
times; `begins`: where refills begin; `cycles`: refills; `today`, `days`: the longest such times."""

FOUND = np.dtype(
    [("level", "u1"), ("confidence", "<f4"), ("value", "<f4"), ("begins", "<f4"), ("sinking", "<f4"), ("longest", "<f4")]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """A detector of the engine, for pressures."""

    KIND: Kind = Kind.FACILITY_FAILING

    @property
    def STATE(self) -> np.dtype[np.void]:  # noqa: N802
        """The layout of a state."""
        return STATE

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        state = np.zeros(count, STATE)
        state["high"] = -np.inf
        state["lowest"] = state["begins"] = np.inf
        return state

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows:
        """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
        trend.take(state, time=time, value=value, advance=_advance)
        found = np.zeros(len(state), FOUND)
        found["level"], found["confidence"] = state["level"], 0.7 * (state["level"] > 0)
        found["value"], found["begins"], found["sinking"] = state["smooth"], state["begins"], state["sinking"]
        found["longest"] = _longest(state)
        return found

    def reason(self, row: np.void) -> str:
        """What was found, in words and numbers."""
        value = f"water pressure {row['value']:.3f} MPa"
        if row["level"] == Level.NONE:
            return f"{value}, refilled"
        return (
            f"{value}, sinking for {row['sinking'] / 60:.0f} min without a refill, on the days before for"
            f" {row['longest'] / 60:.0f} min at most; refills begin at {row['begins']:.3f} MPa: is the pump off?"
        )


def _longest(state: Rows) -> Floats:
    longest: Floats = np.maximum(state["days"].max(axis=1), state["today"])
    return longest


def _advance(state: Rows, *, time: Floats, value: Floats) -> None:
    first = state["count"] == 0
    state["smooth"][first] = value[first]
    elapsed = np.where(first, 0.0, trend.passed(state, time))
    unseen = elapsed > SILENT_SECONDS
    state["sinking"] = np.where(unseen, 0.0, state["sinking"])
    state["smooth"] += (value - state["smooth"]) * (elapsed / (SMOOTH_SECONDS + elapsed))
    day = trend.day(state, time)
    if (over := day > state["day"]).any():
        part = state[over]
        part["days"][np.arange(len(part)), part["day"] % DAYS] = part["today"]
        part["high"][:, 1], part["high"][:, 0] = part["high"][:, 0], part["smooth"]
        part["today"], part["day"] = 0.0, day[over]
        state[over] = part
    state["high"][:, 0] = np.maximum(state["high"][:, 0], state["smooth"])
    state["begins"] = np.where(state["cycles"] == 0, np.minimum(state["begins"], state["smooth"]), state["begins"])
    high = state["high"].max(axis=1)
    upper = state["smooth"] >= (high + state["begins"]) / 2
    refilled: Flags = upper & (state["sinking"] > 0)
    if refilled.any():
        part = state[refilled]
        _learn(part, high=high[refilled])
        state[refilled] = part
    state["sinking"] = np.where(upper | unseen, 0.0, state["sinking"] + elapsed)
    state["lowest"] = np.where(upper, np.inf, np.minimum(state["lowest"], state["smooth"]))
    state["level"] = np.where(
        upper, 0.0, np.where(_is_missing(state, high=high, elapsed=elapsed), float(Level.WARNING), state["level"])
    )


def _learn(state: Rows, *, high: Floats) -> None:
    """A sinking is over. Some were no more than a tap that was opened: the middle ones are not moved by these for long."""
    begun = state["cycles"] == 0
    for name, value in (("begins", state["lowest"]), ("middle", state["sinking"])):
        state[name] = np.where(begun, value, state[name])
    span = np.maximum(high - state["begins"], RANGE_LEAST_MPA)
    state["begins"] += LEARNING * np.clip(state["lowest"] - state["begins"], -LEARNING * span, LEARNING * span)
    state["middle"] *= 1.0 + LEARNING * np.sign(state["sinking"] - state["middle"])
    state["cycles"] += state["cycles"] < np.iinfo(np.uint16).max
    known = np.where(state["level"] == Level.NONE, state["sinking"], 0.0)
    state["today"] = np.maximum(state["today"], np.minimum(known, SINKING_SECONDS_MOST))


def _is_missing(state: Rows, *, high: Floats, elapsed: Floats) -> Flags:
    longest = _longest(state)
    span = high - state["begins"]
    rhythm = (state["cycles"] >= CYCLES_LEAST) & (span >= RANGE_LEAST_MPA) & (longest <= state["middle"] * (1 + IRREGULAR))
    late = state["sinking"] > longest * (1 + LATE_SHARE) + np.maximum(LATE_SECONDS, elapsed)
    missing: Flags = rhythm & late & (state["smooth"] < state["begins"] - LOWER * span)
    return missing
