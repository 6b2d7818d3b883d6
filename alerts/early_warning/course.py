"""A quantity on its way to a limit: found by the days that are left, or by the room that it has used up. Vectorised, causal.

Two ways to a finding, besides the limit itself. *Trend*: the slope of the days is `SIGNIFICANT` times its own error, and reaches
the limit within so many days. *Room*: between the highest hour of the days before (older than `LATELY_DAYS`, so that some days of
growth do not hide themselves) and the limit there is room; a part of it is used. The second needs no more than hours, the first
looks weeks ahead. Inside, all is turned so that upwards is towards the limit.
"""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Flags, Floats, Indices, Level, Rows, median
from signals.kinds import Kind

CONFIRMING_READINGS = 3
"""One odd reading is beyond no limit, though it was the first."""
SIGNIFICANT = 5.0
"""Slope over its error. A year of 100,000 series has 4e7 days: a normal error of 5 is exceeded by ten of them."""
LATELY_DAYS = 6
"""Younger days are not usual yet: some days of growth must not hide themselves."""
KNOWN_DAYS = 3
"""What is usual is known after so many whole days."""
ROOM_WATCH, ROOM_WARNING = 1 / 3, 1 / 2
"""Parts of the room used. The warning comes while as much room is left as was used."""
RELEASE = 0.8
"""What stands is over below this part of what began it, and at this part of the limit's distance."""
CALM_SECONDS = 3_600.0
"""It is over when nothing of it held for so long."""
SECOND_DAY = 1

STATE = np.dtype(
    [
        *trend.CLOCK,
        ("last", "<f4"),
        ("before", "<f4"),
        ("smooth", "<f4"),
        ("newest", "<f4"),
        ("limit", "<f4"),
        ("own", "?"),
        ("day", "<i4"),
        ("edge", "<f4"),
        ("usual", "<f4"),
        ("slope", "<f4"),
        ("error", "<f4"),
        ("left", "<f4"),
        ("changed", "<f4"),
        ("calm", "<f4"),
        ("level", "u1"),
        ("edges", "<f4", (trend.DAYS,)),
    ]
)
"""`newest`: what is held against the days before: `smooth`, or the last whole day's baseline; `limit`: the course's, or the series'
`own`; `edge`: of this day, `edges`: of the days before; `usual`: the highest of them, or NaN; `left`: days until the limit;
`changed`: what the slope made of the days it was drawn through; `calm`: seconds without what began the finding."""

