"""Ordinary days of every metric, from a seed: nothing fails, nothing burns, and nothing is to be found.

Assumptions (none is measured; the figures are what such instruments and rooms commonly show):

- Weather: spells of 2.5 K over two to three days, a season's drift of at most 3 K in 30 days, 3.5 K of swing by day under more or
  less cloud. Rooms follow a third of it, cables and batteries the whole.
- Rooms: every second one is a kitchen with three meals a day (the ceiling warms by 2…6 K with a time constant of 6 min), the
  others have a 2 kW heater (5…9 K, 15 min); haze of up to 0.03 dB/m and 4 ppm of CO reach both. Each event is half to 1.3 times
  that; a kitchen whose cooker and heater are lit at once is not among them. A dozen doors a day (2 K, 1 min). Batteries charge at
  night and give some ppm of hydrogen. One temperature reading in 20,000 is odd (85 °C or −127 °C, as common sensors say).
- Electricity: a business day, a quieter seventh day, machines that switch every 10…40 min; residual current of 20…120 mA at rest,
  up to 40 mA more under load and in wet spells; cables 12…22 K above their place at full load, with 20 min.
- Water: every second network is kept by a pump (a saw-tooth of 0.06 MPa every 20…90 min), the others follow the day's use by
  0.02 MPa; a few draws a day take 0.03 MPa for some minutes. Tanks are refilled by a float valve (some cm), every third serves
  a house as well (0.25 m a day). Nobody opens a hydrant: that is no ordinary day for a network.
- Batteries lose 0.02…0.08 % a day and 1.5 mV a kelvin; signals fade by some dB for hours, and lorries stand before the antenna.
- Instruments: noise of their own and steps of their own, the same for a seed and metric, fine for some and coarse for others.

Times are seconds since a local midnight.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from simulator.surroundings import (
    DAY,
    HOUR,
    Floats,
    answer,
    cooking,
    daily,
    drawn,
    heated,
    heating,
    load,
    scattered,
    swing,
    wander,
    weather,
)

OUTAGES_A_DAY = 0.1
MISSED = 0.01
ODD = 1 / 20_000
DRAWN_MPA = 0.03
PUMPED_MPA = 0.06
REFILL_PHASE = 0.95  # the rest of its cycle a pump refills


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """How a metric is read: `noise` (standard deviations) and `steps`, of which a seed has one each; bounds of the reading."""

    noise: tuple[float, float]
    steps: tuple[float, ...]
    least: float = 0.0
    most: float = np.inf


INSTRUMENTS: Mapping[str, Instrument] = {
    "temperature_celsius": Instrument(noise=(0.03, 0.12), steps=(0.01, 0.1, 0.1, 0.5), least=-40),
    "smoke_obscuration_db_per_m": Instrument(noise=(0.0008, 0.002), steps=(0.0001, 0.001, 0.002)),
    "co_ppm": Instrument(noise=(0.2, 0.5), steps=(0.1, 0.5, 1.0)),
    "hydrogen_ppm": Instrument(noise=(0.5, 1.5), steps=(0.5, 1.0, 5.0)),
    "gas_lel_ratio": Instrument(noise=(0.0005, 0.002), steps=(0.001, 0.01), most=1),
    "humidity_ratio": Instrument(noise=(0.003, 0.008), steps=(0.001, 0.01), most=1),
    "residual_current_ma": Instrument(noise=(1, 3), steps=(0.1, 1.0)),
    "cable_temperature_celsius": Instrument(noise=(0.1, 0.3), steps=(0.1, 0.5, 1.0), least=-40),
    "voltage_volts": Instrument(noise=(0.3, 0.8), steps=(0.1, 1.0)),
    "current_amperes": Instrument(noise=(0.05, 0.2), steps=(0.01, 0.1)),
    "power_watts": Instrument(noise=(10, 40), steps=(1.0, 10.0)),
    "water_pressure_mpa": Instrument(noise=(0.0008, 0.003), steps=(0.0001, 0.001, 0.01)),
    "water_level_m": Instrument(noise=(0.002, 0.006), steps=(0.001, 0.01)),
    "flow_l_per_s": Instrument(noise=(0.0, 0.01), steps=(0.01, 0.1)),
    "tilt_degrees": Instrument(noise=(0.03, 0.08), steps=(0.01, 0.1), most=90),
    "battery_volts": Instrument(noise=(0.001, 0.003), steps=(0.001, 0.01)),
    "battery_ratio": Instrument(noise=(0.0, 0.004), steps=(0.01, 0.01, 0.05), most=1),
    "rssi_dbm": Instrument(noise=(1.0, 2.5), steps=(1.0,), least=-130, most=-20),
    "rsrp_dbm": Instrument(noise=(1.0, 2.5), steps=(1.0,), least=-140, most=-40),
    "sinr_db": Instrument(noise=(0.8, 2.0), steps=(0.5, 1.0), least=-20, most=40),
}


def sampling(seed: int, *, every_seconds: float, days: float) -> Floats:
    """When an instrument is read: about every so often, now and then missed, with an outage of some hours every ten days.

    As many readings as `days` have room for; they take somewhat longer.
    """
    chance = drawn(seed, f"sampling {every_seconds}")
    count = int(days * DAY / every_seconds)
    steps = every_seconds * chance.uniform(0.97, 1.03, count)
    steps *= np.where(chance.random(count) < MISSED, chance.integers(2, 5, count), 1)
    outages = chance.random(count) < OUTAGES_A_DAY * every_seconds / DAY
    steps += np.where(outages, chance.uniform(0.5, 6, count) * HOUR, 0)
    return chance.uniform(0, DAY) + np.cumsum(steps)


def ordinary(metric: str, *, seed: int, seconds: Floats) -> Floats:
    """What the instrument of a seed reads at these times, which rise."""
    return read(metric, seed=seed, true=TRUE[metric](seed, seconds))


def read(metric: str, *, seed: int, true: Floats) -> Floats:
    """A true course as the seed's instrument reads it."""
    instrument, chance = INSTRUMENTS[metric], drawn(seed, f"{metric} instrument")
    noise, step = built(metric, chance=chance)
    felt = np.clip(true + chance.normal(0, 1, len(true)) * noise, instrument.least, instrument.most)
    shown = np.round(np.round(felt / step) * step, 6)
    if metric == "temperature_celsius":
        shown = np.where(chance.random(len(true)) < ODD, chance.choice((85.0, -127.0), len(true)), shown)
    return shown


