"""A sensor that reads what its quantity cannot be: dead, disconnected, at its rail. Vectorised, causal."""

from dataclasses import dataclass

import numpy as np

from alerts.early_warning import trend
from alerts.early_warning.findings import Floats, Level, Rows
from signals.kinds import Kind

SHARE = 1 / 4
"""What one reading counts in the share of impossible ones: three in a row make more than half."""
BEGINS = 0.55
"""A share of impossible readings from which the sensor is suspect."""
ENDS = 0.15
"""... and below which it is well again."""

STATE = np.dtype([*trend.CLOCK, ("last", "<f4"), ("share", "<f4"), ("level", "u1")])
FOUND = np.dtype([("level", "u1"), ("confidence", "<f4"), ("value", "<f4"), ("share", "<f4")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A detector of the engine, for one metric; a reading at a bound is possible."""

    words: str
    unit: str
    decimals: int
    lowest: float
    highest: float = np.inf
    KIND: Kind = Kind.SENSOR_SUSPECT

    def begin(self, count: int) -> Rows:
        """States of series that nothing was heard of."""
        return np.zeros(count, STATE)

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows:
        """Take one reading of each series, changing `state`; one not newer than the last of its series is passed over."""
        trend.take(state, time=time, value=value, advance=self._advance)
        found = np.zeros(len(state), FOUND)
        found["level"], found["confidence"] = state["level"], 0.8 * (state["level"] > 0)
        found["value"], found["share"] = state["last"], state["share"]
        return found

    def reason(self, row: np.void) -> str:
        """What was found, in words and numbers."""
        value = f"{self.words} {row['value']:.{self.decimals}f} {self.unit}".rstrip()
        if row["level"] == Level.NONE:
            return f"{value}, possible again"
        limits = f"{self.lowest:g}…{self.highest:g}" if np.isfinite(self.highest) else f"at least {self.lowest:g}"
        return f"{value}: this sensor can read {limits} {self.unit}".rstrip()

    def _advance(self, state: Rows, *, time: Floats, value: Floats) -> None:
        trend.passed(state, time)
        impossible = (value < self.lowest) | (value > self.highest)
        state["share"] += (impossible - state["share"]) * SHARE
        state["last"] = value
        begun, over = state["share"] >= BEGINS, state["share"] <= ENDS
        state["level"] = np.where(begun, float(Level.WARNING), np.where(over, 0.0, state["level"]))
