"""What a frame carries, its application data unit (8.1): type, count, objects. Layouts are data, walked to read and to write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signals.gb26875 import fields, tables, text
from signals.gb26875.fields import Field, analog, byte, component_address, description, flags, reserved, time_tag, version


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The objects of one type: its fields in order, and how many one frame may hold.

    `size`: bytes of an object, without its prefixed text. `prefixed`: after the fixed fields come a length byte and as many of
    text; such objects must be walked.
    """

    name: str
    maximum: int
    fields: tuple[Field, ...]
    prefixed: bool = False
    size: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", sum(one.size for one in self.fields))

    @property
    def timed(self) -> bool:
        """Whether the objects end with a time tag."""
        return not self.prefixed and self.fields[-1] is _TIME


_SYSTEM = (byte("system_type"), byte("system_address"))
_TIME = time_tag()
_COMPONENT = (*_SYSTEM, byte("component_type"))
_SYSTEM_STATUS = flags("status_word", "status", bits=tables.SYSTEM_STATUS_BITS, size=2)
_COMPONENT_STATUS = flags("status_word", "status", bits=tables.COMPONENT_STATUS_BITS, size=2)
_DEVICE_STATUS = flags("status_byte", "status", bits=tables.DEVICE_STATUS_BITS, size=1)
_FACILITY_OPERATION = flags("operation", "operations", bits=tables.FACILITY_OPERATION_BITS, size=1)
_DEVICE_OPERATION = flags("operation", "operations", bits=tables.DEVICE_OPERATION_BITS, size=1)
_ADDRESS, _PLAIN_ADDRESS = component_address(as_integer=True), component_address(as_integer=False)

BYTE_MAXIMUM = 255

LAYOUTS: Mapping[int, Layout] = {
    1: Layout(name="system_status", maximum=102, fields=(*_SYSTEM, _SYSTEM_STATUS, _TIME)),
    2: Layout(
        name="component_status",
        maximum=22,
        fields=(*_COMPONENT, _ADDRESS, _COMPONENT_STATUS, description(), _TIME),
    ),
    3: Layout(name="component_analog", maximum=63, fields=(*_COMPONENT, _PLAIN_ADDRESS, analog(), _TIME)),
    4: Layout(name="facility_operation", maximum=102, fields=(*_SYSTEM, _FACILITY_OPERATION, byte("operator"), _TIME)),
    5: Layout(name="facility_version", maximum=1, fields=(*_SYSTEM, version())),
    6: Layout(name="system_configuration", maximum=3, fields=_SYSTEM, prefixed=True),
    7: Layout(name="component_configuration", maximum=26, fields=(*_COMPONENT, _ADDRESS, description())),
    8: Layout(name="facility_time", maximum=1, fields=(*_SYSTEM, _TIME)),
    21: Layout(name="device_status", maximum=1, fields=(_DEVICE_STATUS, _TIME)),
    24: Layout(name="device_operation", maximum=127, fields=(_DEVICE_OPERATION, byte("operator"), _TIME)),
    25: Layout(name="device_version", maximum=1, fields=(version(),)),
    26: Layout(name="device_configuration", maximum=1, fields=(), prefixed=True),
    28: Layout(name="device_time", maximum=1, fields=(_TIME,)),
    61: Layout(name="read_system_status", maximum=102, fields=_SYSTEM),
    62: Layout(name="read_component_status", maximum=22, fields=(*_SYSTEM, _ADDRESS)),
    63: Layout(name="read_component_analog", maximum=63, fields=(*_SYSTEM, _ADDRESS)),
    64: Layout(name="read_facility_operation", maximum=1, fields=(*_SYSTEM, byte("record_count"), _TIME)),
    65: Layout(name="read_facility_version", maximum=1, fields=_SYSTEM),
    66: Layout(name="read_system_configuration", maximum=3, fields=_SYSTEM),
    67: Layout(name="read_component_configuration", maximum=26, fields=(*_SYSTEM, _ADDRESS)),
    68: Layout(name="read_facility_time", maximum=1, fields=_SYSTEM),
    81: Layout(name="read_device_status", maximum=1, fields=(reserved(),)),
    84: Layout(name="read_device_operation", maximum=1, fields=(byte("record_count"), _TIME)),
    85: Layout(name="read_device_version", maximum=1, fields=(reserved(),)),
    86: Layout(name="read_device_configuration", maximum=1, fields=(reserved(),)),
    88: Layout(name="read_device_time", maximum=1, fields=(reserved(),)),
    89: Layout(name="initialise", maximum=1, fields=(reserved(),)),
    90: Layout(name="set_clock", maximum=1, fields=(_TIME,)),
    91: Layout(name="duty_check", maximum=1, fields=(byte("answer_timeout_min"),)),
}
"""Types of the standard (table 3); 9–20, 22, 23, 27, 29–60, 69–80, 82, 83, 87 and 92–127 are reserved, 128–254 user-defined."""


