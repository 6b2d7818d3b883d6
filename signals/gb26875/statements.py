"""What a frame states, in the words of `signals.kinds` and `signals.metrics`: states, operations, measured values, reports.

Status bits stay what they are: each is a condition of its own, and what a word could have told of and did not is told too, so that
what is over can be seen. Bit 0 (normal, or test) decides nothing: devices in the field leave it as it comes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any

from signals.gb26875 import clock, content, tables
from signals.instants import EARLIEST, LATEST
from signals.kinds import Kind


class AddressOrder(StrEnum):
    """How the four bytes of a component's address are read; the standard leaves it open (8.2.1.2)."""

    ZONE_FIRST = "zone_first"  # two u16le: loop, then address
    POINT_FIRST = "point_first"  # two u16le: address, then loop
    WHOLE = "whole"  # one u32le


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One information object, or a part of it. `occurred_at`: its time tag, None where it has none that can be read."""

    point: str
    occurred_at: datetime | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class State(Statement):
    """The state of a point: of the conditions in `covers` exactly those in `active` are there."""

    active: tuple[str, ...]
    covers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Statement):
    """Something was done at the facility or the device."""

    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Statement):
    """An analog value, in the unit of its metric."""

    metric: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Statement):
    """Something worth keeping that asks for nothing. `defects`: what is odd about it."""

    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Something that cannot be read, and that may have been a state: `why`, one sentence."""

    why: str


Found = State | Operation | Measured | Report | Unreadable

DUTY_ANSWER = "duty_answer"
"""Member of a report's detail: the person on duty pressed the key (type 24, bit 5)."""

_STATE_TYPES = frozenset({1, 2, 21})
_FIRE_BY_COMPONENT: Mapping[int, Kind] = {
    **dict.fromkeys((10, 11, 12, 13, 74), Kind.GAS_ALARM),
    **dict.fromkeys((16, 17, 18), Kind.ELECTRICAL_FIRE_ALARM),
    23: Kind.MANUAL_ALARM,
    78: Kind.VIDEO_FIRE,
}
_KINDS: Mapping[str, Kind] = {
    "fire": Kind.FIRE_ALARM,
    "fault": Kind.FAULT,
    "shielded": Kind.DISABLEMENT,
    "supervisory": Kind.SUPERVISORY,
    "started": Kind.ACTIVATION,
    "feedback": Kind.FEEDBACK,
    "delay": Kind.DELAY,
    "main_power_fault": Kind.MAIN_POWER_FAULT,
    "standby_power_fault": Kind.BACKUP_POWER_FAULT,
    "power_fault": Kind.MAIN_POWER_FAULT,
    "bus_fault": Kind.LINE_FAULT,
    "centre_channel_fault": Kind.LINE_FAULT,
    "monitored_line_fault": Kind.LINE_FAULT,
    "manual": Kind.MANUAL_MODE,
    "config_changed": Kind.CONFIG_CHANGE,
    "reset": Kind.RESET,
}
_OPERATIONS: Mapping[str, Kind] = {
    "reset": Kind.RESET,
    "silence": Kind.SILENCE,
    "manual_alarm": Kind.MANUAL_ALARM,
    "self_test": Kind.TEST,
    "test": Kind.TEST,
}
_BITS: Mapping[int, tuple[tuple[str, ...], int]] = {
    1: (tables.SYSTEM_STATUS_BITS, 16),
    2: (tables.COMPONENT_STATUS_BITS, 16),
    21: (tables.DEVICE_STATUS_BITS, 8),
}
_RESIDUAL_CURRENT, _CABLE_TEMPERATURE = 17, 18
_METRICS: Mapping[int, tuple[str, float]] = {
    2: ("water_level_m", 1.0),
    3: ("temperature_celsius", 1.0),
    4: ("water_pressure_mpa", 1.0),
    5: ("water_pressure_mpa", 0.001),
    6: ("gas_lel_ratio", 0.01),
    8: ("voltage_volts", 1.0),
    9: ("current_amperes", 1.0),
    10: ("flow_l_per_s", 1.0),
}
"""Analog type → metric, and by what the standard's unit is multiplied. The others have no metric and are reports."""
_OF_COMPONENT: Mapping[tuple[int, int], tuple[str, float]] = {
    (3, _CABLE_TEMPERATURE): ("cable_temperature_celsius", 1.0),
    (9, _RESIDUAL_CURRENT): ("residual_current_ma", 1000.0),
}
_FIRE_SYSTEMS = frozenset({0, 1})
"""Generic, and fire alarm system: of these the number of the host alone names it."""


def statements(data: bytes, *, order: AddressOrder = AddressOrder.ZONE_FIRST) -> list[Found]:
    """What the data of an upload (command 2) or answer (command 5) states, in its order. Nothing raises.

    A unit without objects that can be read is one `Unreadable` where it may have been a state, else one `Report`.
    """
    unit = content.decode(data)
    if "objects" not in unit:
        return [_without_objects(unit)]
    make = _MAKERS.get(unit["type"], _report)
    return [found for members in unit["objects"] for found in make({"type": unit["type"], **members}, order)]


def point_of(members: Mapping[str, Any], *, order: AddressOrder = AddressOrder.ZONE_FIRST) -> str:
    """`host-loop-address` of a component, `host` of a system, "" of the transmission device itself.

    The host is the system address, behind the system type where that is not the fire alarm system: `11.2-1-7`.
    """
    if "system_address" not in members:
        return ""
    return _point_of(members["system_type"], members["system_address"], address=members.get("component_address_hex"), order=order)


