"""A quantity that leaves the band it usually keeps to: a leak, a pump that does not start. Vectorised, causal.

What is ordinary depends on how long it lasts: water that is drawn lets the pressure fall deep and shortly, a pump that refills lets
it sink slowly and comes back. So a reading is held against what a point usually keeps to for some minutes, for about eight, and for
a quarter of an hour: the farthest that the *nearest* reading of such a window ever was. The longer the window, the less beyond that
is enough. What is usual is learnt by the hour, with a delay of an hour, and kept for five days. Inside, all is turned so that
upwards is away from the band.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Flags, Floats, Level, Rows
from signals.kinds import Kind

SMOOTH_SECONDS = 20.0
"""The pulse of a pump and a valve that closes are shorter."""
SPAN_SECONDS = 105.0
SPANS = 9
WINDOWS = (2, 5, SPANS)
"""In spans: about 2…4, 7…9 and 14…16 minutes, the last being the present one. A draw of water is hardly longer than the second."""
WINDOW_SECONDS = np.array([(window - 1) * SPAN_SECONDS for window in WINDOWS])
WINDOW_SPANS_LEAST = np.array((1, 3, 4))
"""A window with readings in fewer spans shows nothing of what lasts."""
DAYS = 5
"""What was usual is kept for so many."""
HOUR_SECONDS = 3_600.0
"""What is usual is learnt when one to two of these have passed."""
FEWEST_SECONDS = 2 * HOUR_SECONDS
"""Less is no band."""
STEPS = 2.5
"""A change of so many steps of the point's own resolution is none."""
SCATTER_TIMES = 3.0
"""What is usual must be left by so many times what its days differ."""
RELEASE = 0.5
"""It is over within this part of the margin."""
CALM_SECONDS = 600.0
"""... for so long."""
RELEARN_SECONDS = 7 * trend.DAY_SECONDS
"""What stands for a week is a new order of things: it is learnt."""
WATCH_SHARE = 0.6
"""Of the margin: enough for a watch."""

STATE = np.dtype(
    [
        *trend.CLOCK,
        ("last", "<f4"),
        ("smooth", "<f4"),
        ("resolution", "<f4"),
        ("span", "<i4"),
        ("spans", "<f4", (SPANS,)),
        ("hour", "<i4"),
        ("lately", "<f4", (2, len(WINDOWS))),
        ("day", "<i4"),
        ("today", "<f4", (len(WINDOWS),)),
        ("days", "<f4", (DAYS, len(WINDOWS))),
        ("known", "<f4"),
        ("stood", "<f4"),
        ("calm", "<f4"),
        ("usual", "<f4"),
        ("beyond", "<f4"),
        ("window", "u1"),
        ("level", "u1"),
    ]
)
"""`spans`: the nearest reading of each; `lately`: the farthest of this hour and of the one before, by window; `today`, `days`: of
the hours before; `known`: seconds that were learnt from; `stood`: seconds since the finding; `calm`: seconds without its reason;
`usual`, `beyond`: of the window that is farthest from what is usual for it."""

