"""Scenarios: timetables that follow from the devices, a seed and a duration alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from runtime.errors import ConfigurationError
from signals.kinds import Kind
from simulator.chance import seeded
from simulator.devices import Device, DeviceClass
from simulator.timetable import Action, Step, in_order

FAULT_KINDS = (Kind.FAULT, Kind.LINE_FAULT, Kind.MAIN_POWER_FAULT, Kind.BACKUP_POWER_FAULT, Kind.CONTAMINATION, Kind.LOW_BATTERY)
EVERYDAY_KINDS = (Kind.DISABLEMENT, Kind.SUPERVISORY, Kind.VALVE, Kind.MANUAL_MODE, Kind.TAMPER, Kind.PASSAGE_BLOCKED)
STORM_SECONDS = 2.0
DAY_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who takes part, for how long, and the chance that decides what befalls whom."""

    devices: Sequence[Device]
    duration_seconds: float
    chance: Random

    def some(self, count: int, *classes: DeviceClass) -> list[Device]:
        """Different devices of these classes (any, where there is none), as many as there are."""
        found = [device for device in self.devices if not classes or device.device_class in classes] or list(self.devices)
        return self.chance.sample(found, min(count, len(found)))

    def when(self, earliest: float, latest: float) -> float:
        """An instant between two parts (0…1) of the duration, to the millisecond."""
        return round(self.chance.uniform(earliest, latest) * self.duration_seconds, 3)


Scenario = Callable[[Cast], list[Step]]


