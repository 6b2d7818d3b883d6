"""What acts on instruments on ordinary days: weather, load, and what people do. All of it follows from a seed.

Times are seconds since a local midnight, rising, at any spacing. A quantity answers an event as a first-order lag does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

HOUR, DAY = 3_600.0, 86_400.0
WARMEST_HOUR = 15.0
SETTLED = 8.0
"""Time constants after which an answer to an event is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that holds from `start` for `length` seconds, `size` times as strongly as usual."""

    start: float
    length: float
    size: float


def drawn(seed: int, what: str) -> np.random.Generator:
    """Chance of its own for each matter, so that one more draw in one changes nothing in another."""
    return np.random.default_rng([seed, crc32(what.encode())])


def wander(seconds: Floats, *, chance: np.random.Generator, deviation: float, hours: float) -> Floats:
    """A stationary random walk about 0 (Ornstein–Uhlenbeck) with this standard deviation and correlation time.

    It is drawn on a grid of a tenth of its correlation time and is straight in between.
    """
    step = hours * HOUR / 10
    grid = np.arange(np.floor(seconds[0] / step), np.ceil(seconds[-1] / step) + 2)
    kept = np.exp(-0.1)
    values = chance.normal(0, deviation, len(grid))
    values[1:] *= np.sqrt(1 - kept**2)
    for index in range(1, len(values)):
        values[index] += kept * values[index - 1]
    return np.interp(seconds, grid * step, values)


def swing(seconds: Floats, *, warmest: float = WARMEST_HOUR) -> Floats:
    """The day's wave, −1…1, highest at that hour."""
    wave: Floats = np.cos(2 * np.pi * (seconds - warmest * HOUR) / DAY)
    return wave


def weather(seed: int, seconds: Floats) -> Floats:
    """Outdoor temperature in °C: a season's drift, spells of some days, day and night under more or less cloud."""
    chance = drawn(seed, "weather")
    season = chance.uniform(-3, 3) * (seconds - seconds[0]) / (30 * DAY)
    spells = wander(seconds, chance=chance, deviation=2.5, hours=60)
    sky = np.clip(1 + wander(seconds, chance=chance, deviation=0.4, hours=36), 0.2, 2)
    air: Floats = chance.uniform(17, 25) + season + spells + 3.5 * sky * swing(seconds)
    return air


def answer(seconds: Floats, events: Sequence[Event], *, rise: float, fall: float) -> Floats:
    """The sum of first-order answers to events: towards `size` with time constant `rise`, back with `fall` (seconds)."""
    total = np.zeros(len(seconds))
    for event in events:
        end = event.start + event.length
        first, turn, last = np.searchsorted(seconds, (event.start, end, end + SETTLED * fall))
        total[first:turn] += event.size * -np.expm1(-(seconds[first:turn] - event.start) / rise)
        peak = event.size * -np.expm1(-event.length / rise)
        total[turn:last] += peak * np.exp(-(seconds[turn:last] - end) / fall)
    return total


def daily(seconds: Floats, hours: Sequence[float], *, chance: np.random.Generator, minutes: tuple[float, float]) -> list[Event]:
    """Events at about these hours of every day, one in ten left out, each as long as `minutes` allow."""
    events = []
    for day in range(int(seconds[0] // DAY) - 1, int(seconds[-1] // DAY) + 1):
        for hour in hours:
            start = day * DAY + (hour + chance.normal(0, 0.4)) * HOUR
            length, size = chance.uniform(*minutes) * 60, chance.uniform(0.5, 1.3)
            if chance.random() < 0.9:
                events.append(Event(start=start, length=length, size=size))
    return events


def scattered(seconds: Floats, *, chance: np.random.Generator, a_day: float, minutes: tuple[float, float]) -> list[Event]:
    """Events at any hour, so many a day on average."""
    days = (seconds[-1] - seconds[0]) / DAY + 1
    starts = np.sort(chance.uniform(seconds[0] - DAY, seconds[-1], chance.poisson(a_day * days)))
    return [
        Event(start=float(start), length=chance.uniform(*minutes) * 60, size=chance.uniform(0.3, 1.2)) for start in starts.tolist()
    ]


def cooking(seed: int, seconds: Floats) -> list[Event]:
    """Three meals a day."""
    return daily(seconds, (7.0, 11.8, 18.0), chance=drawn(seed, "cooking"), minutes=(10, 45))


def heated(seed: int) -> bool:
    """Whether the seed's room has a heater; the others are kitchens."""
    return seed % 2 == 0


def heating(seed: int, seconds: Floats) -> list[Event]:
    """A heater of some 2 kW, mornings and evenings."""
    return daily(seconds, (6.5, 19.0), chance=drawn(seed, "heating"), minutes=(40, 240))


def load(seed: int, seconds: Floats) -> Floats:
    """Share of the usual full load (0…about 1.2): a business day and a quieter seventh day, and machines that switch."""
    chance = drawn(seed, "load")
    opens, closes = chance.uniform(6.5, 9), chance.uniform(18, 22)
    hour, day = seconds % DAY / HOUR, seconds // DAY
    business = 0.65 / (1 + np.exp(-(hour - opens) * 3)) / (1 + np.exp((hour - closes) * 3))
    business *= np.where((day + seed) % 7 == 0, 0.5, 1.0)
    machines = np.zeros(len(seconds))
    for _ in range(3):
        period, runs = chance.uniform(10, 40) * 60, chance.uniform(0.3, 0.6)
        machines += 0.06 * ((seconds / period + chance.random()) % 1 < runs)
    share: Floats = np.maximum(0.08 + business * (1 + wander(seconds, chance=chance, deviation=0.12, hours=1)) + machines, 0)
    return share
