"""Devices as pure functions of time: what one says as a matter of routine follows from its seed and the clock alone.

What happens to it (a fire, a fault, a wiped memory) stands in a timetable: `simulator.scenarios`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from signals.topics import MessageClass
from simulator.chance import seeded

DAY_SECONDS = 86_400
SHANGHAI_OFFSET_SECONDS = 8 * 3600
WARMEST_SECOND_OF_DAY = 15 * 3600
PROMISE_MARGIN = 1.2
"""A heartbeat promises the next one within its period times this: a promise that a busy line would break is none."""
FIRMWARE = "sim-1.0"


class DeviceClass(StrEnum):
    """The classes of the register."""

    CONTROL_ROOM = "control_room"
    DETECTOR = "detector"
    SLEEPY = "sleepy"
    BRIDGE = "bridge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Periods in seconds; 0 means never."""

    heartbeat_seconds: float
    telemetry_seconds: float

    @property
    def promised_seconds(self) -> int:
        """What a heartbeat promises as `interval_seconds`."""
        return max(1, math.ceil(self.heartbeat_seconds * PROMISE_MARGIN))


PACES: Mapping[DeviceClass, Pace] = {
    DeviceClass.CONTROL_ROOM: Pace(heartbeat_seconds=60, telemetry_seconds=60),
    DeviceClass.DETECTOR: Pace(heartbeat_seconds=300, telemetry_seconds=60),
    DeviceClass.SLEEPY: Pace(heartbeat_seconds=DAY_SECONDS, telemetry_seconds=DAY_SECONDS),
    DeviceClass.BRIDGE: Pace(heartbeat_seconds=60, telemetry_seconds=120),
}
"""Everyday paces; a demonstration or a test runs faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nature:
    """How a metric behaves: `base` ± `spread` by instrument, a `swing` over the day, `noise` (standard deviation), and bounds."""

    base: float
    spread: float
    swing: float
    noise: float
    least: float = 0.0
    most: float = math.inf


NATURES: Mapping[str, Nature] = {
    "temperature_celsius": Nature(base=22, spread=2, swing=3, noise=0.1, least=-40),
    "smoke_obscuration_db_per_m": Nature(base=0.01, spread=0.004, swing=0, noise=0.002),
    "co_ppm": Nature(base=1.5, spread=0.5, swing=0.5, noise=0.2),
    "water_pressure_mpa": Nature(base=0.38, spread=0.03, swing=0.01, noise=0.003),
    "water_level_m": Nature(base=2.6, spread=0.2, swing=0.05, noise=0.005),
    "residual_current_ma": Nature(base=80, spread=30, swing=15, noise=3),
    "cable_temperature_celsius": Nature(base=31, spread=3, swing=4, noise=0.2, least=-40),
    "tilt_degrees": Nature(base=0.5, spread=0.3, swing=0, noise=0.05, most=90),
    "battery_volts": Nature(base=3.6, spread=0.03, swing=0.01, noise=0.002),
    "rsrp_dbm": Nature(base=-96, spread=8, swing=1, noise=1.5, least=-140, most=-40),
}

INSTRUMENTS: Mapping[DeviceClass, tuple[tuple[str, tuple[str, ...]], ...]] = {
    DeviceClass.CONTROL_ROOM: (
        ("hydrant/1", ("water_pressure_mpa",)),
        ("tank", ("water_level_m",)),
        ("panel/1", ("residual_current_ma", "cable_temperature_celsius")),
    ),
    DeviceClass.DETECTOR: (("1", ("temperature_celsius", "smoke_obscuration_db_per_m")),),
    DeviceClass.SLEEPY: (("1", ("water_pressure_mpa", "tilt_degrees", "battery_volts", "rsrp_dbm")),),
    DeviceClass.BRIDGE: (),
}
BRIDGED_METRICS = ("temperature_celsius", "co_ppm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A transmitter with what is behind it.

    Attributes:
        points: what can report conditions.
        instruments: what measures, as (point, metrics).
        clock_skew_seconds: its clock is this much ahead of the true time.
        mqtt5: False: MQTT 3.1.1.
        operator: who answers a duty check; None: nobody does.
    """

    transmitter_id: str
    device_class: DeviceClass
    seed: int
    points: tuple[str, ...]
    instruments: tuple[tuple[str, tuple[str, ...]], ...]
    pace: Pace
    clock_skew_seconds: float = 0.0
    mqtt5: bool = True
    operator: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """An object still without boot, seq and at. `time`: Unix seconds, true time."""

    time: float
    message_class: MessageClass
    members: Mapping[str, Any] = field(default_factory=dict)


