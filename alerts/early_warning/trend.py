"""What the detectors of facilities share: a series' clock, its days, and the slope of these days with its error. Causal.

A day of a series is kept as one number, its highest or its lowest smoothed reading: so the swing of day and night is none of the
slope's, at any sampling between a second and a day. A series' days begin half a day away from its first reading, so that one that
reports once a day has each of its readings in the middle of one.
"""

from typing import Protocol

import numpy as np

from alerts.early_warning.findings import Flags, Floats, Indices, Rows

DAY_SECONDS = 86_400.0
"""Of a series' days."""
DAYS = 16
"""Days that are remembered: two weeks hold two of every weekday."""
WINDOWS = (8, DAYS)
"""Days that a slope is drawn through: the shorter one sees what began lately, the longer one what is slow."""
DAYS_LEAST = 5
"""Fewer days make no slope."""
SET_BACK_READINGS = 20
"""So many readings in a row before the newest one, each after the other: the clock was set back, not the network late."""

CLOCK = [("time", "<f8"), ("earlier_time", "<f8"), ("origin", "<f8"), ("count", "<u4"), ("earlier", "<u2")]
"""`origin`: where the series' days are counted from; it moves with a clock that is set back, and what was learnt stays."""

_X = np.arange(DAYS, dtype=np.float64)
_FIRST, _SECOND = np.triu_indices(DAYS, 1)
_ROWS_AT_ONCE = 2_048


class Advance(Protocol):
    """Takes one reading of each row of `state`, changing it."""

    def __call__(self, state: Rows, /, *, time: Floats, value: Floats) -> None: ...


def take(state: Rows, *, time: Floats, value: Floats, advance: Advance) -> None:
    """Let `advance` take the readings that count: none that is not newer than its series' last, unless the clock was set back."""
    counts = _taken(state, time)
    if counts.all():
        advance(state, time=time, value=value)
    elif counts.any():
        part = state[counts]
        advance(part, time=time[counts], value=value[counts])
        state[counts] = part


def _taken(state: Rows, time: Floats) -> Flags:
    fresh = state["count"] == 0
    late = ~fresh & (time <= state["time"])
    if fresh.any():
        state["origin"][fresh] = state["time"][fresh] = time[fresh]
    if late.any():
        late &= ~_set_back(state, time, late=late)
    counts: Flags = ~late
    return counts


def passed(state: Rows, time: Floats) -> Floats:
    """Seconds since the reading before; the clock moves on. For rows that count."""
    elapsed: Floats = time - state["time"]
    state["time"] = time
    state["count"] += state["count"] < np.iinfo(np.uint32).max
    state["earlier"] = 0
    return elapsed


def day(state: Rows, time: Floats) -> Indices:
    """The number of the series' day; 0 is the half day that it begins with."""
    number: Indices = np.floor((time - state["origin"]) / DAY_SECONDS + 0.5).astype(np.int64)
    return number


def keep_day(ring: Floats, number: Indices, *, value: Floats, skipped: Indices) -> None:
    """Write what day `number` of each series came to; the `skipped` days after it were silent."""
    rows = np.arange(len(ring))
    ring[rows, number % DAYS] = value
    for ahead in range(1, min(int(skipped.max(initial=0)), DAYS) + 1):
        silent = rows[skipped >= ahead]
        ring[silent, (number[silent] + ahead) % DAYS] = np.nan


def in_order(ring: Floats, number: Indices) -> Floats:
    """The days before day `number`, oldest first; what is not known is NaN."""
    places = (number[:, None] - DAYS + np.arange(DAYS)) % DAYS
    ordered: Floats = np.take_along_axis(ring, places, axis=1).astype(np.float64)
    return ordered


def slope(days: Floats, *, noise: float, correlated_days: float) -> tuple[Floats, Floats]:
    """The slope a day (Theil–Sen: a quarter of the days may be odd) and its standard error, over the clearer of two windows.

    Args:
        days: oldest first, NaN where nothing is known.
        noise: days scatter at least by so much about their line.
        correlated_days: so many days tell as much as one independent one.

    Returns:
        Slope and error; 0 and infinite where there are too few days.
    """
    best, error = np.zeros(len(days)), np.full(len(days), np.inf)
    for start in range(0, len(days), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        for window in WINDOWS:
            recent = days[part].copy()
            recent[:, : DAYS - window] = np.nan
            found, its_error = _theil_sen(recent, noise=noise, correlated_days=correlated_days)
            clearer = np.isfinite(its_error) & (np.abs(found) / its_error > np.abs(best[part]) / error[part])
            best[part] = np.where(clearer, found, best[part])
            error[part] = np.where(clearer, its_error, error[part])
    return best, error


def _theil_sen(days: Floats, *, noise: float, correlated_days: float) -> tuple[Floats, Floats]:
    known = np.isfinite(days)
    count = known.sum(axis=1)
    found = np.nan_to_num(_middle((days[:, _SECOND] - days[:, _FIRST]) / (_X[_SECOND] - _X[_FIRST])))
    left = days - found[:, None] * _X
    left -= _middle(left)[:, None]
    scatter = np.sqrt(np.where(known, left**2, 0.0).sum(axis=1) / np.maximum(count - 2, 1))
    middle = np.where(known, _X, 0.0).sum(axis=1) / np.maximum(count, 1)
    width = np.sqrt(np.where(known, (_X - middle[:, None]) ** 2, 0.0).sum(axis=1) / correlated_days)
    enough = count >= DAYS_LEAST
    error = np.where(enough, np.maximum(scatter, noise) / np.maximum(width, 1e-9), np.inf)
    return np.where(enough, found, 0.0), error


def _middle(values: Floats) -> Floats:
    """The median of each row without its NaN; NaN where there is nothing else."""
    ordered = np.sort(values, axis=1)  # NaN goes to the end
    count = np.isfinite(values).sum(axis=1)
    rows = np.arange(len(values))
    lower, upper = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[1] - 1)
    middle: Floats = (ordered[rows, lower] + ordered[rows, upper]) / 2
    return middle


def _set_back(state: Rows, time: Floats, *, late: Flags) -> Flags:
    """Count readings that come too late; whose clock was set back."""
    onward = late & (state["earlier"] > 0) & (time > state["earlier_time"])
    state["earlier"] = np.where(onward, np.minimum(state["earlier"] + 1, SET_BACK_READINGS), np.where(late, 1, state["earlier"]))
    state["earlier_time"] = np.where(late, time, state["earlier_time"])
    back: Flags = late & (state["earlier"] >= SET_BACK_READINGS)
    state["origin"] = np.where(back, state["origin"] + time - state["time"], state["origin"])
    state["time"] = np.where(back, time, state["time"])
    return back