def decode(data: bytes) -> dict[str, Any]:
    """The unit as JSON: `empty`, or `type` and `count` with `objects`; `raw` in their place where no layout fits.

    Never raises: what does not fit its layout is kept as raw bytes, with the size an object of that type should have.
    """
    if not data:
        return {"empty": True}
    if len(data) < 2:
        return {"raw": data.hex()}
    head: dict[str, Any] = {"type": data[0], "count": data[1]}
    layout = LAYOUTS.get(data[0])
    if layout is None:
        return {**head, "raw": data[2:].hex()}
    objects = _walk(data, layout=layout)
    if objects is not None:
        return {**head, "objects": objects}
    kept: dict[str, Any] = {**head, "raw": data[2:].hex()}
    return kept if layout.prefixed else {**kept, "object_size_standard": layout.size}


def fits(data: bytes) -> bool:
    """Whether the objects of a unit fit its length and the layout of its type: then `decode` finds `objects`."""
    layout = LAYOUTS.get(data[0]) if len(data) > 1 else None
    if layout is None:
        return False
    if layout.prefixed:
        return _walk(data, layout=layout) is not None
    return data[1] > 0 and len(data) == 2 + data[1] * layout.size


def encode(unit: Mapping[str, Any]) -> bytes:
    """The inverse of `decode`, but for how text was padded.

    Raises:
        ValueError: a member is missing or does not fit, or there are more objects than the type may have and `count` does not say
            so; names it.
    """
    if unit.get("empty"):
        return b""
    if "type" not in unit:
        return bytes.fromhex(unit["raw"])
    kind = int(unit["type"])
    if "raw" in unit:
        return bytes((kind, int(unit["count"]))) + bytes.fromhex(unit["raw"])
    layout = LAYOUTS.get(kind)
    if layout is None:
        raise ValueError(f"type {kind} has no layout: give `raw`")
    objects = unit.get("objects", [])
    said = unit.get("count") == len(objects)  # a device sent so many all the same
    if not 0 < len(objects) <= (BYTE_MAXIMUM if said else layout.maximum):
        raise ValueError(f"type {kind} holds 1…{layout.maximum} objects, not {len(objects)}")
    try:
        return bytes((kind, len(objects))) + b"".join(_write(members, layout=layout) for members in objects)
    except KeyError as error:
        raise ValueError(f"type {kind}: member {error} is missing") from None


def _walk(data: bytes, *, layout: Layout) -> list[dict[str, Any]] | None:
    if not layout.prefixed and len(data) != 2 + data[1] * layout.size:
        return None
    objects, offset = [], 2
    for _ in range(data[1]):
        if offset + layout.size + layout.prefixed > len(data):
            return None
        members, offset = _read(data, offset, layout=layout)
        if offset > len(data):
            return None
        objects.append(members)
    return objects if offset == len(data) and objects else None


def _read(data: bytes, offset: int, *, layout: Layout) -> tuple[dict[str, Any], int]:
    members: dict[str, Any] = {}
    for one in layout.fields:
        members |= one.read(data[offset : offset + one.size])
        offset += one.size
    if layout.prefixed:
        raw = data[offset + 1 : offset + 1 + data[offset]]
        members |= {"text": text.read(raw)}
        offset += 1 + data[offset]
    return members, offset


def _write(members: fields.Members, *, layout: Layout) -> bytes:
    fixed = b"".join(one.write(members) for one in layout.fields)
    if not layout.prefixed:
        return fixed
    raw = text.encode(members.get("text", ""))
    if len(raw) > 255:
        raise ValueError(f"text: {len(raw)} bytes are above the limit of 255")
    return fixed + bytes((len(raw),)) + raw
