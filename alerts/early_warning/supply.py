"""Water pressure against GB 50974, by the building's kind; at rest and while it flows apart. Vectorised, causal.

Whether water flows is what the point's own flow last said; a point that never says so is taken to be at rest, where a draw is
shorter than `REST_SECONDS`. What was found while it flowed holds until it flows again.
"""

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Flags, Floats, Indices, Level, Rows
from signals.facilities import ASKED
from signals.kinds import Kind

KIND = Kind.FACILITY_FAILING
FLOWING_L_PER_S = 0.1
"""Less is a sensor's zero; a hydrant gives some litres a second."""
FLOW_HOLDS_SECONDS = 900.0
"""A flow says nothing of later times: the rarest sampling served is 10 min."""
REST_SECONDS = 900.0
"""So long must a pressure at rest be too low: a draw is shorter."""
FLOW_SECONDS = 60.0
"""So long must a pressure be wrong while it flows, over at least two readings."""
CALM_SECONDS = 600.0
"""It is over when the pressure was right for so long."""
GAP_SECONDS = 900.0
"""What was between two readings farther apart counts as no longer than this."""

NONE_ASKED = 0
FACILITIES = {facility: number for number, facility in enumerate(ASKED, 1)}
"""Numbers of the facilities in the book of points; `NONE_ASKED`: nothing is asked of the point."""
_REST_LEAST = np.array([-np.inf, *(asked.static_least for asked in ASKED.values())])
_FLOW_LEAST = np.array([-np.inf, *(asked.dynamic_least or -np.inf for asked in ASKED.values())])
_FLOW_MOST = np.array([np.inf, *(asked.dynamic_most or np.inf for asked in ASKED.values())])

STATE = np.dtype(
    [
        *trend.CLOCK,
        ("last", "<f4"),
        ("flow_time", "<f8"),
        ("flow", "<f4"),
        ("flows", "?"),
        ("facility", "u1"),
        ("wrong", "<f4", (2,)),
        ("right", "<f4", (2,)),
        ("stands", "?", (2,)),
        ("level", "u1"),
    ]
)
"""`flow`, `flow_time`: what the point's flow last said (L/s), and when; `flows`: whether it did at the last reading; `facility`:
what is asked of the point. Pairs, at rest and flowing: `wrong`, `right`: seconds of it in a row; `stands`: found, and not over."""

FOUND = np.dtype(
    [("level", "u1"), ("confidence", "<f4"), ("value", "<f4"), ("flows", "?"), ("facility", "u1"), ("stands", "?", (2,))]
)


def begin(count: int) -> Rows:
    """States of series that nothing was heard of."""
    return np.zeros(count, STATE)


def step(state: Rows, *, time: Floats, value: Floats) -> Rows:
    """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
    trend.take(state, time=time, value=value, advance=_advance)
    found = np.zeros(len(state), FOUND)
    for name in ("level", "flows", "facility", "stands"):
        found[name] = state[name]
    found["value"], found["confidence"] = state["last"], 0.9 * (state["level"] > 0)
    return found


def _advance(state: Rows, *, time: Floats, value: Floats) -> None:
    first = state["count"] == 0
    elapsed = np.where(first, 0.0, np.minimum(trend.passed(state, time), GAP_SECONDS))
    state["last"] = value
    facility: Indices = state["facility"].astype(np.int64)
    flowing = (state["flow"] > FLOWING_L_PER_S) & (np.abs(time - state["flow_time"]) <= FLOW_HOLDS_SECONDS)
    state["flows"] = flowing
    low = value < _REST_LEAST[facility]
    off = (value < _FLOW_LEAST[facility]) | (value > _FLOW_MOST[facility])
    for which, (judged, wrong, seconds) in enumerate(((~flowing, low, REST_SECONDS), (flowing, off, FLOW_SECONDS))):
        _judge(state, which, judged=judged, wrong=wrong, elapsed=elapsed, seconds=seconds)
    state["level"] = np.where(state["stands"].any(axis=1), float(Level.WARNING), 0.0)


def _judge(state: Rows, which: int, *, judged: Flags, wrong: Flags, elapsed: Floats, seconds: float) -> None:
    """One of the pair: what is not judged now keeps what it has."""
    before = state["wrong"][:, which]
    # The first wrong reading begins a time: it lasted no second yet, and counts as a little of one.
    lasted = np.where(wrong, np.where(before > 0, before + elapsed, 1e-3), 0.0)
    well = np.where(wrong, 0.0, state["right"][:, which] + elapsed)
    state["wrong"][:, which] = np.where(judged, lasted, before)
    state["right"][:, which] = np.where(judged, well, state["right"][:, which])
    begun = judged & (lasted >= seconds)
    over = (judged & (well >= CALM_SECONDS)) | (state["facility"] == NONE_ASKED)
    state["stands"][:, which] = (state["stands"][:, which] | begun) & ~over


def reason(row: np.void) -> str:
    """What was found, in words and numbers."""
    value = f"water pressure {row['value']:.3f} MPa {'while it flows' if row['flows'] else 'at rest'}"
    if row["level"] == Level.NONE:
        return f"{value}, as GB 50974 asks"
    asked = list(ASKED.values())[row["facility"] - 1]
    rest, flow = row["stands"]
    words = [f"at rest less than {asked.static_least:g} MPa"] if rest else []
    if flow:
        words.append(f"flowing not within {asked.dynamic_least:g}…{asked.dynamic_most:g} MPa")
    return f"{value}; {' and '.join(words)}, which GB 50974 asks of a {list(ASKED)[row['facility'] - 1].replace('_', ' ')}"
