"""What a point of the register may be held to: GB 50974-2014 by its building, and limits of its own.

The standard's figures were read; which kind of building has which of them, and in which clause, is from memory, and to be checked
before it is cited.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Facility(StrEnum):
    """Where a point measures water pressure."""

    MUNICIPAL_HYDRANT = "municipal_hydrant"
    LOW_RISE = "low_rise"  # up to 24 m: dwellings, public buildings
    HIGH_RISE = "high_rise"  # dwellings, class 2 public buildings
    HIGH_RISE_PUBLIC = "high_rise_public"  # class 1
    SUPER_HIGH_RISE = "super_high_rise"  # above 100 m
    INDUSTRIAL_SMALL = "industrial_small"  # below 20,000 m³
    INDUSTRIAL = "industrial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Pressures in MPa: `static` at the worst place while nothing flows; `dynamic` at an indoor hydrant that flows, where asked."""

    chinese: str
    static_least: float
    dynamic_least: float | None = None
    dynamic_most: float | None = None


ASKED: Mapping[Facility, Asked] = {
    Facility.MUNICIPAL_HYDRANT: Asked(chinese="市政消火栓", static_least=0.14),
    Facility.LOW_RISE: Asked(chinese="多层建筑", static_least=0.07, dynamic_least=0.25, dynamic_most=0.50),
    Facility.HIGH_RISE: Asked(chinese="高层建筑", static_least=0.07, dynamic_least=0.35, dynamic_most=0.50),
    Facility.HIGH_RISE_PUBLIC: Asked(chinese="一类高层公共建筑", static_least=0.10, dynamic_least=0.35, dynamic_most=0.50),
    Facility.SUPER_HIGH_RISE: Asked(chinese="超高层建筑", static_least=0.15, dynamic_least=0.35, dynamic_most=0.50),
    Facility.INDUSTRIAL_SMALL: Asked(chinese="小型工业建筑", static_least=0.07, dynamic_least=0.35, dynamic_most=0.50),
    Facility.INDUSTRIAL: Asked(chinese="工业建筑", static_least=0.10, dynamic_least=0.35, dynamic_most=0.50),
}
"""What each is asked for (GB 50974-2014; clauses from memory: 5.2.2, 7.2.8, 7.4.12)."""
assert set(ASKED) == set(Facility)

LIMITED = frozenset(
    {"residual_current_ma", "cable_temperature_celsius", "water_pressure_mpa", "water_level_m", "battery_ratio", "battery_volts"}
)
"""Metrics that a point can have a limit of its own for."""
LIMIT_LEAST, LIMIT_LARGEST = 1e-3, 1e6


def limits(text: str) -> dict[str, float]:
    """Limits by metric, in its unit, from `residual_current_ma=500 water_level_m=2.1`; empty for an empty text.

    Raises:
        ValueError: names the part that is wrong, and what is allowed.
    """
    found: dict[str, float] = {}
    for part in text.split():
        metric, equals, number = part.partition("=")
        if not equals or metric not in LIMITED:
            raise ValueError(f"{part!r} is no limit: metric=number, where metric is one of {', '.join(sorted(LIMITED))}")
        if metric in found:
            raise ValueError(f"{metric} has two limits")
        try:
            value = float(number)
        except ValueError:
            value = math.nan
        if not LIMIT_LEAST <= value <= LIMIT_LARGEST:
            raise ValueError(f"the limit of {metric} is a number from {LIMIT_LEAST:g} to {LIMIT_LARGEST:.0f}, not {number!r}")
        found[metric] = value
    return found
