"""The fire kernel: evidence that a quantity rises as no ordinary room makes it rise. Vectorised over series, causal.

A reading is the median of the last three, so that one odd reading is none, and looks `FORECAST_SECONDS` ahead along its own rate of
rise, because a sensor in its housing lags the gas. It is held against two baselines, each of which climbs towards it at most at a
rate that ordinary rooms reach, and never lies under the slow mean of the point: what is above them is a cumulative sum (CUSUM) of
the rise beyond that rate, in the unit of the quantity, the same at any sampling. Evidence is this excess divided by what the
point's own noise and resolution can feign; 1 is enough for a warning.

The sums use no transcendental function: a series gives the same bits in whatever company it is fed.
"""

import math

import numpy as np
import numpy.typing as npt

from alerts.early_warning.findings import median
from alerts.early_warning.quantities import Quantity

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.void]

RATE_SECONDS = 15.0
"""Time constant of the rate of rise: a plume flickers faster, and a fire's first half minute still shows."""
FORECAST_SECONDS = 30.0
"""How far ahead a reading looks: less than the lag of any heat detector of EN 54-5 in a weak plume."""
LEVEL_SECONDS = 1800.0
"""Time constant of the slow mean: it follows the day and the heating, and hardly a fire."""
LEVEL_DEVIATING_SECONDS = 7200.0
"""While the point deviates: a room that stays warm is its own ordinary after some hours."""
LEVEL_SHARE = 0.25
"""One reading never moves the mean by more than this share, however rare it is."""
NOISE_SECONDS = 120.0
"""Noise is what moves about a mean of this time constant: draughts and flicker, not the warming of a room."""
UNKNOWN_SECONDS = NOISE_SECONDS / 2.0
"""A point followed for no longer than this has shown half of its noise's power: slow draughts take their time."""
UNKNOWN_READINGS = 10.0
"""Nor do so few readings show more than half of it: medians of three share what they show."""
NOISE_TIMES = 6.0
"""The excess must be so many times the point's own noise: by chance, 5 times come up once in weeks at 1 Hz."""
NOISE_CLIP = 3.0
"""A reading counts as at most so many times the noise when that is learnt."""
STEP_TIMES = 1.5
"""A single step of the point's own resolution, seen through the forecast, stays below the limit by this."""
FINEST_STEP = 2e-4
"""In `fast_rise`: a smaller step is the noise of a number's last digit."""
STEP_LARGEST = 2.0
"""In `fast_rise`: a resolution is not taken to be coarser than this: there are sensors with steps of 1 K."""
CONFIRMING_READINGS = 3
"""Above the threshold from the start: two of them say so (85 °C is also what a common sensor says when it was never asked)."""
WARM_UP_SECONDS = 60.0
WARM_UP_READINGS = 10
"""A baseline is trusted after both."""
SPARSE_SECONDS = 30.0
"""Readings so far apart: the newest alone gives a hint, where the next would come too late for it."""
LEAP = 60.0
"""In `fast_rise` (36 K): a reading that leaps so far from those before it is odd until the next one confirms it."""
DEVIATING = 0.5
"""Evidence from which on the point is not learnt from."""
TO_GO_WORTH_SAYING_SECONDS = 3600.0
"""A longer time to the threshold is not said."""
SET_BACK_READINGS = 20
"""So many readings in a row before the newest one, each after the other: the clock was set back, not the network late."""

STATE = np.dtype(
    [
        ("time", "<f8"),
        ("earlier_time", "<f8"),
        ("count", "<u4"),
        ("earlier", "<u2"),
        ("last", "<f4"),
        ("before", "<f4"),
        ("lead", "<f4"),
        ("level", "<f4"),
        ("fast", "<f4"),
        ("slow", "<f4"),
        ("near", "<f4"),
        ("noise", "<f4"),
        ("resolution", "<f4"),
        ("age", "<f4"),
        ("held", "<f4"),
        ("elapsed", "<f4"),
    ]
)
"""`last`, `before`: readings; `held`: the last median; `lead`: what its rate's filter is behind; `level`: the slow mean; `near`:
the mean that noise is told about; `noise`: variance; `age`: seconds followed; `elapsed`: between the last two readings."""

FOUND = np.dtype(
    [
        ("taken", "?"),
        ("evidence", "<f4"),
        ("hint", "<f4"),
        ("value", "<f4"),
        ("rate", "<f4"),
        ("rise", "<f4"),
        ("noise", "<f4"),
    ]
)
"""`hint`: evidence were the newest reading true by itself; `rate` a minute; `rise` over the slow mean."""


