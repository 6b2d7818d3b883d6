"""Measured fires, replayed as telemetry of four detectors (data/NOTICE says where they come from).

A detector is a ceiling quadrant seen through its lag, which is an assumption. These are flaming furniture fires in one laboratory
room: nothing smoulders and nobody cooks.

The replay runs `factor` times as fast as the fire burnt; the devices' clocks run as fast, and begin so far in the past that they
reach the present with the last reading: `at` never lies in the future.
"""

import asyncio
import csv
import gzip
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from runtime.errors import ConfigurationError
from signals.kinds import Kind
from simulator.fleet import Fleet

FILE = Path(__file__).parent / "data" / "fsri_redaccent_14runs.csv.gz"
QUADRANTS = ("A", "B", "C", "D")
TIME_CONSTANT_SECONDS = 47.0
"""RTI 33 (m·s)^0.5 in a ceiling flow of 0.5 m/s: 33 / √0.5."""
FIXED_THRESHOLD_CELSIUS = 58.0
"""Static response of the simulated detectors, within class A1's 54–65 °C (EN 54-5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Burning:
    """A measured run: `seconds` from ignition (negative: the ordinary room before), and ceiling temperatures by quadrant."""

    name: str
    seconds: tuple[float, ...]
    celsius: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a quadrant's detector is connected."""

    transmitter_id: str
    point: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a detector says. `sent_at`: when, true time; `clock`: what its clock shows then; both Unix seconds."""

    sent_at: float
    clock: float
    place: Place
    celsius: float
    alarms: bool
    """Whether it crosses the fixed threshold with this reading."""


@cache
def runs() -> Mapping[str, Burning]:
    """All measured runs by name."""
    rows: dict[str, list[dict[str, str]]] = {}
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["run"], []).append(row)
    return {
        name: Burning(
            name=name,
            seconds=tuple(float(row["t_s"]) for row in found),
            celsius={quadrant: tuple(float(row[f"T_ceil_{quadrant}_C"]) for row in found) for quadrant in QUADRANTS},
        )
        for name, found in rows.items()
    }


def run_named(name: str) -> Burning:
    """One run.

    Raises:
        ConfigurationError: there is none of that name.
    """
    try:
        return runs()[name]
    except KeyError:
        raise ConfigurationError(f"no measured fire {name}; there are {', '.join(runs())}") from None


def lagged(
    seconds: Sequence[float], celsius: Sequence[float], *, time_constant_seconds: float = TIME_CONSTANT_SECONDS
) -> list[float]:
    """The gas temperature as a detector with this time constant feels it, at rest with the first sample."""
    felt = [celsius[0]]
    for before, now, gas in zip(seconds, seconds[1:], celsius[1:], strict=False):
        felt.append(gas + (felt[-1] - gas) * math.exp(-(now - before) / time_constant_seconds))
    return felt


def crossing(seconds: Sequence[float], felt: Sequence[float], *, celsius: float = FIXED_THRESHOLD_CELSIUS) -> float | None:
    """When the detector first feels this temperature; None where it never does."""
    return next((second for second, value in zip(seconds, felt, strict=True) if value >= celsius), None)


def schedule(
    burning: Burning, places: Mapping[str, Place], *, starts_at: float, factor: float = 1.0, until_second: float = math.inf
) -> list[Reading]:
    """Every reading of a replay, in the order of sending.

    Args:
        burning: the fire.
        places: where each quadrant's detector is connected; a quadrant without a place is left out.
        starts_at: true time of the first reading, Unix seconds.
        factor: times as fast as it burnt, at least 1.
        until_second: the replay ends here, seconds from ignition.

    Raises:
        ConfigurationError: a factor below 1 would let the clocks begin in the future.
    """
    if factor < 1:
        raise ConfigurationError(f"a fire can be replayed at its own pace or faster, not {factor} times as fast")
    seconds = [second for second in burning.seconds if second <= until_second]
    lasts = seconds[-1] - seconds[0]
    ends_at = starts_at + lasts / factor
    readings = []
    for quadrant, place in places.items():
        felt = lagged(seconds, burning.celsius[quadrant][: len(seconds)])
        crossed = crossing(seconds, felt)
        for second, value in zip(seconds, felt, strict=True):
            left = seconds[-1] - second
            when = {"sent_at": ends_at - left / factor, "clock": ends_at - left}
            readings.append(Reading(**when, place=place, celsius=round(value, 2), alarms=second == crossed))
    return sorted(readings, key=lambda reading: (reading.sent_at, reading.place.transmitter_id, reading.place.point))


async def replay(
    fleet: Fleet, burning: Burning, *, places: Mapping[str, Place], factor: float, until_second: float = math.inf
) -> None:
    """Let the fleet's transmitters tell of the fire, from now on; each detector raises its own fire alarm at 58 °C.

    Their ordinary telemetry must rest meanwhile: it would stand after the back-dated readings.
    """
    readings = schedule(burning, places, starts_at=fleet.now(), factor=factor, until_second=until_second)
    for place in places.values():
        fleet.ledger.cause(place.transmitter_id, place.point, kind=Kind.EARLY_WARNING, at=fleet.now())
    for reading in readings:
        await asyncio.sleep(reading.sent_at - fleet.now())
        transmitter = fleet.transmitters[reading.place.transmitter_id]
        values = {"temperature_celsius": reading.celsius}
        transmitter.telemetry(reading.place.point, values, clock=reading.clock)
        if reading.alarms:
            transmitter.begin(reading.place.point, Kind.FIRE_ALARM, clock=reading.clock, values=values)