def make_device(transmitter_id: str, device_class: DeviceClass, *, seed: int, points: int = 1, pace: Pace | None = None) -> Device:
    """A device as its class usually is. Every fourth speaks MQTT 3.1.1; control rooms have somebody on duty."""
    chance = seeded(seed, transmitter_id)
    names = _point_names(device_class, points)
    bridged = tuple((name, BRIDGED_METRICS) for name in names) if device_class is DeviceClass.BRIDGE else ()
    return Device(
        transmitter_id=transmitter_id,
        device_class=device_class,
        seed=seed,
        points=names,
        instruments=INSTRUMENTS[device_class] + bridged,
        pace=pace or PACES[device_class],
        clock_skew_seconds=round(chance.gauss(0, 0.5), 3),
        mqtt5=chance.random() >= 0.25,
        operator=chance.choice(("duty-1", "duty-2")) if device_class is DeviceClass.CONTROL_ROOM else None,
    )


def routine(device: Device, *, since: float, until: float) -> list[Utterance]:
    """Heartbeats and telemetry of [since, until), in order of time. Adjoining spans give what their union gives."""
    said = [
        *(utterance for time in _ticks(device, "heartbeat", since=since, until=until) for utterance in _heartbeats(device, time)),
        *(utterance for time in _ticks(device, "telemetry", since=since, until=until) for utterance in _telemetry(device, time)),
    ]
    return sorted(said, key=lambda utterance: utterance.time)


def next_routine(device: Device, *, since: float) -> float:
    """When the device next says something as a matter of routine, at or after `since`; infinite where it never does."""
    return min(
        (next(_ticks(device, matter, since=since, until=math.inf), math.inf) for matter in ("heartbeat", "telemetry")),
    )


def measure(device: Device, point: str, *, metric: str, time: float) -> float:
    """What the instrument reads at `time` on an ordinary day."""
    nature = NATURES[metric]
    own = seeded(device.seed, device.transmitter_id, point, metric).uniform(-nature.spread, nature.spread)
    angle = 2 * math.pi * (time + SHANGHAI_OFFSET_SECONDS - WARMEST_SECOND_OF_DAY) / DAY_SECONDS
    noise = seeded(device.seed, device.transmitter_id, point, metric, time).gauss(0, nature.noise)
    value = nature.base + own + nature.swing * math.cos(angle) + noise
    return round(min(max(value, nature.least), nature.most), 4)


def _point_names(device_class: DeviceClass, count: int) -> tuple[str, ...]:
    if device_class is DeviceClass.CONTROL_ROOM:  # loop-address, as a panel numbers them
        return tuple(f"{1 + index // 100}-{1 + index % 100}" for index in range(count))
    if device_class is DeviceClass.BRIDGE:
        return tuple(f"dev-{1 + index:03}" for index in range(count))
    return tuple(str(1 + index) for index in range(count))


def _ticks(device: Device, matter: str, *, since: float, until: float) -> Iterator[float]:
    """Instants of a periodic matter in [since, until), each device at a phase of its own."""
    period = device.pace.heartbeat_seconds if matter == "heartbeat" else device.pace.telemetry_seconds
    if period <= 0:
        return
    phase = seeded(device.seed, device.transmitter_id, matter).uniform(0, period)
    index = math.floor((since - phase) / period) - 1
    while (time := phase + index * period) < until:
        if time >= since:
            yield time
        index += 1


def _heartbeats(device: Device, time: float) -> Iterator[Utterance]:
    own: dict[str, Any] = {"interval_seconds": device.pace.promised_seconds, "firmware": FIRMWARE}
    match device.device_class:
        case DeviceClass.CONTROL_ROOM:
            own |= {"power": "main", "panel_link": True}
        case DeviceClass.BRIDGE:
            own |= {"power": "main"}
        case DeviceClass.DETECTOR | DeviceClass.SLEEPY:
            volts = measure(device, "", metric="battery_volts", time=time)
            own |= {"power": "battery", "battery_volts": volts, "rsrp_dbm": measure(device, "", metric="rsrp_dbm", time=time)}
    yield Utterance(time=time, message_class=MessageClass.HEARTBEAT, members=own)
    if device.device_class is DeviceClass.BRIDGE:
        for point in device.points:
            members = {"interval_seconds": device.pace.promised_seconds, "point": point}
            yield Utterance(time=time, message_class=MessageClass.HEARTBEAT, members=members)


def _telemetry(device: Device, time: float) -> Iterator[Utterance]:
    for point, metrics in device.instruments:
        values = {metric: measure(device, point, metric=metric, time=time) for metric in metrics}
        yield Utterance(time=time, message_class=MessageClass.TELEMETRY, members={"point": point, "values": values})