FOUND = np.dtype(
    [("level", "u1"), ("confidence", "<f4"), ("value", "<f4"), ("usual", "<f4"), ("beyond", "<f4"), ("seconds", "<f4")]
)
"""`beyond`: what was usual for `seconds`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What is followed, and a detector of the engine for it.

    Attributes:
        falls: out of its band; else it rises.
        margins: for each window, in `unit`, once the band has been known for days.
    """

    KIND: Kind
    words: str
    unit: str
    decimals: int
    falls: bool
    margins: tuple[float, float, float]

    @property
    def sign(self) -> float:
        """Turns a value so that upwards is away from the band."""
        return -1.0 if self.falls else 1.0

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        state = np.zeros(count, STATE)
        state["spans"] = state["resolution"] = np.inf
        state["lately"] = state["today"] = state["days"] = -np.inf
        return state

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows:
        """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
        trend.take(state, time=time, value=self.sign * value, advance=partial(_advance, self))
        found = np.zeros(len(state), FOUND)
        found["level"], found["beyond"] = state["level"], state["beyond"]
        found["value"], found["usual"] = self.sign * state["smooth"], self.sign * state["usual"]
        found["seconds"] = WINDOW_SECONDS[state["window"]]
        found["confidence"] = np.where(state["level"] == Level.WARNING, 0.8, np.where(state["level"] == Level.WATCH, 0.4, 0.0))
        return found

    def reason(self, row: np.void) -> str:
        """What was found, in words and numbers."""
        value = f"{self.words} {row['value']:.{self.decimals}f} {self.unit}"
        if row["level"] == Level.NONE:
            return f"{value}, within its usual band"
        side, end = ("below", "lowest") if self.falls else ("above", "highest")
        return (
            f"{value}, for {row['seconds'] / 60:.0f} min {row['beyond']:.{self.decimals}f} {self.unit} {side} the {end}"
            f" that it usually keeps to for so long, {row['usual']:.{self.decimals}f} {self.unit}"
        )


def _advance(band: Band, state: Rows, *, time: Floats, value: Floats) -> None:
    first = state["count"] == 0
    if first.any():
        state["last"][first] = state["smooth"][first] = value[first]
    elapsed = trend.passed(state, time)
    _move_on(state, time)
    change = np.abs(value - state["last"])
    finer = (change > band.margins[-1] / 100) & (change < state["resolution"])
    state["resolution"] = np.where(finer, change, state["resolution"])
    state["last"] = value
    state["smooth"] += (value - state["smooth"]) * (elapsed / (SMOOTH_SECONDS + elapsed))
    rows, place = np.arange(len(state)), state["span"] % SPANS
    state["spans"][rows, place] = np.minimum(state["spans"][rows, place], state["smooth"])
    nearest = _nearest(state)
    usual = np.maximum(state["days"].max(axis=1), np.maximum(state["today"], state["lately"][:, 1]))
    _conclude(band, state, elapsed=elapsed, nearest=nearest, usual=usual)
    learns = (state["level"] == Level.NONE) | (state["stood"] >= RELEARN_SECONDS)
    state["lately"][:, 0] = np.where(learns[:, None], np.maximum(state["lately"][:, 0], nearest), state["lately"][:, 0])
    state["known"] += np.where(learns, np.minimum(elapsed, HOUR_SECONDS), 0.0)


def _move_on(state: Rows, time: Floats) -> None:
    """Begin new spans, hours and days where it is time."""
    since = time - state["origin"]
    span = np.floor(since / SPAN_SECONDS).astype(np.int64)
    passed = np.minimum(span - state["span"], SPANS)
    rows = np.arange(len(state))
    for ahead in range(1, int(passed.max(initial=0)) + 1):
        fresh = rows[passed >= ahead]
        state["spans"][fresh, (span[fresh] - ahead + 1) % SPANS] = np.inf
    state["span"] = span
    hour, day = np.floor(since / HOUR_SECONDS).astype(np.int64), np.floor(since / trend.DAY_SECONDS).astype(np.int64)
    over = hour > state["hour"]
    if not over.any():
        return
    part = state[over]
    part["today"] = np.maximum(part["today"], part["lately"][:, 1])
    part["lately"][:, 1], part["lately"][:, 0] = part["lately"][:, 0], -np.inf
    ended = day[over] > part["day"]
    part["days"][ended, part["day"][ended] % DAYS] = part["today"][ended]
    part["today"][ended] = -np.inf
    part["hour"], part["day"] = hour[over], day[over]
    state[over] = part


def _nearest(state: Rows) -> Floats:
    """The nearest reading of each window, which ends with the present span."""
    ages = (state["span"][:, None] - np.arange(SPANS)) % SPANS
    ordered = np.take_along_axis(state["spans"], ages, axis=1).astype(np.float64)
    last = [window - 1 for window in WINDOWS]
    nearest = np.minimum.accumulate(ordered, axis=1)[:, last]
    shown = np.isfinite(ordered).cumsum(axis=1)[:, last] >= WINDOW_SPANS_LEAST
    return np.where(shown, nearest, -np.inf)


def _margins(band: Band, state: Rows) -> Floats:
    """How far beyond what is usual is enough: the less is known, the farther."""
    days = state["days"]
    known = np.isfinite(days)
    count = known.sum(axis=1)
    kept = np.where(known, days, 0.0)
    mean = kept.sum(axis=1) / np.maximum(count, 1)
    scatter = np.sqrt(np.where(known, (kept - mean[:, None]) ** 2, 0.0).sum(axis=1) / np.maximum(count - 1, 1))
    steps = STEPS * np.where(np.isfinite(state["resolution"]), state["resolution"], 0.0)
    unknown = 1.0 + trend.DAY_SECONDS / np.maximum(state["known"], 1.0)
    margins: Floats = np.maximum(np.maximum(band.margins, SCATTER_TIMES * scatter), steps[:, None]) * unknown[:, None]
    return margins


def _conclude(band: Band, state: Rows, *, elapsed: Floats, nearest: Floats, usual: Floats) -> None:
    ripe = state["known"] >= FEWEST_SECONDS
    known = np.isfinite(usual) & ripe[:, None]
    beyond = np.where(known, nearest, -np.inf) - np.where(known, usual, 0.0)
    share = beyond / _margins(band, state)
    which = share.argmax(axis=1)
    rows = np.arange(len(state))
    most = share[rows, which]
    state["window"], state["usual"], state["beyond"] = which, usual[rows, which], beyond[rows, which]
    asked = np.where(most >= 1.0, float(Level.WARNING), np.where(most >= WATCH_SHARE, float(Level.WATCH), 0.0))
    level = state["level"]
    state["calm"] = np.where((level > 0) & (most < RELEASE), state["calm"] + elapsed, 0.0)
    over: Flags = state["calm"] >= CALM_SECONDS
    state["level"] = np.where(over, 0, np.maximum(level, asked))
    state["stood"] = np.where(state["level"] > 0, state["stood"] + elapsed, 0.0)