@lru_cache(65_536)
def _point_of(kind: int, number: int, *, address: str | None, order: AddressOrder) -> str:
    host = str(number) if kind in _FIRE_SYSTEMS else f"{kind}.{number}"
    if address is None:
        return host
    raw = bytes.fromhex(address)
    first, second = int.from_bytes(raw[:2], "little"), int.from_bytes(raw[2:], "little")
    match order:
        case AddressOrder.ZONE_FIRST:
            return f"{host}-{first}-{second}"
        case AddressOrder.POINT_FIRST:
            return f"{host}-{second}-{first}"
        case AddressOrder.WHOLE:
            return f"{host}-{int.from_bytes(raw, 'little')}"


def raw_kind(bit: str, *, component_type: int = 0) -> str | None:
    """The condition that a status bit tells of; None for bit 0. A bit without a meaning is a word that nobody knows."""
    if bit == tables.SYSTEM_STATUS_BITS[0]:
        return None
    if bit == "fire":
        return _FIRE_BY_COMPONENT.get(component_type, Kind.FIRE_ALARM)
    return _KINDS.get(bit) or f"gb26875:{bit}"


@lru_cache(4096)
def time_of(text: str | None) -> datetime | None:
    """The instant of a time tag as `clock.show` has it; None where it is absent, no date, or outside 2024–2040."""
    if text is None or text.startswith("invalid:"):
        return None
    instant = datetime.fromisoformat(text).replace(tzinfo=clock.ZONE)
    return instant.astimezone(UTC) if EARLIEST <= instant < LATEST else None


def _without_objects(unit: Mapping[str, Any]) -> Found:
    kind, count = unit.get("type"), unit.get("count")
    if kind in _STATE_TYPES:
        return Unreadable(why=f"type {kind} with {count} objects does not fit its length: it may have been a fire")
    if kind in content.LAYOUTS:
        return Report(point="", occurred_at=None, detail=unit, defects=("object_size",))
    return Report(point="", occurred_at=None, detail=unit, defects=("unknown_type",) if kind is not None else ())


def _state(members: Mapping[str, Any], order: AddressOrder) -> Iterable[Found]:
    kind, component_type = members["type"], members.get("component_type", 0)
    word = members.get("status_word", members.get("status_byte"))
    yield State(
        point=point_of(members, order=order),
        occurred_at=time_of(members["time"]),
        detail={**_place(members), "status": word, "bits": members["status"]},
        active=_active(kind, component_type, bits=tuple(members["status"])),
        covers=_conditions(kind, component_type)[1],
    )


@lru_cache(4096)
def _active(kind: int, component_type: int, *, bits: tuple[str, ...]) -> tuple[str, ...]:
    """What the set status bits tell of."""
    kinds, _ = _conditions(kind, component_type)
    return _without_doubles(kinds[bit] for bit in bits)


@cache
def _conditions(kind: int, component_type: int) -> tuple[Mapping[str, str | None], tuple[str, ...]]:
    """What each status bit of a type tells of, and all of that."""
    names, size = _BITS[kind]
    bits = [names[bit] if bit < len(names) else f"reserved_bit{bit}" for bit in range(size)]
    kinds = {bit: raw_kind(bit, component_type=component_type) for bit in bits}
    return kinds, tuple(map(str, _without_doubles(kinds.values())))


def _operation(members: Mapping[str, Any], order: AddressOrder) -> Iterable[Found]:
    point, at = point_of(members, order=order), time_of(members["time"])
    done = members["operations"]
    answered = {DUTY_ANSWER: True} if "duty_check_answer" in done else {}
    detail = {**members, **answered}
    yield Report(point=point, occurred_at=at, detail=detail)
    for name in _without_doubles(_OPERATIONS.get(bit) for bit in done):
        yield Operation(point=point, occurred_at=at, detail=detail, kind=Kind(name))


def _analog(members: Mapping[str, Any], order: AddressOrder) -> Iterable[Found]:
    point, at = point_of(members, order=order), time_of(members["time"])
    analog, component = members["analog_type"], members["component_type"]
    quantity = tables.ANALOG_TYPES.get(analog)
    metric = _OF_COMPONENT.get((analog, component)) or _METRICS.get(analog)
    in_range = quantity is not None and quantity.lowest <= members["raw_value"] <= quantity.highest
    if metric is None or not in_range:
        defects = () if quantity is None or in_range else ("out_of_range",)
        yield Report(point=point, occurred_at=at, detail=members, defects=defects)
        return
    name, factor = metric
    yield Measured(point=point, occurred_at=at, detail=members, metric=name, value=members["value"] * factor)


def _report(members: Mapping[str, Any], order: AddressOrder) -> Iterable[Found]:
    yield Report(point=point_of(members, order=order), occurred_at=time_of(members.get("time")), detail=members)


_MAKERS: Mapping[int, Callable[[Mapping[str, Any], AddressOrder], Iterable[Found]]] = {
    1: _state,
    2: _state,
    3: _analog,
    4: _operation,
    21: _state,
    24: _operation,
}


_PLACE = ("type", "system_type", "system_address", "component_type", "component_address_hex", "text")


def _place(members: Mapping[str, Any]) -> dict[str, Any]:
    """What says which part it is, and in the facility's own words where."""
    return {name: members[name] for name in _PLACE if name in members and members[name] != ""}


def _without_doubles(names: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))
