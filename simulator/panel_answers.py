"""How a panel answers the queries of GB/T 26875.3 (types 61–68 and 81–88) from what it remembers."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from signals.kinds import Kind
from simulator.chance import seeded
from simulator.panel_device import OPERATION_KINDS, PanelDevice, Part, Unit

RECORDS_KEPT = 102
VERSION = "1.7"
TEMPERATURE = 3
"""Analog type (table 6): steps of 0.1 °C."""


@dataclass(slots=True, kw_only=True)
class Memory:
    """What is on, by point, and what was done, newest last."""

    active: dict[str, dict[Kind, None]] = field(default_factory=dict)
    operations: dict[Unit, deque[dict[str, Any]]] = field(
        default_factory=lambda: {
            Unit.FACILITY_OPERATION: deque(maxlen=RECORDS_KEPT),
            Unit.DEVICE_OPERATION: deque(maxlen=RECORDS_KEPT),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is answered, and what it states to those who read it."""

    adu: Mapping[str, Any]
    says: Sequence[Mapping[str, Any]] = ()
    rows: int = 1


def answer(asked: Mapping[str, Any], *, device: PanelDevice, memory: Memory, tag: str | None) -> Answer | None:
    """The answer to a query, None where there is none: it is denied. `tag`: the device's time."""
    found: Answer | None = None
    match asked:
        case {"type": 61 | 62 as kind, "objects": list(objects)}:
            found = _states(Unit.SYSTEM if kind == 61 else Unit.PART, _parts(device, objects), memory=memory, tag=tag)
        case {"type": 81}:
            found = _states(Unit.DEVICE, [device.parts[""]], memory=memory, tag=tag)
        case {"type": 63, "objects": list(objects)}:
            found = _analog(device, _parts(device, objects), tag=tag)
        case {"type": 64 | 84 as kind, "objects": [wanted]}:
            unit = Unit.FACILITY_OPERATION if kind == 64 else Unit.DEVICE_OPERATION
            found = _operations(unit, list(memory.operations[unit])[-wanted["record_count"] :])
        case {"type": 65 | 66 | 67 | 68 as kind, "objects": list(objects)}:
            found = _facility(kind, _parts(device, objects), tag=tag)
        case {"type": 85 | 86 | 88 as kind}:
            own: Mapping[int, Mapping[str, Any]] = {
                85: {"version": VERSION},
                86: {"text": f"{len(device.points)}点"},
                88: {"time": tag},
            }
            found = Answer(adu=_unit(kind - 60, [own[kind]]))
        case _:
            pass
    return found


def _unit(kind: int, objects: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"type": kind, "objects": objects}


def _parts(device: PanelDevice, objects: Sequence[Mapping[str, Any]]) -> list[Part]:
    """The parts that objects name; one that there is not is left out."""
    asked = ("system_type", "system_address", "component_address_hex")
    named = {tuple(part.members.get(name) for name in asked): part for part in device.parts.values()}
    found = (named.get(tuple(members.get(name) for name in asked)) for members in objects)
    return [part for part in found if part is not None]


def _states(unit: Unit, parts: Sequence[Part], *, memory: Memory, tag: str | None) -> Answer | None:
    if not parts or any(part.unit is not unit for part in parts):
        return None
    objects = [part.object(memory.active.get(part.point, ()), time=tag) for part in parts]
    says = [{"point": part.point, "active": list(memory.active.get(part.point, ()))} for part in parts]
    return Answer(adu=_unit(unit, objects), says=says, rows=len(parts))


def _analog(device: PanelDevice, parts: Sequence[Part], *, tag: str | None) -> Answer | None:
    """The temperature at each part: a measured value, and no fact."""
    if not parts or any(part.unit is not Unit.PART for part in parts):
        return None
    objects = []
    for part in parts:
        raw = seeded(device.transmitter_id, part.point, "temperature").randrange(180, 260)
        named = {name: value for name, value in part.members.items() if name != "text"}
        objects.append({**named, "analog_type": TEMPERATURE, "raw_value": raw, "time": tag})
    return Answer(adu=_unit(Unit.ANALOG, objects), rows=0)


def _operations(unit: Unit, records: Sequence[Mapping[str, Any]]) -> Answer | None:
    """Records of what was done: facts that were told before, in other frames."""
    told = sum(1 + sum(name in OPERATION_KINDS for name in record["operations"]) for record in records)
    return Answer(adu=_unit(unit, records), rows=told) if records else None


def _facility(kind: int, parts: Sequence[Part], *, tag: str | None) -> Answer | None:
    if not parts:
        return None
    told: Mapping[int, Mapping[str, Any]] = {65: {"version": VERSION}, 66: {"text": "火灾报警控制器"}, 67: {}, 68: {"time": tag}}
    objects = [{**part.members, **told[kind]} for part in parts]
    return Answer(adu=_unit(kind - 60, objects), rows=len(objects))