FOUND = np.dtype(
    [
        ("level", "u1"),
        ("confidence", "<f4"),
        ("value", "<f4"),
        ("usual", "<f4"),
        ("limit", "<f4"),
        ("slope", "<f4"),
        ("error", "<f4"),
        ("left", "<f4"),
        ("by_trend", "?"),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What is followed, and a detector of the engine for it.

    Attributes:
        rises: towards its limit; else it falls.
        limit: in `unit`; a series may have its own (`ask`).
        smooth_seconds: time constant: a switching machine or a draw of water is shorter than some of it, a failure longer.
        limit_share: instead: of the highest day that was ever seen.
        by_room: the room that is used counts; else only the days' trend: what comes and goes within hours is no failure.
        near: as much of the way from 0 to the limit warns while nothing is known of the days before; 0: never.
        noise: days scatter by at least this.
        correlated_days: weather and use stay alike for about so long: so many days tell as much as one independent one.
        least: smaller changes are neither a trend nor room used.
        watch_days, warning_days: until the limit.
        baseline: a day counts by its calmest reading instead of its highest, when it is over: what people do, or a fire, is none of
            a sensor's zero.
        standing: readings farther than this from their own mean are of something that moves, and do not count.
    """

    KIND: Kind
    words: str
    unit: str
    decimals: int
    rises: bool
    noise: float
    least: float
    watch_days: float
    warning_days: float
    limit: float = math.nan
    limit_share: float = 0.0
    smooth_seconds: float = 600.0
    correlated_days: float = 3.0
    by_room: bool = True
    near: float = 0.0
    baseline: bool = False
    standing: float = math.inf
    remark: str = ""

    @property
    def sign(self) -> float:
        """Turns a value so that upwards is towards the limit."""
        return 1.0 if self.rises else -1.0

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        state = np.zeros(count, STATE)
        state["limit"] = self.sign * self.limit
        state["edge"] = np.inf if self.baseline else -np.inf
        state["usual"] = state["edges"] = np.nan
        state["error"] = state["left"] = np.inf
        return state

    def ask(self, state: Rows, *, limit: Floats) -> None:
        """Give series a limit of their own, in `unit`; the course's where it is NaN."""
        own = np.isfinite(limit)
        known = np.full(len(state), self.sign * self.limit) if np.isfinite(self.limit) else state["limit"]
        state["limit"] = np.where(own, self.sign * limit, np.where(state["own"] & ~own, self.sign * self.limit, known))
        state["own"] = own

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows:
        """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
        trend.take(state, time=time, value=self.sign * value, advance=partial(_advance, self))
        return self._found(state)

    def reason(self, row: np.void) -> str:
        """What was found, in words and numbers."""
        digits, unit = self.decimals, f" {self.unit}" if self.unit else ""
        words = [f"{self.words} {row['value']:.{digits}f}{unit}"]
        if np.isfinite(row["usual"]):
            end = "highest" if self.rises else "lowest"
            words.append(f"{end} of its usual days {row['usual']:.{digits}f}{unit}")
        if np.isfinite(row["error"]) and row["slope"]:
            way = "rising" if row["slope"] > 0 else "falling"
            words.append(f"{way} {abs(row['slope']):.{digits + 1}f} ± {row['error']:.{digits + 1}f}{unit} a day")
        limit = f"its limit of {row['limit']:.{digits}f}{unit}{self.remark}"
        if (row["value"] - row["limit"]) * self.sign >= 0:
            words.append(f"beyond {limit}")
        elif row["by_trend"]:
            words.append(f"{limit} in about {row['left']:.0f} days")
        elif np.isfinite(row["limit"]):
            words.append(f"{abs(row['limit'] - row['value']):.{digits}f}{unit} to {limit}")
        return ", ".join(words)

    def _found(self, state: Rows) -> Rows:
        found = np.zeros(len(state), FOUND)
        for name in ("level", "error", "left"):
            found[name] = state[name]
        for name, source in {"value": "newest", "usual": "usual", "limit": "limit", "slope": "slope"}.items():
            found[name] = self.sign * state[source]
        found["by_trend"] = _by_trend(self, state, days=np.inf)
        found["confidence"] = np.where(state["level"] == Level.WARNING, 0.8, np.where(state["level"] == Level.WATCH, 0.4, 0.0))
        return found


def _advance(course: Course, state: Rows, *, time: Floats, value: Floats) -> None:
    first = state["count"] == 0
    if first.any():
        for name in ("last", "before", "smooth"):
            state[name][first] = value[first]
        state["newest"][first] = -np.inf
        if course.limit_share:
            begun = first & ~state["own"]
            state["limit"][begun] = value[begun] * course.limit_share
    elapsed = trend.passed(state, time)
    held = median(value, state["last"], other=state["before"])
    state["before"], state["last"] = state["last"].copy(), value
    state["smooth"] += (held - state["smooth"]) * (elapsed / (course.smooth_seconds + elapsed))
    number = trend.day(state, time)
    over = number > state["day"]
    if over.any():
        part = state[over]
        _end_day(course, part, number=number[over])
        state[over] = part
    stands = np.abs(held - state["smooth"]) <= course.standing
    farther = np.minimum if course.baseline else np.maximum
    # A reading a day is the day's calmest at once.
    whole = elapsed >= trend.DAY_SECONDS / 2 if course.baseline else True
    state["newest"] = np.where(whole, state["smooth"], state["newest"])
    state["edge"] = np.where(stands, farther(state["edge"], state["smooth"]), state["edge"])
    _conclude(course, state, elapsed=elapsed, stands=stands)


def _end_day(course: Course, state: Rows, *, number: Indices) -> None:
    """Keep the day that is over, and draw from all of them what the next one is held against."""
    ended = state["day"].astype(np.int64)
    # The half day that a series begins with may have missed the hour that counts.
    value = np.where(np.isfinite(state["edge"]) & (ended >= SECOND_DAY), state["edge"], np.nan)
    trend.keep_day(state["edges"], ended, value=value, skipped=number - ended - 1)
    days = trend.in_order(state["edges"], number)
    known = np.isfinite(days)
    count = known.sum(axis=1)
    if course.limit_share:
        _learn_limit(course, state, day=value)
    # How many known days are younger, for each day.
    younger = count[:, None] - np.cumsum(known, axis=1)
    old = known & (younger >= np.clip(count - KNOWN_DAYS, 0, LATELY_DAYS)[:, None])
    state["usual"] = np.where(count >= KNOWN_DAYS, np.where(old, days, -np.inf).max(axis=1), np.nan)
    state["slope"], state["error"] = trend.slope(days, noise=course.noise, correlated_days=course.correlated_days)
    span = np.where(known.any(axis=1), trend.DAYS - known.argmax(axis=1), 0)
    state["changed"] = state["slope"] * np.minimum(span, trend.WINDOWS[0])
    now = np.where(np.isfinite(value), value, state["smooth"])
    if course.baseline:
        state["newest"] = np.where(np.isfinite(value), value, state["newest"])
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        left = np.maximum(state["limit"] - now, 0.0) / state["slope"]
    state["left"] = np.where((state["slope"] > 0) & np.isfinite(left), left, np.inf)
    state["day"], state["edge"] = number, np.inf if course.baseline else -np.inf


def _learn_limit(course: Course, state: Rows, *, day: Floats) -> None:
    """A falling quantity's limit is a share of its best day: turned upwards, of the lowest."""
    best = np.fmin(state["limit"] / course.limit_share, day)
    state["limit"] = np.where(state["own"], state["limit"], best * course.limit_share)


def _by_trend(course: Course, state: Rows, *, days: float) -> Flags:
    clear = (state["slope"] >= SIGNIFICANT * state["error"]) & (state["changed"] >= course.least)
    by_trend: Flags = clear & (state["left"] <= days)
    return by_trend


def _asked(course: Course, state: Rows, *, ease: float) -> Floats:
    """The level that holds now; `ease` below 1 for what stands already."""
    newest = state["newest"]
    room = state["limit"] - state["usual"]
    known = np.isfinite(room)
    rise = np.where(known, newest - np.where(known, state["usual"], 0.0), -1.0)
    counts: Flags = known & (room > 0) & (rise >= course.least * ease)
    used = np.where(counts & course.by_room, rise / np.where(counts, room, 1.0), 0.0)
    margin = course.least * (1 - ease)
    # A limit that is a share of the best day is none before there were days.
    beyond = (newest >= state["limit"] - margin) & (known | state["own"] | (course.limit_share == 0))
    if course.near:
        beyond |= ~known & (newest >= state["limit"] * course.near - margin)
    beyond &= state["count"] >= CONFIRMING_READINGS
    warning = beyond | (used >= ROOM_WARNING * ease) | _by_trend(course, state, days=course.warning_days / ease)
    watch = (used >= ROOM_WATCH * ease) | _by_trend(course, state, days=course.watch_days / ease)
    return np.where(warning, float(Level.WARNING), np.where(watch, float(Level.WATCH), 0.0))


def _conclude(course: Course, state: Rows, *, elapsed: Floats, stands: Floats) -> None:
    """Raise at once; lower when what stands has not even nearly held for a while."""
    asked = np.where(stands, _asked(course, state, ease=1.0), 0.0)
    level = state["level"]
    if not level.any() and not asked.any():
        return
    eased = _asked(course, state, ease=RELEASE)
    calm: Flags = np.less(eased, level) & stands
    state["calm"] = np.where(calm, state["calm"] + elapsed, 0.0)
    lowered = np.where(state["calm"] >= CALM_SECONDS, eased, level)
    state["level"] = np.maximum(lowered, asked)
    state["calm"] = np.where(state["level"] < level, 0.0, state["calm"])
