"""A control room's panel behind a user information transmission device: its parts, and how a frame of GB/T 26875.3 tells of them.

Made up from a seed alone. What a part can say is written down here by the standard's tables, not taken from those who read it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from signals.gb26875.statements import AddressOrder
from signals.kinds import FIRE_KINDS, Kind
from signals.topics import is_identifier
from simulator.chance import seeded
from simulator.names import PLACES

LOOP_PARTS = 200
"""Parts of a loop: what panels of the trade take."""
FIRE_ALARM_SYSTEM = 1
"""System type (table 4)."""
NORMAL = "normal(0=test)"


class Unit(IntEnum):
    """Types of objects (table 3) that the panel uploads by itself."""

    SYSTEM = 1
    PART = 2
    ANALOG = 3
    FACILITY_OPERATION = 4
    DEVICE = 21
    DEVICE_OPERATION = 24


OBJECTS_MAXIMUM: Mapping[Unit, int] = {Unit.SYSTEM: 102, Unit.PART: 22, Unit.DEVICE: 1}
"""Objects of one frame (table 3)."""

OPERATION_KINDS: Mapping[str, Kind] = {
    "reset": Kind.RESET,
    "silence": Kind.SILENCE,
    "manual_alarm": Kind.MANUAL_ALARM,
    "self_test": Kind.TEST,
    "test": Kind.TEST,
}
"""Bits of an operation that are signals (8.2.1.4, 8.2.1.10)."""

_COMPONENTS: Mapping[int, tuple[str, Kind]] = {
    40: ("感烟探测器", Kind.FIRE_ALARM),
    31: ("感温探测器", Kind.FIRE_ALARM),
    23: ("手动报警按钮", Kind.MANUAL_ALARM),
    87: ("输入输出模块", Kind.FIRE_ALARM),
    11: ("可燃气体探测器", Kind.GAS_ALARM),
    17: ("剩余电流探测器", Kind.ELECTRICAL_FIRE_ALARM),
}
"""Component types (table 5): how they are called, and what their fire bit means."""
_WEIGHTS = (60, 15, 10, 8, 4, 3)

_PART_BITS: Mapping[Kind, str] = {
    Kind.FAULT: "fault",
    Kind.DISABLEMENT: "shielded",
    Kind.SUPERVISORY: "supervisory",
    Kind.ACTIVATION: "started",
    Kind.FEEDBACK: "feedback",
    Kind.DELAY: "delay",
    Kind.MAIN_POWER_FAULT: "power_fault",
}
_SYSTEM_BITS: Mapping[Kind, str] = {
    **_PART_BITS,
    Kind.MAIN_POWER_FAULT: "main_power_fault",
    Kind.BACKUP_POWER_FAULT: "standby_power_fault",
    Kind.LINE_FAULT: "bus_fault",
    Kind.MANUAL_MODE: "manual",
    Kind.CONFIG_CHANGE: "config_changed",
}
_DEVICE_BITS: Mapping[Kind, str] = {
    Kind.FAULT: "fault",
    Kind.MAIN_POWER_FAULT: "main_power_fault",
    Kind.BACKUP_POWER_FAULT: "standby_power_fault",
    Kind.LINE_FAULT: "monitored_line_fault",
}
_FAULTS = frozenset(
    {
        Kind.FAULT,
        Kind.LINE_FAULT,
        Kind.MAIN_POWER_FAULT,
        Kind.BACKUP_POWER_FAULT,
        Kind.LOW_BATTERY,
        Kind.CONTAMINATION,
        Kind.END_OF_LIFE,
        Kind.TAMPER,
    }
)
_BITS: Mapping[Unit, Mapping[Kind, str]] = {Unit.SYSTEM: _SYSTEM_BITS, Unit.PART: _PART_BITS, Unit.DEVICE: _DEVICE_BITS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something that has a state: a component, the panel itself (`1`), or the transmission device (``).

    Attributes:
        point: as in the register: `host-loop-address`, `host`, or empty.
        unit: which type of object tells of it.
        members: those of its objects that say which part it is, as `signals.gb26875.content` has them.
        fire: what its fire bit means.
    """

    point: str
    unit: Unit
    members: Mapping[str, Any]
    fire: Kind = Kind.FIRE_ALARM

    def able(self, kind: str) -> Kind:
        """The kind in which this part says a condition: itself, or what it has a bit for that comes nearest."""
        if kind in FIRE_KINDS:
            return self.fire
        bits = _BITS[self.unit]
        if kind in bits:
            return Kind(kind)
        return Kind.SUPERVISORY if Kind.SUPERVISORY in bits and kind not in _FAULTS else Kind.FAULT

    def object(self, active: Collection[Kind], *, time: str | None) -> dict[str, Any]:
        """The object that tells of this state. `time`: as `signals.gb26875.clock.show` has it."""
        words = {self.fire: "fire", **_BITS[self.unit]}
        return {**self.members, "status": [NORMAL, *(words[kind] for kind in active)], "time": time}


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelDevice:
    """A panel with its transmission device.

    Attributes:
        address: of its frames, six bytes as on the wire.
        centre: address by which it knows us.
        parts: by point; the device itself and the panel are among them.
    """

    transmitter_id: str
    address: bytes
    centre: bytes
    version: tuple[int, int]
    parts: Mapping[str, Part]

    @property
    def points(self) -> Sequence[str]:
        """Its components, without device and panel."""
        return [point for point, part in self.parts.items() if part.unit is Unit.PART]


def make_panel(
    transmitter_id: str, *, address: bytes, points: int, seed: int, order: AddressOrder = AddressOrder.ZONE_FIRST
) -> PanelDevice:
    """A panel with so many components behind it, on loops of 200.

    Args:
        transmitter_id: its id in the register.
        address: of its frames, six bytes as on the wire.
        points: how many components.
        seed: the same seed, the same panel.
        order: how it puts loop and address of a component into four bytes.

    Raises:
        ValueError: the address has not six bytes, or the id is none.
    """
    if len(address) != 6 or not is_identifier(transmitter_id):
        raise ValueError(f"{transmitter_id!r} at {address.hex()} cannot be a device: six bytes and an id are due")
    chance = seeded(seed, transmitter_id, "panel")
    host = {"system_type": FIRE_ALARM_SYSTEM, "system_address": 1}
    parts = [Part(point="", unit=Unit.DEVICE, members={}), Part(point="1", unit=Unit.SYSTEM, members=host)]
    for number in range(points):
        loop, place = number // LOOP_PARTS + 1, number % LOOP_PARTS + 1
        (component,) = chance.choices(tuple(_COMPONENTS), weights=_WEIGHTS)
        called, fire = _COMPONENTS[component]
        members = {
            **host,
            "component_type": component,
            "component_address_hex": _raw(number, order=order).hex(),
            "text": f"{chance.choice(PLACES)}{called}",
        }
        name = f"1-{number + 1}" if order is AddressOrder.WHOLE else f"1-{loop}-{place}"
        parts.append(Part(point=name, unit=Unit.PART, members=members, fire=fire))
    return PanelDevice(
        transmitter_id=transmitter_id,
        address=address,
        centre=bytes.fromhex("010000000000"),
        version=(1, chance.randrange(1, 13)),
        parts={part.point: part for part in parts},
    )


def _raw(number: int, *, order: AddressOrder) -> bytes:
    if order is AddressOrder.WHOLE:
        return (number + 1).to_bytes(4, "little")
    halves = [(part + 1).to_bytes(2, "little") for part in divmod(number, LOOP_PARTS)]
    return b"".join(halves if order is AddressOrder.ZONE_FIRST else halves[::-1])
