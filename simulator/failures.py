"""How facilities and their sensors fail before they are needed: physics from a seed, on top of its ordinary days.

Assumptions (none is measured; what a seed draws lies evenly in the range given, and is seen through the instrument of its
ordinary days):

- Leak: the pressure goes to 0.05…0.2 MPa below the lowest that ordinary days keep, with a time constant of 0.5…2.5 min (0.98 of it
  in 10 min), and use goes on. A smaller or slower one hides behind a draw for longer than that.
- Pump off: the pressure goes on falling as it fell before the refill that does not come, more slowly as it nears the static one of
  0.05…0.15 MPa. That is 0.007…0.03 MPa below its ordinary lowest after 10 min: less than a draw takes, but the refill is missing.
  Suddenly: the check valve fails too, and the static one is there with a time constant of 10…20 s.
- Leaking tank: it runs empty as through a hole (by the root of the level) in 0.5…5 days, whatever its float valve lets in.
- Insulation: it alone leaks 300 mA after 4…25 days, on an exponential of 1…3 e-foldings; wet spells add some tenths to that.
- Contact of a cable: 80…120 K under full load for ever, after 1…5 days of full load (hasty: 1…4 h), on such an exponential. It ages
  by the heat it carries, so hardly at night; at the end of that time it is as bad as it gets.
- Dying battery: empty after 35…90 days. Volts fall by the 2nd…4th power of time (a lithium cell's resistance under its pulses; gel
  lead that loses capacity does it by less), to 2/3 of the full ones (lead: 5/6). A gauge of the charge falls by the 1st…2nd power:
  something draws more than it should.
- Fading signal: 1.5…8 dB a day (water in the antenna's cable, a building that grows) until the link is lost.
- Dust: 0.003…0.02 dB/m a day, the chamber's threshold being 0.15 dB/m.
- Drift, straight: temperature 0.3…1 K and the zero of pressure 3…10 kPa a day, up or down; the zero of CO 1…4 ppm a day, up.
- Stuck: the last reading for ever or, every second seed, the middle one of the twenty before. Told from calm only where noise moves
  the last digit (at least half a step of it): the other seeds are left out.
- Dead: what its wire gives (nothing, or all) comes now and then, ever more often, and after 0.5…4 h always.

No two failures at once, and no repair. A device without battery or link says nothing after its end: its course is to be cut there.
Times are seconds since a local midnight.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from simulator.ordinary_days import DRAWN_MPA, PUMPED_MPA, REFILL_PHASE, TRUE, built, draws, network, warmed
from simulator.surroundings import DAY, Floats, drawn, wander

LIMITS: Mapping[str, float] = {
    "residual_current_ma": 300.0,  # GB 50116-2013 9.2.3: 300…500 mA
    "cable_temperature_celsius": 70.0,
    "smoke_obscuration_db_per_m": 0.15,
    "water_level_m": 1.0,
    "rsrp_dbm": -125.0,
    "rssi_dbm": -113.0,
    "sinr_db": -8.0,
}
"""Where it has come to the worst: a fixed threshold, a lost link."""

DRIFTS: Mapping[str, tuple[tuple[float, float], float, tuple[int, ...]]] = {
    "temperature_celsius": ((0.3, 1.0), 10.0, (-1, 1)),
    "co_ppm": ((1.0, 4.0), 15.0, (1,)),
    "water_pressure_mpa": ((0.003, 0.01), 0.05, (-1, 1)),
}
"""How fast a day, how far is too far, and which way."""

RAILS: Mapping[str, tuple[float, ...]] = {
    "temperature_celsius": (85.0, -127.0),
    "cable_temperature_celsius": (85.0, -127.0),
    "smoke_obscuration_db_per_m": (0.0,),
    "co_ppm": (1000.0,),
    "residual_current_ma": (0.0, 1000.0),
    "water_pressure_mpa": (0.0, 1.6),
    "water_level_m": (0.0, 5.0),
}
"""What a dead sensor's wire gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A seed's days and the time from which something fails; `seconds` rise."""

    seed: int
    seconds: Floats
    onset: float

    def ordinary(self, metric: str) -> Floats:
        return TRUE[metric](self.seed, self.seconds)

    def after(self, days: float) -> Floats:
        """Time since the onset in units of so many days, and 0 before."""
        since: Floats = np.maximum(self.seconds - self.onset, 0) / (days * DAY)
        return since

    def first(self, past: npt.NDArray[np.bool_]) -> float:
        """The first time since the onset at which it is so; infinite if never."""
        found = self.seconds[past & (self.seconds >= self.onset)]
        return float(found[0]) if len(found) else np.inf


World = Callable[[Case], tuple[Floats, float]]
"""The true course, and the time at which it has come to the worst."""
Fault = Callable[[Case, Floats], Floats]
"""What a broken instrument shows in place of its readings."""


def _ageing(share: Floats, *, chance: np.random.Generator) -> Floats:
    """An exponential of 1…3 e-foldings from 0 to 1 while its argument goes there."""
    foldings = chance.uniform(1, 3)
    grown: Floats = np.expm1(foldings * share) / np.expm1(foldings)
    return grown


def _use(case: Case) -> Floats:
    return DRAWN_MPA * draws(case.seed, case.seconds)


def leak(case: Case) -> tuple[Floats, float]:
    chance, ordinary = drawn(case.seed, "leak"), case.ordinary("water_pressure_mpa")
    settled = network(case.seed)[0] - PUMPED_MPA / 2 - chance.uniform(0.05, 0.2) - _use(case)
    gone = -np.expm1(-case.after(chance.uniform(0.5, 2.5) / 1440))
    return np.maximum(ordinary + gone * (settled - ordinary), 0), np.inf


def missed_refill(seed: int, onset: float) -> float:
    """The next time at which the pump would have started."""
    cycle = network(seed)[1]
    return float((np.ceil(onset / cycle - REFILL_PHASE) + REFILL_PHASE) * cycle)


def pump_off(case: Case) -> tuple[Floats, float]:
    base, cycle = network(case.seed)
    height = base - PUMPED_MPA / 2 - drawn(case.seed, "static").uniform(0.05, 0.15)
    lasts = height / PUMPED_MPA * REFILL_PHASE * cycle / DAY
    fallen = base - PUMPED_MPA / 2 + height * np.expm1(-case.after(lasts)) - _use(case)
    return np.where(case.seconds < case.onset, case.ordinary("water_pressure_mpa"), np.maximum(fallen, 0)), np.inf


def pump_off_suddenly(case: Case) -> tuple[Floats, float]:
    ordinary = case.ordinary("water_pressure_mpa")
    static = drawn(case.seed, "static").uniform(0.05, 0.15)
    gone = -np.expm1(-case.after(drawn(case.seed, "check valve").uniform(10, 20) / DAY))
    return np.maximum(ordinary + gone * (static - _use(case) - ordinary), 0), np.inf


def tank_leak(case: Case) -> tuple[Floats, float]:
    left = np.maximum(1 - case.after(drawn(case.seed, "hole").uniform(0.5, 5)), 0)
    level = case.ordinary("water_level_m") * left**2
    return level, case.first(level <= LIMITS["water_level_m"])


def residual_growth(case: Case) -> tuple[Floats, float]:
    chance, limit = drawn(case.seed, "insulation"), LIMITS["residual_current_ma"]
    share = np.minimum(case.after(chance.uniform(4, 25)), 1)
    wet = np.clip(wander(case.seconds, chance=chance, deviation=0.15, hours=40), 0, 0.5)
    current = case.ordinary("residual_current_ma") + limit * _ageing(share, chance=chance) * (1 + wet)
    return current, case.first(current >= limit)


def heating_cable(days: tuple[float, float], *, what: str) -> World:
    def world(case: Case) -> tuple[Floats, float]:
        chance, warmth = drawn(case.seed, what), warmed(case.seed, case.seconds)
        carried = np.cumsum(warmth * np.diff(case.after(1), prepend=0))
        share = np.minimum(carried / chance.uniform(*days), 1)
        celsius = case.ordinary("cable_temperature_celsius")
        celsius += chance.uniform(80, 120) * warmth * _ageing(share, chance=chance)
        return celsius, case.first(celsius >= LIMITS["cable_temperature_celsius"])

    return world


def dying_volts(case: Case) -> tuple[Floats, float]:
    chance, volts = drawn(case.seed, "dying volts"), case.ordinary("battery_volts")
    share = np.minimum(case.after(chance.uniform(35, 90)), 1)
    lead = bool(volts[0] > 10)
    return volts * (1 - share ** chance.uniform(2, 4) / (6 if lead else 3)), case.first(share >= 1)


def dying_ratio(case: Case) -> tuple[Floats, float]:
    chance = drawn(case.seed, "dying gauge")
    left = 1 - np.minimum(case.after(chance.uniform(35, 90)), 1) ** chance.uniform(1, 2)
    return case.ordinary("battery_ratio") * left, case.first(left <= 0)


def fading(metric: str) -> World:
    def world(case: Case) -> tuple[Floats, float]:
        rate, limit = drawn(case.seed, "fading").uniform(1.5, 8), LIMITS[metric]
        # Some dB further the receiver hears nothing more that could be weaker.
        signal = np.maximum(case.ordinary(metric) - rate * case.after(1), limit - 5)
        return signal, case.first(signal <= limit)

    return world


def dusty(case: Case) -> tuple[Floats, float]:
    smoke = case.ordinary("smoke_obscuration_db_per_m") + drawn(case.seed, "dust").uniform(0.003, 0.02) * case.after(1)
    return smoke, case.first(smoke >= LIMITS["smoke_obscuration_db_per_m"])


def drifting(metric: str) -> World:
    def world(case: Case) -> tuple[Floats, float]:
        chance, (rates, far, ways) = drawn(case.seed, f"{metric} drift"), DRIFTS[metric]
        drift = np.minimum(chance.uniform(*rates) * case.after(1), far)
        return case.ordinary(metric) + chance.choice(ways) * drift, case.first(drift >= far)

    return world


def unharmed(metric: str) -> World:
    return lambda case: (case.ordinary(metric), np.inf)


def stuck(case: Case, shown: Floats) -> Floats:
    first = int(np.searchsorted(case.seconds, case.onset))
    before = shown[max(first - 20, 0) : first]
    kept = np.sort(before)[len(before) // 2] if case.seed % 2 else before[-1]
    return np.where(case.seconds < case.onset, shown, kept)


def dead(metric: str) -> Fault:
    def fault(case: Case, shown: Floats) -> Floats:
        chance = drawn(case.seed, f"{metric} dead")
        share = case.after(chance.uniform(0.5, 4) / 24)
        return np.where(chance.random(len(shown)) < share, chance.choice(RAILS[metric]), shown)

    return fault


def restless(metric: str, *, seed: int) -> bool:
    """Whether noise moves the last digit of the seed's instrument, so that standing still means something."""
    noise, step = built(metric, chance=drawn(seed, f"{metric} instrument"))
    return noise >= step / 2
