"""Days on which something fails before it is needed, from a seed: ordinary ones up to a known time, and what was true all along.

What is assumed of each failure stands in `simulator.failures`, what of the days before in `simulator.ordinary_days`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from simulator.failures import (
    DRIFTS,
    RAILS,
    Case,
    Fault,
    World,
    dead,
    drifting,
    dusty,
    dying_ratio,
    dying_volts,
    fading,
    heating_cable,
    leak,
    missed_refill,
    pump_off,
    pump_off_suddenly,
    residual_growth,
    restless,
    stuck,
    tank_leak,
    unharmed,
)
from simulator.ordinary_days import pumped, read
from simulator.surroundings import DAY, HOUR, Floats

SEEDS = range(101, 121)
"""Fixed before any detector was tried on them."""

WATCHED, MAINS, BATTERY = (1.0, 10.0, 60.0), (1.0, 10.0, 60.0, 600.0), (60.0, HOUR, DAY)
"""Seconds between two readings: where minutes or single readings count, of what else has mains, of what has a battery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A way to fail.

    It must be found `within` so many seconds of its beginning and `ahead` so many of its end (issue 4 asks for it unless `ours`).
    `days` after its onset each of SEEDS is past both. `seeds`: those of them that it can happen to, and be seen in.
    """

    metric: str
    words: str
    world: World
    fault: Fault | None = None
    begins: Callable[[int, float], float] = lambda _seed, onset: onset
    every_seconds: tuple[float, ...] = MAINS
    within: float = np.inf
    ahead: float = 0
    ours: bool = False
    days: float = 1
    seeds: tuple[int, ...] = tuple(SEEDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What came of a failure: when it `begins`, before when it is `due` to be found, when it `ends` at its worst (infinite: never).

    Nothing can be found while no reading comes: whoever judges sees to it that no outage hides the time until `due`.
    """

    begins: float
    due: float
    ends: float
    true: Floats
    shown: Floats


def failing(name: str, *, seed: int, seconds: Floats, onset: float) -> Course:
    """The course of a seed at these times, which rise; `name` befalls it at `onset`, or where it next can, after some of them."""
    failure = FAILURES[name]
    case = Case(seed=seed, seconds=seconds, onset=failure.begins(seed, onset))
    true, ends = failure.world(case)
    shown = read(failure.metric, seed=seed, true=true)
    return Course(
        begins=case.onset,
        due=min(case.onset + failure.within, ends - failure.ahead),
        ends=ends,
        true=true,
        shown=failure.fault(case, shown) if failure.fault else shown,
    )


_PUMPED = tuple(seed for seed in SEEDS if pumped(seed))

FAILURES: Mapping[str, Failure] = {
    "leak": Failure(
        metric="water_pressure_mpa",
        words="a pipe breaks: more runs out than the pump or the roof tank holds",
        world=leak,
        every_seconds=WATCHED,
        within=600,
    ),
    "pump_off": Failure(
        metric="water_pressure_mpa",
        words="the pump that keeps the pressure does not start",
        world=pump_off,
        begins=missed_refill,
        every_seconds=WATCHED,
        within=600,
        seeds=_PUMPED,
    ),
    "pump_off_suddenly": Failure(
        metric="water_pressure_mpa",
        words="the pump stops and its check valve lets the water back",
        world=pump_off_suddenly,
        every_seconds=WATCHED,
        within=600,
        seeds=_PUMPED,
    ),
    "tank_leak": Failure(
        metric="water_level_m",
        words="a tank runs empty faster than its float valve fills it",
        world=tank_leak,
        ours=True,
        days=5,
    ),
    "residual_growth": Failure(
        metric="residual_current_ma",
        words="insulation ages",
        world=residual_growth,
        days=25,
    ),
    "heating_cable": Failure(
        metric="cable_temperature_celsius",
        words="a contact ages by its own heat, for days or weeks",
        world=heating_cable((1, 5), what="contact"),
        days=25,
    ),
    "heating_cable_hastily": Failure(
        metric="cable_temperature_celsius",
        words="a contact ages by its own heat, within hours",
        world=heating_cable((1 / 24, 4 / 24), what="hasty contact"),
        every_seconds=WATCHED,
        days=3,
    ),
    "dying_battery": Failure(
        metric="battery_volts",
        words="a lithium or gel lead battery comes to its end",
        world=dying_volts,
        every_seconds=BATTERY,
        ahead=14 * DAY,
        days=95,
    ),
    "dying_gauge": Failure(
        metric="battery_ratio",
        words="a battery is emptied by more than it should be",
        world=dying_ratio,
        every_seconds=BATTERY,
        ahead=14 * DAY,
        days=95,
    ),
    "dusty": Failure(
        metric="smoke_obscuration_db_per_m",
        words="dust settles in a smoke chamber",
        world=dusty,
        every_seconds=BATTERY,
        within=7 * DAY,
        days=55,
    ),
    **{
        f"fading_{metric}": Failure(
            metric=metric,
            words="an antenna fails, or something grows before it",
            world=fading(metric),
            every_seconds=BATTERY,
            ours=True,
            days=35,
        )
        for metric in ("rsrp_dbm", "rssi_dbm", "sinr_db")
    },
    **{
        f"drifting_{metric}": Failure(
            metric=metric,
            words="a sensor's zero drifts",
            world=drifting(metric),
            ours=True,
            days=35,
        )
        for metric in DRIFTS
    },
    **{
        f"stuck_{metric}": Failure(
            metric=metric,
            words="a sensor says the same for ever",
            world=unharmed(metric),
            fault=stuck,
            every_seconds=WATCHED,
            within=2 * HOUR,
            seeds=tuple(seed for seed in SEEDS if restless(metric, seed=seed)),
        )
        for metric in RAILS
    },
    **{
        f"dead_{metric}": Failure(
            metric=metric,
            words="a sensor's wire breaks, by and by",
            world=unharmed(metric),
            fault=dead(metric),
            within=6 * HOUR,
            ours=True,
        )
        for metric in RAILS
    },
}
