"""A township made up from a seed: villages, key units, transmitters and points, in the shape of the register's tables."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from secrets import token_urlsafe

from simulator.chance import seeded
from simulator.devices import Device, DeviceClass, Pace, make_device
from simulator.names import CATEGORIES, FIRST_NAMES, PATHS, PLACES, STREETS, VILLAGES

LISTED_FROM = date(2023, 3, 1)
CONTRACT_DAYS, INSTALL_DAYS, ACCEPT_DAYS = 30, 21, 14


class Standing(StrEnum):
    """How far a unit's connection has come; decides what the ratio makes of it."""

    CONNECTED = "connected"
    SILENT = "silent"  # accepted, and never heard
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    NO_TRANSMITTER = "no_transmitter"


SHARES: Mapping[Standing, float] = {
    Standing.CONNECTED: 0.56,
    Standing.SILENT: 0.08,
    Standing.NOT_ACCEPTED: 0.12,
    Standing.WITHDRAWN: 0.06,
    Standing.NO_TRANSMITTER: 0.18,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Village:
    """A row of the register, as those below."""

    village_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUnit:
    """`standing` is the simulator's own knowledge and no column."""

    key_unit_id: str
    village_id: str
    name: str
    category: str
    address: str
    telephone: str
    has_control_room: bool
    listed_on: date
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """A transmitter of the register. `device_class` is the column `class`."""

    transmitter_id: str
    key_unit_id: str | None
    village_id: str
    device_class: DeviceClass
    name: str
    place: str
    path: str
    contracted_on: date | None = None
    installed_on: date | None = None
    accepted_on: date | None = None
    withdrawn_on: date | None = None
    speaks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A part behind a transmitter."""

    transmitter_id: str
    point: str
    name: str
    place: str
    zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TownshipSettings:
    """How large, and how lively.

    Attributes:
        today: nothing in the register happened later.
        workshops: family workshops outside any key unit, each with a sleepy detector.
        points: behind a control room.
        paces: by class; classes left out have their everyday pace.
    """

    seed: int
    today: date
    villages: int = 5
    key_units: int = 40
    workshops: int = 10
    points: int = 20
    paces: Mapping[DeviceClass, Pace] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Township:
    """The register, and the devices that will speak."""

    villages: list[Village] = field(default_factory=list)
    key_units: list[KeyUnit] = field(default_factory=list)
    terminals: list[Terminal] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    devices: list[Device] = field(default_factory=list)

    def credentials(self) -> dict[str, str]:
        """A new password for every transmitter that is there; in real life enrolment makes them."""
        return {terminal.transmitter_id: token_urlsafe(16) for terminal in self.terminals if terminal.withdrawn_on is None}

    def write_csv(self, folder: Path) -> Mapping[str, Path]:
        """Write the tables as the register's import takes them, into `village.csv`, `key_unit.csv`, `transmitter.csv`, `point.csv`.

        Returns:
            Their paths by table.
        """
        folder.mkdir(parents=True, exist_ok=True)
        tables = {
            "village": [asdict(village) for village in self.villages],
            "key_unit": [_without(asdict(unit), "standing") for unit in self.key_units],
            "transmitter": [_without(_renamed(asdict(terminal)), "speaks") for terminal in self.terminals],
            "point": [asdict(point) for point in self.points],
        }
        return {table: _write(folder / f"{table}.csv", rows) for table, rows in tables.items()}


def make_township(settings: TownshipSettings) -> Township:
    """The township of a seed; the same settings make the same one."""
    chance = seeded(settings.seed, "township")
    township = Township()
    names = list(VILLAGES.items())[: settings.villages]
    township.villages = [Village(village_id=village_id, name=name) for village_id, name in names]
    for number, standing in enumerate(_standings(settings.key_units, chance=chance), start=1):
        unit = _make_unit(number, standing, township=township, settings=settings, chance=chance)
        township.key_units.append(unit)
        if standing is not Standing.NO_TRANSMITTER:
            _equip(unit, township=township, settings=settings, chance=chance)
    for number in range(1, settings.workshops + 1):
        _equip_workshop(number, township=township, settings=settings, chance=chance)
    return township


def write_credentials(path: Path, credentials: Mapping[str, str]) -> None:
    """Write passwords by transmitter id as JSON, readable by us alone."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(credentials, indent=1) + "\n", encoding="ascii")


def _standings(count: int, *, chance: Random) -> list[Standing]:
    """So many standings in the shares of `SHARES`, in an order of chance; at least one of each where there is room."""
    found = [standing for standing, share in SHARES.items() for _ in range(max(1, round(share * count)))]
    found = (found + [Standing.CONNECTED] * count)[:count] if len(found) <= count else found[len(found) - count :]
    chance.shuffle(found)
    return found


def _make_unit(number: int, standing: Standing, *, township: Township, settings: TownshipSettings, chance: Random) -> KeyUnit:
    village = township.villages[(number - 1) % len(township.villages)]
    kind = chance.choice(list(CATEGORIES))
    # Listed long enough ago that everything which follows has happened by today.
    listed_on = min(LISTED_FROM + timedelta(days=chance.randrange(600)), settings.today - timedelta(days=200))
    return KeyUnit(
        key_unit_id=f"U{number:03}",
        village_id=village.village_id,
        name=f"{FIRST_NAMES[(number - 1) % len(FIRST_NAMES)]}{kind}",
        category=CATEGORIES[kind],
        address=f"{village.name}{chance.choice(STREETS)}{chance.randrange(1, 200)}号",
        telephone=f"0595-000{chance.randrange(10_000, 99_999)}",
        has_control_room=chance.random() < 0.5,
        listed_on=listed_on,
        standing=standing,
    )


def _equip(unit: KeyUnit, *, township: Township, settings: TownshipSettings, chance: Random) -> None:
    """Give a unit its transmitters: a control room's, a bridge to a maker's cloud, or detectors of their own."""
    if unit.has_control_room:
        classes = [DeviceClass.CONTROL_ROOM] + [DeviceClass.DETECTOR] * chance.randrange(2)
    elif chance.random() < 0.2:
        classes = [DeviceClass.BRIDGE]
    else:
        classes = [DeviceClass.DETECTOR] * chance.randrange(1, 4)
    for index, device_class in enumerate(classes, start=1):
        terminal = Terminal(
            transmitter_id=f"{unit.key_unit_id}-{index}",
            key_unit_id=unit.key_unit_id,
            village_id=unit.village_id,
            device_class=device_class,
            name=f"{unit.name}{'用户信息传输装置' if device_class is DeviceClass.CONTROL_ROOM else '联网探测器'}",
            place=chance.choice(PLACES),
            path=chance.choice(PATHS),
            **_dates(unit, chance=chance),
            speaks=unit.standing is Standing.CONNECTED,
        )
        count = {DeviceClass.CONTROL_ROOM: settings.points, DeviceClass.BRIDGE: max(2, settings.points // 4)}.get(device_class, 1)
        _install(terminal, count, township=township, settings=settings, chance=chance)


def _equip_workshop(number: int, *, township: Township, settings: TownshipSettings, chance: Random) -> None:
    village = chance.choice(township.villages)
    accepted_on = settings.today - timedelta(days=chance.randrange(1, 150))
    terminal = Terminal(
        transmitter_id=f"W{number:03}",
        key_unit_id=None,
        village_id=village.village_id,
        device_class=DeviceClass.SLEEPY,
        name=f"{village.name}家庭作坊{number}号",
        place=chance.choice(PLACES),
        path=PATHS[0],
        accepted_on=accepted_on,
    )
    _install(terminal, 1, township=township, settings=settings, chance=chance)


def _dates(unit: KeyUnit, *, chance: Random) -> dict[str, date]:
    contracted_on = unit.listed_on + timedelta(days=chance.randrange(1, CONTRACT_DAYS))
    installed_on = contracted_on + timedelta(days=chance.randrange(1, INSTALL_DAYS))
    accepted_on = installed_on + timedelta(days=chance.randrange(1, ACCEPT_DAYS))
    dates = {"contracted_on": contracted_on, "installed_on": installed_on, "accepted_on": accepted_on}
    match unit.standing:
        case Standing.NOT_ACCEPTED:
            del dates["accepted_on"]
        case Standing.WITHDRAWN:
            dates["withdrawn_on"] = accepted_on + timedelta(days=chance.randrange(1, 60))
        case _:
            pass
    return dates


def _install(terminal: Terminal, points: int, *, township: Township, settings: TownshipSettings, chance: Random) -> None:
    device = make_device(
        terminal.transmitter_id,
        terminal.device_class,
        seed=settings.seed,
        points=points,
        pace=settings.paces.get(terminal.device_class),
    )
    township.terminals.append(terminal)
    if terminal.speaks:
        township.devices.append(device)
    instruments = [point for point, _ in device.instruments if point not in device.points]
    for name, what in [*((point, "感烟探测器") for point in device.points), *((point, "测量仪表") for point in instruments)]:
        place = chance.choice(PLACES)
        zone = f"防火分区{chance.randrange(1, 5)}"
        township.points.append(Point(transmitter_id=terminal.transmitter_id, point=name, name=what, place=place, zone=zone))


def _renamed(row: dict[str, object]) -> dict[str, object]:
    return {"class" if name == "device_class" else name: value for name, value in row.items()}


def _without(row: Mapping[str, object], name: str) -> dict[str, object]:
    return {column: value for column, value in row.items() if column != name}


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return path