def built(metric: str, *, chance: np.random.Generator) -> tuple[float, float]:
    """An instrument's noise and step."""
    instrument = INSTRUMENTS[metric]
    return chance.uniform(*instrument.noise), float(chance.choice(instrument.steps))


def _temperature(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "room")
    outside = weather(seed, seconds)
    room = chance.uniform(20, 25) + 0.33 * (outside - 21) + 0.7 * swing(seconds, warmest=17)
    room += wander(seconds, chance=chance, deviation=0.3, hours=2)
    kitchen, heater = chance.uniform(2, 6), chance.uniform(5, 9)
    if heated(seed):
        room += heater * answer(seconds, heating(seed, seconds), rise=900, fall=2400)
    else:
        room += kitchen * answer(seconds, cooking(seed, seconds), rise=360, fall=900)
    doors = scattered(seconds, chance=chance, a_day=12, minutes=(0.5, 5))
    room -= chance.uniform(0.5, 2) * answer(seconds, doors, rise=60, fall=300)
    return room


def _smoke(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "haze")
    clean = chance.uniform(0.004, 0.014) + np.abs(wander(seconds, chance=chance, deviation=0.001, hours=12))
    return clean + chance.uniform(0.003, 0.03) * answer(seconds, cooking(seed, seconds), rise=300, fall=420)


def _carbon_monoxide(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "carbon monoxide")
    street = (
        chance.uniform(0.3, 1.5) + 0.3 * swing(2 * seconds, warmest=16) + wander(seconds, chance=chance, deviation=0.2, hours=3)
    )
    return street + chance.uniform(0.5, 4) * answer(seconds, cooking(seed, seconds), rise=600, fall=900)


def _hydrogen(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "hydrogen")
    charging = daily(seconds, (21.0,), chance=chance, minutes=(240, 480))
    return chance.uniform(0, 5) + chance.uniform(3, 15) * answer(seconds, charging, rise=5400, fall=3600)


def _gas(seed: int, seconds: Floats) -> Floats:
    return drawn(seed, "gas").uniform(0, 0.01) * answer(seconds, cooking(seed, seconds), rise=120, fall=300)


def _humidity(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "humidity")
    air = (
        chance.uniform(0.5, 0.75) - 0.015 * (weather(seed, seconds) - 21) + wander(seconds, chance=chance, deviation=0.04, hours=30)
    )
    return np.clip(air + 0.08 * answer(seconds, cooking(seed, seconds), rise=400, fall=900), 0.1, 0.99)


def _residual_current(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "residual current")
    wet = np.maximum(wander(seconds, chance=chance, deviation=6, hours=40), 0)
    return chance.uniform(20, 120) + chance.uniform(5, 30) * load(seed, seconds) + wet


def warmed(seed: int, seconds: Floats) -> Floats:
    """What the load warms, as a share of full load for ever."""
    # Heat goes by the square of the current, and the copper takes 20 min: a mean of the load before.
    drive, lagged, share = load(seed, seconds) ** 2, np.empty(len(seconds)), -np.expm1(-np.diff(seconds, prepend=seconds[0]) / 1200)
    kept = drive[0]
    for index, (now, part) in enumerate(zip(drive.tolist(), share.tolist(), strict=True)):
        kept += (now - kept) * part
        lagged[index] = kept
    return lagged


