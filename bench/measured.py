"""What a benchmark yields, and small statistics."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One figure of `results.json`."""

    value: float
    unit: str
    note: str


class BenchError(Exception):
    """The conditions of a benchmark did not hold: its figures would mean nothing."""


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0…1) of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