def ordinary_day(cast: Cast) -> list[Step]:
    """Valves, disablements, tests: one in three devices has something to say, and takes it back."""
    steps = []
    for device in cast.some(max(1, len(cast.devices) // 3)):
        point, kind = cast.chance.choice(device.points), cast.chance.choice((*EVERYDAY_KINDS, Kind.TEST))
        steps += _passing(device, point, kind=kind, since=cast.when(0, 0.5), until=cast.when(0.5, 0.9))
    return steps


def fire(cast: Cast) -> list[Step]:
    """A fire in one place: a pre-alarm, a detector, its neighbours, then somebody presses the button."""
    (device,) = cast.some(1, DeviceClass.CONTROL_ROOM, DeviceClass.DETECTOR)
    start = cast.when(0.1, 0.5)
    burning = device.points[: min(4, len(device.points))]
    steps = [_begin(device, burning[0], kind=Kind.PRE_ALARM, at=start)]
    steps += [_begin(device, point, kind=Kind.FIRE_ALARM, at=start + 1.5 + index) for index, point in enumerate(burning)]
    return [*steps, _begin(device, device.points[-1], kind=Kind.MANUAL_ALARM, at=start + 3)]


def fault(cast: Cast) -> list[Step]:
    """Faults that come and go, and one that stays."""
    devices = cast.some(3)
    steps = []
    for device in devices:
        kind = cast.chance.choice(FAULT_KINDS)
        steps += _passing(device, device.points[0], kind=kind, since=cast.when(0, 0.4), until=cast.when(0.5, 0.8))
    return [*steps, _begin(devices[-1], devices[-1].points[-1], kind=Kind.END_OF_LIFE, at=cast.when(0, 0.8))]


def duplicate(cast: Cast) -> list[Step]:
    """Signals sent several times over."""
    steps = []
    for device in cast.some(3):
        at = cast.when(0, 0.8)
        kind = cast.chance.choice((Kind.FIRE_ALARM, *FAULT_KINDS))
        steps += [_begin(device, device.points[0], kind=kind, at=at), _do(device, Action.REPEAT, at=at + 0.5, amount=3)]
    return steps


def out_of_order(cast: Cast) -> list[Step]:
    """Signals that arrive the newest first: fires of several points, and a fault that is over before it began."""
    steps = []
    for device in cast.some(2, DeviceClass.CONTROL_ROOM, DeviceClass.BRIDGE):
        at = cast.when(0, 0.7)
        steps += [_do(device, Action.HOLD, at=at)]
        steps += [_begin(device, point, kind=Kind.FIRE_ALARM, at=at + 0.1) for point in device.points[:3]]
        steps += _passing(device, device.points[-1], kind=Kind.LINE_FAULT, since=at + 0.2, until=at + 0.4)
        steps += [_do(device, Action.RELEASE, at=at + 1)]
    return steps


def clock_skew(cast: Cast) -> list[Step]:
    """Clocks an hour ahead, a day behind, and in 1999; each then has a fire."""
    steps = []
    for device, skew in zip(cast.some(3), (3600.0, -float(DAY_SECONDS), -float(27 * 366 * DAY_SECONDS)), strict=False):
        at = cast.when(0, 0.8)
        steps += [_do(device, Action.SKEW, at=at, amount=skew), _begin(device, device.points[0], kind=Kind.FIRE_ALARM, at=at + 0.5)]
    return steps


def wiped(cast: Cast) -> list[Step]:
    """A device loses its memory and counts anew: the fire it then reports has the counter of the fault it reported before."""
    (device,) = cast.some(1, DeviceClass.DETECTOR, DeviceClass.CONTROL_ROOM)
    start = cast.when(0.1, 0.3)
    later = start + max(5.0, 0.3 * cast.duration_seconds)
    return [
        _begin(device, device.points[0], kind=Kind.CONTAMINATION, at=start),
        _do(device, Action.WIPE, at=start + 0.5),
        _begin(device, device.points[0], kind=Kind.FIRE_ALARM, at=later),
    ]


def sleepy(cast: Cast) -> list[Step]:
    """Devices that sleep wake up for what cannot wait."""
    devices = cast.some(3, DeviceClass.SLEEPY)
    kinds = (Kind.HYDRANT_ABNORMAL, Kind.TAMPER, Kind.LOW_BATTERY)
    steps = [
        _begin(device, device.points[0], kind=kind, at=cast.when(0.1, 0.6)) for device, kind in zip(devices, kinds, strict=False)
    ]
    return [*steps, _begin(devices[0], devices[0].points[0], kind=Kind.FIRE_ALARM, at=cast.when(0.6, 0.8))]


def offline(cast: Cast) -> list[Step]:
    """Devices disappear; one has a fire while nobody hears it, and says so when it is back."""
    steps = []
    for index, device in enumerate(cast.some(3, DeviceClass.CONTROL_ROOM, DeviceClass.DETECTOR)):
        gone, back = cast.when(0.1, 0.3), cast.when(0.6, 0.8)
        steps += [_do(device, Action.OFF, at=gone), _do(device, Action.ON, at=back)]
        if index == 0:
            steps.append(_begin(device, device.points[0], kind=Kind.FIRE_ALARM, at=round((gone + back) / 2, 3)))
    return steps


def reconnect_storm(cast: Cast) -> list[Step]:
    """Everybody loses the connection at once, some while they report, some by a power failure."""
    at = cast.when(0.3, 0.6)
    steps = []
    for device in cast.devices:
        if cast.chance.random() < 0.2:
            steps.append(_begin(device, device.points[0], kind=Kind.MAIN_POWER_FAULT, at=at))
        steps.append(_do(device, Action.RESTART if cast.chance.random() < 0.2 else Action.CUT, at=at))
    return steps


def alarm_storm(cast: Cast) -> list[Step]:
    """Every point of one transmitter reports a fire within two seconds, and a line fault besides."""
    device = max(cast.devices, key=lambda found: len(found.points))
    start = cast.when(0.2, 0.6)
    steps = []
    for point in device.points:
        at = round(start + cast.chance.uniform(0, STORM_SECONDS), 3)
        steps += [_begin(device, point, kind=Kind.FIRE_ALARM, at=at), _begin(device, point, kind=Kind.LINE_FAULT, at=at)]
    return steps


SCENARIOS: Mapping[str, Scenario] = {
    scenario.__name__: scenario
    for scenario in (
        ordinary_day,
        fire,
        fault,
        duplicate,
        out_of_order,
        clock_skew,
        wiped,
        sleepy,
        offline,
        reconnect_storm,
        alarm_storm,
    )
}


def timetable(names: Sequence[str], devices: Sequence[Device], *, seed: int, duration_seconds: float) -> list[Step]:
    """Scenarios one over the other. The same arguments give the same steps, whatever else is in `names`.

    Raises:
        ConfigurationError: a scenario is unknown, or there are no devices.
    """
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown or not devices:
        raise ConfigurationError(f"no scenario {', '.join(unknown)}; there are {', '.join(SCENARIOS)}" if unknown else "no devices")
    casts = {name: Cast(devices=devices, duration_seconds=duration_seconds, chance=seeded(seed, name)) for name in names}
    return in_order(*(SCENARIOS[name](cast) for name, cast in casts.items()))


def campaign(devices: Sequence[Device], *, seed: int, duration_seconds: float, signals: int, fires: int) -> list[Step]:
    """So many signals, so many fires of them, spread evenly by chance over devices, points and time.

    Every fire has a point of its own while there are points enough; the other signals are conditions that begin and end.
    """
    cast = Cast(devices=devices, duration_seconds=duration_seconds, chance=seeded(seed, "campaign"))
    places = [(device, point) for device in devices for point in device.points]
    cast.chance.shuffle(places)
    steps = [
        _begin(*places[index % len(places)], kind=cast.chance.choice((Kind.FIRE_ALARM, Kind.MANUAL_ALARM)), at=cast.when(0, 1))
        for index in range(fires)
    ]
    for _ in range((signals - fires + 1) // 2):
        device, point = cast.chance.choice(places)
        since, until = sorted((cast.when(0, 1), cast.when(0, 1)))
        steps += _passing(device, point, kind=cast.chance.choice((*FAULT_KINDS, *EVERYDAY_KINDS)), since=since, until=until)
    return in_order(steps)


def _do(device: Device, action: Action, *, at: float, amount: float = 0.0) -> Step:
    return Step(offset_seconds=round(at, 3), transmitter_id=device.transmitter_id, action=action, amount=amount)


def _begin(device: Device, point: str, *, kind: Kind, at: float, action: Action = Action.BEGIN) -> Step:
    transmitter_id = device.transmitter_id
    return Step(offset_seconds=round(at, 3), transmitter_id=transmitter_id, action=action, kind=kind, point=point)


def _passing(device: Device, point: str, *, kind: Kind, since: float, until: float) -> list[Step]:
    return [_begin(device, point, kind=kind, at=since), _begin(device, point, kind=kind, at=until, action=Action.END)]