def begin(quantity: Quantity, count: int) -> Rows:
    """States of series that nothing was heard of."""
    state = np.zeros(count, STATE)
    state["noise"] = quantity.noise**2
    state["resolution"] = np.inf
    return state


def step(quantity: Quantity, state: Rows, *, time: Floats, value: Floats, sensitivity: Floats | float = 1.0) -> Rows:
    """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
    found = np.zeros(len(state), FOUND)
    late = (state["count"] > 0) & (time <= state["time"])
    if late.any():
        _count_earlier(state, time, late=late)
    taken = (state["count"] == 0) | (time > state["time"])
    found["taken"] = taken
    if taken.all():
        _advance(quantity, state, found=found, time=time, value=value, sensitivity=sensitivity)
        return found
    rows, part = state[taken], found[taken]
    if not isinstance(sensitivity, float):
        sensitivity = sensitivity[taken]
    _advance(quantity, rows, found=part, time=time[taken], value=value[taken], sensitivity=sensitivity)
    state[taken], found[taken] = rows, part
    return found


def _count_earlier(state: Rows, time: Floats, *, late: Flags) -> None:
    """Tell a clock that was set back from readings that come late: its series goes on as if no time had passed."""
    follows = late & (time > state["earlier_time"])
    state["earlier"] = np.where(follows, state["earlier"] + 1, np.where(late, 1, state["earlier"]))
    state["earlier_time"] = np.where(late, time, state["earlier_time"])
    back = late & (state["earlier"] >= SET_BACK_READINGS)
    state["time"] = np.where(back, np.nextafter(time, -np.inf), state["time"])


def _advance(quantity: Quantity, state: Rows, *, found: Rows, time: Floats, value: Floats, sensitivity: Floats | float) -> None:
    _enter(state, time, value=value)
    elapsed = time - state["time"]
    state["age"] += elapsed
    # A median that rises is the reading before this one, and took as long as that one did.
    span = np.maximum(elapsed, state["elapsed"])
    damping = RATE_SECONDS / (RATE_SECONDS + span)
    held = median(value, state["last"], other=state["before"])
    lead = (state["lead"] + held - state["held"]) * damping
    ahead = held + lead * (FORECAST_SECONDS / RATE_SECONDS)
    alone = value + (state["lead"] + value - state["held"]) * damping * (FORECAST_SECONDS / RATE_SECONDS)
    _note_resolution(state, value, least=quantity.fast_rise * FINEST_STEP)
    noise = NOISE_TIMES * _noise(quantity, state)
    limit = np.maximum(_limit(quantity, state, elapsed=elapsed), noise) / sensitivity
    climb = span / 60.0 / sensitivity
    allowed = state["fast"] + quantity.fast_rate * climb
    fast = np.maximum(np.minimum(allowed, ahead), state["level"])
    slow = np.maximum(np.minimum(state["slow"] + quantity.slow_rate * climb, held), state["level"])
    ripe = (state["count"] > WARM_UP_READINGS) & (state["age"] >= WARM_UP_SECONDS)
    above = np.maximum((ahead - fast) / limit, (held - slow) * sensitivity / np.maximum(quantity.slow_rise, noise))
    likely = ripe & (np.abs(value - held) < LEAP * quantity.fast_rise)
    found["evidence"] = evidence = np.where(ripe, np.maximum(above, 0.0), 0.0)
    found["hint"] = np.where(likely & (elapsed >= SPARSE_SECONDS), (alone - np.maximum(fast, allowed)) / limit, 0.0)
    _tell(quantity, state, found=found, held=held, lead=lead)
    _tell_newest(state, found=found, value=value, elapsed=elapsed)
    _learn(state, held=held, ahead=ahead, elapsed=elapsed, evidence=evidence)
    kept = {"time": time, "before": state["last"].copy(), "last": value, "elapsed": elapsed}
    for name, new in {**kept, "held": held, "lead": lead, "fast": fast, "slow": slow}.items():
        state[name] = new


def _tell(quantity: Quantity, state: Rows, *, found: Rows, held: Floats, lead: Floats) -> None:
    burning = (held >= quantity.threshold) & (state["count"] >= CONFIRMING_READINGS)
    found["evidence"] = np.maximum(found["evidence"], burning)
    found["value"], found["rise"], found["rate"] = held, held - state["level"], lead * (60.0 / RATE_SECONDS)
    found["noise"] = np.sqrt(np.maximum(state["noise"], quantity.noise**2))


def _tell_newest(state: Rows, *, found: Rows, value: Floats, elapsed: Floats) -> None:
    """Where the newest reading alone says something, its figures are told."""
    hinted = (found["hint"] >= 1.0) & (found["evidence"] < 1.0)
    if hinted.any():
        rate = (value - state["held"]) / np.maximum(elapsed, 1e-9) * 60.0
        for name, new in {"value": value, "rise": value - state["level"], "rate": rate}.items():
            found[name] = np.where(hinted, new, found[name])


def _enter(state: Rows, time: Floats, *, value: Floats) -> None:
    """A series' first reading is all that is known of it."""
    first = state["count"] == 0
    if first.any():
        for name in ("last", "before", "level", "fast", "slow", "near", "held"):
            state[name] = np.where(first, value, state[name])
        state["time"] = np.where(first, time, state["time"])
    state["count"] += 1
    state["earlier"] = 0


