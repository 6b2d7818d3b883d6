"""Plain rules for an early warning from temperature: rate of rise, and rise over a slow baseline. Pure and causal.

They warn of what a fixed 58 °C alarm tells later, with the figures that fire engineers know: 8.3 K/min is the rate of rise that
detectors of EN 54-5 class R respond to quickly, 5 K is more than a room drifts in half an hour.
"""

from collections import deque
from dataclasses import dataclass, field

RATE_WINDOW_SECONDS = 60.0
RATE_SPAN_LEAST_SECONDS = 30.0
"""A rate over less than this is noise."""
RATE_KELVIN_PER_MINUTE = 8.3
RATE_RISE_KELVIN = 4.0
"""A rate counts only with this rise: a draught of 2 K in ten seconds is none."""
RISE_KELVIN = 5.0
BASELINE_SECONDS = 1800.0
"""Time constant of the baseline: it follows the day and the heating, and hardly a fire."""
BASELINE_ACTIVE_SECONDS = 7200.0
"""While a warning stands: a room that stays warm is its own baseline after some hours."""
WARM_UP_SECONDS = 60.0
WARM_UP_READINGS = 10
"""The baseline is trusted after both, so that one odd first reading is none."""
QUIET_SECONDS = 300.0
"""A warning is over when both quantities stayed below half their limit for so long."""
SPACING_SECONDS = 5.0
"""Readings kept for the rate are so far apart: 13 of them, whatever the sampling."""
GAP_SECONDS = 1800.0
"""After a longer silence the rate begins anew."""
SET_BACK_READINGS = 20
"""So many readings in a row before the newest one, each after the other: the clock was set back, not the network late."""
THRESHOLD_CELSIUS = 58.0
"""Static response of the fixed alarm that the time to go is estimated for (EN 54-5 class A1: 54–65 °C)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition of a point that began (active) or is over, at `time` (device clock, Unix seconds), with its reason."""

    active: bool
    time: float
    reason: str


@dataclass(slots=True)
class PointState:
    """What is kept of a point: about 2 KB.

    `baseline` is in °C, `first` and `last` are device times; `active`: a warning stands.
    """

    baseline: float
    first: float
    last: float
    readings: int = 1
    active: bool = False
    quiet_since: float | None = None
    earlier: int = 0
    earlier_last: float = 0.0
    kept: deque[tuple[float, float]] = field(default_factory=deque)


def begin(time: float, celsius: float, *, active: bool = False) -> PointState:
    """The state of a point with its first reading; `active` where a warning stood already."""
    return PointState(celsius, time, time, active=active, kept=deque([(time, celsius)]))


def feed(state: PointState, time: float, *, celsius: float) -> Finding | None:
    """Take the next reading, changing `state`; return what it begins or ends. One not newer than the last is passed over."""
    if time <= state.last:
        _count_earlier(state, time, celsius=celsius)
        return None
    elapsed, state.last, state.earlier = time - state.last, time, 0
    state.readings += 1
    rate, rise = _rate(state, time, celsius=celsius), celsius - state.baseline
    warm = state.readings > WARM_UP_READINGS and time - state.first >= WARM_UP_SECONDS
    _follow(state, celsius, elapsed=elapsed, warm=warm)
    if not warm:
        return None
    fast = rate is not None and rate[0] >= RATE_KELVIN_PER_MINUTE and rate[1] >= RATE_RISE_KELVIN
    if not state.active and (fast or rise >= RISE_KELVIN):
        state.active, state.quiet_since = True, None
        return Finding(active=True, time=time, reason=_reason(celsius, rate=rate, rise=rise))
    return _end(
        state, time, celsius=celsius, calm=rise < RISE_KELVIN / 2 and (rate is None or rate[0] < RATE_KELVIN_PER_MINUTE / 2)
    )


def _end(state: PointState, time: float, *, celsius: float, calm: bool) -> Finding | None:
    if not state.active:
        return None
    if not calm:
        state.quiet_since = None
        return None
    if state.quiet_since is None:
        state.quiet_since = time
    if time - state.quiet_since < QUIET_SECONDS:
        return None
    state.active = False
    return Finding(active=False, time=time, reason=f"temperature {celsius:.1f} °C, quiet for {time - state.quiet_since:.0f} s")


def _follow(state: PointState, celsius: float, *, elapsed: float, warm: bool) -> None:
    """Move the baseline: the mean of the readings at first, then slowly towards them."""
    if not warm:
        state.baseline += (celsius - state.baseline) / state.readings
        return
    constant = BASELINE_ACTIVE_SECONDS if state.active else BASELINE_SECONDS
    state.baseline += (celsius - state.baseline) * elapsed / (constant + elapsed)


def _rate(state: PointState, time: float, *, celsius: float) -> tuple[float, float] | None:
    """Rate (K/min) and rise (K) since the oldest reading kept of the window; None while that is too young."""
    kept = state.kept
    if kept and time - kept[-1][0] > GAP_SECONDS:
        kept.clear()
    while len(kept) > 1 and time - kept[1][0] >= RATE_WINDOW_SECONDS:
        kept.popleft()
    rate = None
    if kept and (span := time - kept[0][0]) >= RATE_SPAN_LEAST_SECONDS:
        rise = celsius - kept[0][1]
        rate = rise / span * 60.0, rise
    if not kept or time - kept[-1][0] >= SPACING_SECONDS:
        kept.append((time, celsius))
    return rate


def _count_earlier(state: PointState, time: float, *, celsius: float) -> None:
    """Tell a clock that was set back from readings that come late; the state then begins anew, a warning stands on."""
    state.earlier = state.earlier + 1 if time > state.earlier_last else 1
    state.earlier_last = time
    if state.earlier >= SET_BACK_READINGS:
        anew = begin(time, celsius, active=state.active)
        for name in PointState.__slots__:
            setattr(state, name, getattr(anew, name))


def _reason(celsius: float, *, rate: tuple[float, float] | None, rise: float) -> str:
    parts = [f"temperature {celsius:.1f} °C"]
    if rate is not None:
        parts.append(f"rising {rate[0]:.1f} K/min")
    parts.append(f"{rise:.1f} K above its baseline of {celsius - rise:.1f} °C")
    if rate is not None and rate[0] > 0:
        parts.append(f"{THRESHOLD_CELSIUS:.0f} °C in about {max(0.0, (THRESHOLD_CELSIUS - celsius) / rate[0] * 60):.0f} s")
    return ", ".join(parts)