def _cable(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "cable")
    return weather(seed, seconds) + chance.uniform(0, 6) + chance.uniform(12, 22) * warmed(seed, seconds)


def _voltage(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "voltage")
    return chance.uniform(222, 235) - 5 * load(seed, seconds) + wander(seconds, chance=chance, deviation=1.5, hours=1)


def _current(seed: int, seconds: Floats) -> Floats:
    return drawn(seed, "current").uniform(10, 60) * load(seed, seconds)


def _power(seed: int, seconds: Floats) -> Floats:
    return 0.9 * _voltage(seed, seconds) * _current(seed, seconds)


def draws(seed: int, seconds: Floats) -> Floats:
    """Water that is used, as a share of a usual draw."""
    return answer(seconds, scattered(seconds, chance=drawn(seed, "draws"), a_day=6, minutes=(1, 8)), rise=5, fall=20)


def pumped(seed: int) -> bool:
    """Whether a pump keeps the seed's network; a roof tank keeps the others."""
    return seed % 2 == 1


def network(seed: int) -> tuple[float, float]:
    """MPa about which the seed's network is kept, and seconds from refill to refill where a pump keeps it."""
    base, cycle = drawn(seed, "pressure").uniform((0.32, 20 * 60), (0.5, 90 * 60)).tolist()
    return base, cycle


def _pressure(seed: int, seconds: Floats) -> Floats:
    base, cycle = network(seed)
    if pumped(seed):
        phase = seconds / cycle % 1
        kept = PUMPED_MPA * np.where(phase < REFILL_PHASE, 0.5 - phase / REFILL_PHASE, (phase - 0.975) * 20)
    else:
        chance = drawn(seed, "roof tank")
        kept = -0.02 * np.maximum(swing(2 * seconds, warmest=19), -0.3) + wander(seconds, chance=chance, deviation=0.004, hours=6)
    return base + kept - DRAWN_MPA * draws(seed, seconds)


def _level(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "level")
    valve = 0.03 * (0.5 - seconds / (chance.uniform(6, 40) * HOUR) % 1)
    full = chance.uniform(1.8, 3.2)
    if seed % 3:
        return full + valve
    return (
        full
        + valve
        - 0.125 * (1 + swing(seconds, warmest=20) * np.clip(1 + wander(seconds, chance=chance, deviation=0.2, hours=24), 0, 2))
    )


def _flow(seed: int, seconds: Floats) -> Floats:
    return drawn(seed, "flow").uniform(0.2, 1.5) * draws(seed, seconds)


def _tilt(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "tilt")
    wind = wander(seconds, chance=chance, deviation=0.08, hours=3)
    return chance.uniform(0.3, 1.2) + 0.01 * (weather(seed, seconds) - 21) + wind


def _battery_volts(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "battery")
    full, loss = float(chance.choice((3.6, 3.05, 12.9, 26.6))), chance.uniform(0.0002, 0.0008)
    kept: Floats = full * (1 - 0.1 * loss * (seconds - seconds[0]) / DAY)
    return kept + 0.0015 * full / 3.6 * (weather(seed, seconds) - 21)


def _battery_ratio(seed: int, seconds: Floats) -> Floats:
    chance = drawn(seed, "battery")
    left: Floats = chance.uniform(0.4, 1.0) - chance.uniform(0.0002, 0.0008) * (seconds - seconds[0]) / DAY
    return left + 0.0004 * (weather(seed, seconds) - 21)


def _signal(base: tuple[float, float], *, what: str) -> Callable[[int, Floats], Floats]:
    def true(seed: int, seconds: Floats) -> Floats:
        chance = drawn(seed, what)
        fading = wander(seconds, chance=chance, deviation=1.5, hours=8) + swing(seconds)
        lorries = scattered(seconds, chance=chance, a_day=2, minutes=(5, 60))
        return chance.uniform(*base) + fading - 6 * answer(seconds, lorries, rise=10, fall=10)

    return true


TRUE: Mapping[str, Callable[[int, Floats], Floats]] = {
    "temperature_celsius": _temperature,
    "smoke_obscuration_db_per_m": _smoke,
    "co_ppm": _carbon_monoxide,
    "hydrogen_ppm": _hydrogen,
    "gas_lel_ratio": _gas,
    "humidity_ratio": _humidity,
    "residual_current_ma": _residual_current,
    "cable_temperature_celsius": _cable,
    "voltage_volts": _voltage,
    "current_amperes": _current,
    "power_watts": _power,
    "water_pressure_mpa": _pressure,
    "water_level_m": _level,
    "flow_l_per_s": _flow,
    "tilt_degrees": _tilt,
    "battery_volts": _battery_volts,
    "battery_ratio": _battery_ratio,
    "rssi_dbm": _signal((-95, -65), what="rssi"),
    "rsrp_dbm": _signal((-108, -80), what="rsrp"),
    "sinr_db": _signal((5, 20), what="sinr"),
}
"""The true course of every metric."""