def _note_resolution(state: Rows, value: Floats, *, least: float) -> None:
    change = np.abs(value - state["last"])
    finer = (change > least) & (change < state["resolution"])
    state["resolution"] = np.where(finer, change, state["resolution"])


def _limit(quantity: Quantity, state: Rows, *, elapsed: Floats) -> Floats:
    """The excess that is evidence 1 of a point without noise: the fire's, or what its resolution can feign."""
    largest = STEP_LARGEST * quantity.fast_rise
    resolution = np.where(np.isfinite(state["resolution"]), np.minimum(state["resolution"], largest), 0.0)
    gain = 1.0 + FORECAST_SECONDS / (RATE_SECONDS + elapsed)
    limit: Floats = np.maximum(quantity.fast_rise, STEP_TIMES * gain * resolution)
    return limit


def _noise(quantity: Quantity, state: Rows) -> Floats:
    """The point's own noise, with what it may have kept back so far."""
    unknown = 1.0 + UNKNOWN_SECONDS / np.maximum(state["age"], 1.0) + UNKNOWN_READINGS / state["count"]
    noise: Floats = np.sqrt(np.maximum(state["noise"], quantity.noise**2) * unknown)
    return noise


def _learn(state: Rows, *, held: Floats, ahead: Floats, elapsed: Floats, evidence: Floats) -> None:
    """Move the slow mean and the noise: running means at first, then exponentially forgetting ones."""
    constant = np.where(evidence >= DEVIATING, LEVEL_DEVIATING_SECONDS, np.minimum(state["age"], LEVEL_SECONDS))
    share = elapsed / np.maximum(constant + elapsed, 1e-9)
    share = np.minimum(share, np.maximum(LEVEL_SHARE, 1.0 / state["count"]))
    square = np.minimum((ahead - state["near"]) ** 2, NOISE_CLIP**2 * np.maximum(state["noise"], 1e-12))
    state["noise"] += (square - state["noise"]) * share
    state["near"] += (ahead - state["near"]) * (elapsed / (np.minimum(state["age"], NOISE_SECONDS) + elapsed + 1e-9))
    state["level"] += (held - state["level"]) * share


def measured(quantity: Quantity, row: np.void) -> str:
    """The quantity and its value."""
    return f"{quantity.words} {row['value']:.{quantity.decimals}f} {quantity.unit}"


def reason(quantity: Quantity, row: np.void) -> str:
    """What was measured, in words and numbers; `row` is one of FOUND."""
    digits = quantity.decimals
    rise, mean = float(row["rise"]), float(row["value"]) - float(row["rise"])
    words = (
        f"{measured(quantity, row)}, rising {row['rate']:z.{digits}f} {quantity.step_unit}/min,"
        f" {rise:z.{digits}f} {quantity.step_unit} above its mean of {mean:.{digits}f} {quantity.unit}"
        f" (own noise {row['noise']:.{digits + 1}f} {quantity.step_unit})"
    )
    if row["hint"] >= 1.0 > row["evidence"]:
        words += ", by its newest reading alone"
    growing, steady = to_go(quantity, row)
    if growing <= TO_GO_WORTH_SAYING_SECONDS:
        words += (
            f", {quantity.threshold:g} {quantity.unit} in about {growing:.0f} s if it keeps growing, {steady:.0f} s at this rate"
        )
    return words


def to_go(quantity: Quantity, row: np.void) -> tuple[float, float]:
    """Seconds until the threshold if the rise keeps growing by its present share a second, and if its rate stays; or infinite."""
    rate, left = float(row["rate"]) / 60.0, quantity.threshold - float(row["value"])
    if left <= 0:
        return 0.0, 0.0
    if rate <= 0:
        return math.inf, math.inf
    rise = max(float(row["rise"]), quantity.fast_rise)
    return rise / rate * math.log1p(left / rise), left / rate
