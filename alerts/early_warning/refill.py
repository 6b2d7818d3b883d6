"""A pump that keeps a network's pressure and does not come when it should: found by the refill that is missing. Vectorised, causal.

Such a network breathes: the pressure sinks slowly, the pump refills it quickly, again and again. Water that is drawn takes pressure
while it is drawn, and hardly moves the time of the next refill. So a refill is missing when it is later than refills are, and the
pressure lies below where they begin: either alone is a draw of water. Networks that are kept otherwise have no such rhythm, and are
left alone.
"""

from dataclasses import dataclass

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Flags, Floats, Indices, Level, Rows
from signals.kinds import Kind

SMOOTH_SECONDS = 30.0
"""A refill takes longer."""
RISE = 0.75
"""Of the range: a rise by so much is a refill; a tap that is closed gives back less."""
CYCLES_LEAST = 20
"""Fewer refills show no rhythm; a pump that starts less often is watched by the band alone."""
IRREGULAR = 0.2
"""The times between refills differ from their middle one by less than this share of it, on the mean."""
LATE_SECONDS = 300.0
"""A refill that comes later is missing: a draw hides one for some minutes."""
MISSED_SHARE = 1.5
"""Later than so many times, the refill may have come unrecognised, behind a draw."""
LOWER = 0.06
"""Of the range: so far below where refills begin is below it."""
RANGE_LEAST_MPA = 0.02
"""Less is no pump's work: the day's use of a network makes waves as well."""
PERIOD_SECONDS_MOST = 6 * 3_600.0
"""A longer rhythm is the day's, not a pump's."""
DENSE = 0.1
"""Of the time between refills: readings that are farther apart see only some of them."""
SILENT_SECONDS = 900.0
"""Without a reading for so long, refills may have come unseen."""
LEARNING = 0.1
"""Share of the range, and of the time, by which a refill moves the middle ones."""

STATE = np.dtype(
    [
        *trend.CLOCK,
        ("smooth", "<f4"),
        ("day", "<i4"),
        ("high", "<f4", (2,)),
        ("lowest", "<f4"),
        ("since", "<f4"),
        ("seen", "?"),
        ("middle", "<f4"),
        ("differ", "<f4"),
        ("begins", "<f4"),
        ("cycles", "<u2"),
        ("level", "u1"),
    ]
)
"""`high`: the highest of this day and of the one before; `since`: seconds since the last refill, `seen` when it came, and `lowest`
in them; `middle`: of these times, `differ`: by how much they differ from it; `begins`: where refills begin; `cycles`: refills."""

FOUND = np.dtype([("level", "u1"), ("confidence", "<f4"), ("value", "<f4"), ("begins", "<f4"), ("since", "<f4"), ("middle", "<f4")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """A detector of the engine, for pressures."""

    KIND: Kind = Kind.FACILITY_FAILING

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        state = np.zeros(count, STATE)
        state["high"] = -np.inf
        return state

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows:
        """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
        trend.take(state, time=time, value=value, advance=_advance)
        found = np.zeros(len(state), FOUND)
        found["level"], found["confidence"] = state["level"], 0.7 * (state["level"] > 0)
        for name, source in {"value": "smooth", "begins": "begins", "since": "since", "middle": "middle"}.items():
            found[name] = state[source]
        return found

    def reason(self, row: np.void) -> str:
        """What was found, in words and numbers."""
        value = f"water pressure {row['value']:.3f} MPa"
        if row["level"] == Level.NONE:
            return f"{value}, refilled"
        return (
            f"{value} and no refill for {row['since'] / 60:.0f} min; refills come every {row['middle'] / 60:.0f} min and begin at"
            f" {row['begins']:.3f} MPa: is the pump off?"
        )


def _advance(state: Rows, *, time: Floats, value: Floats) -> None:
    first = state["count"] == 0
    for name in ("smooth", "lowest", "begins"):
        state[name][first] = value[first]
    elapsed = np.where(first, 0.0, trend.passed(state, time))
    unseen = elapsed > SILENT_SECONDS
    state["seen"] &= ~unseen
    state["smooth"] += (value - state["smooth"]) * (elapsed / (SMOOTH_SECONDS + elapsed))
    _note_high(state, trend.day(state, time))
    state["lowest"] = np.where(unseen, state["smooth"], np.minimum(state["lowest"], state["smooth"]))
    state["begins"] = np.where(state["cycles"] == 0, np.minimum(state["begins"], state["smooth"]), state["begins"])
    state["since"] += elapsed
    span = np.maximum(state["high"].max(axis=1) - state["begins"], RANGE_LEAST_MPA)
    refilled: Flags = state["smooth"] - state["lowest"] >= RISE * span
    if refilled.any():
        part = state[refilled]
        _learn(part, span=span[refilled])
        state[refilled] = part
    missing = _is_missing(state, span=span, elapsed=elapsed)
    state["level"] = np.where(refilled, 0.0, np.where(missing, float(Level.WARNING), state["level"]))


def _note_high(state: Rows, day: Indices) -> None:
    over = day > state["day"]
    if over.any():
        part = state[over]
        part["high"][:, 1], part["high"][:, 0] = part["high"][:, 0], -np.inf
        part["day"] = day[over]
        state[over] = part
    state["high"][:, 0] = np.maximum(state["high"][:, 0], state["smooth"])


def _learn(state: Rows, *, span: Floats) -> None:
    """A refill came. The middle ones move by a fixed share towards it, so that odd ones do not count by how odd they are."""
    counts = state["seen"] & (state["level"] == Level.NONE)
    begun = counts & (state["cycles"] == 0)
    state["middle"] = np.where(begun, state["since"], state["middle"])
    lower = np.clip(state["lowest"] - state["begins"], -LEARNING * span, LEARNING * span)
    state["begins"] += np.where(counts, LEARNING * lower, 0.0)
    off = np.abs(state["since"] - state["middle"]) / np.maximum(state["middle"], 1.0)
    state["differ"] += np.where(counts, LEARNING * (np.minimum(off, 1.0) - state["differ"]), 0.0)
    moved = 1.0 + LEARNING * np.clip(state["since"] / np.maximum(state["middle"], 1.0) - 1.0, -LEARNING, LEARNING)
    state["middle"] *= np.where(counts, moved, 1.0)
    state["cycles"] += counts & (state["cycles"] < np.iinfo(np.uint16).max)
    state["since"], state["lowest"], state["seen"] = 0.0, state["smooth"], True


def _is_missing(state: Rows, *, span: Floats, elapsed: Floats) -> Flags:
    rhythm = state["seen"] & (state["cycles"] >= CYCLES_LEAST) & (state["differ"] <= IRREGULAR)
    rhythm &= (state["middle"] <= PERIOD_SECONDS_MOST) & (span > RANGE_LEAST_MPA) & (elapsed <= DENSE * state["middle"])
    late = state["since"] > state["middle"] + LATE_SECONDS
    one = state["since"] < state["middle"] * MISSED_SHARE + LATE_SECONDS
    missing: Flags = rhythm & late & one & (state["smooth"] < state["begins"] - LOWER * span)
    return missing
