"""How one member of an information object lies in its bytes, and how it stands in JSON: read and write are each other's inverse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from signals.gb26875 import clock, tables, text

Members = Mapping[str, Any]
_KEPT = 4_096
"""Readings of a field that are remembered: a device says the same again and again. Nobody changes what was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`size` bytes that give, and are made from, some members of the JSON object."""

    size: int
    read: Callable[[bytes], dict[str, Any]]
    write: Callable[[Members], bytes]


def byte(name: str) -> Field:
    """An unsigned byte."""
    return Field(
        size=1,
        read=lambda raw: {name: raw[0]},
        write=lambda members: _integer(members, name, size=1),
    )


def word(name: str) -> Field:
    """A signed 16-bit integer, low byte first."""
    return Field(
        size=2,
        read=lambda raw: {name: int.from_bytes(raw, "little", signed=True)},
        write=lambda members: _integer(members, name, size=2, signed=True),
    )


def time_tag() -> Field:
    """A time tag, as `clock.show` has it."""
    return Field(
        size=clock.BYTES,
        read=lambda raw: {"time": clock.show(raw)},
        write=lambda members: clock.unshow(members.get("time")),
    )


def component_address(*, as_integer: bool) -> Field:
    """Four bytes without a meaning of their own (8.2.1.2): hexadecimal, and as one integer, low byte first."""

    @lru_cache(_KEPT)
    def read(raw: bytes) -> dict[str, Any]:
        found: dict[str, Any] = {"component_address_hex": raw.hex()}
        return {**found, "component_address_le": int.from_bytes(raw, "little")} if as_integer else found

    return Field(size=4, read=read, write=lambda members: _hexadecimal(members, "component_address_hex", size=4))


def flags(name: str, listed: str, *, bits: tuple[str, ...], size: int) -> Field:
    """A word of flags: as a hexadecimal number, and as a list of its set bits' names, lowest first; `reserved_bitN` has none."""
    names = (*bits, *(f"reserved_bit{bit}" for bit in range(len(bits), 8 * size)))

    @lru_cache(_KEPT)
    def read(raw: bytes) -> dict[str, Any]:
        value = int.from_bytes(raw, "little")
        return {name: f"0x{value:0{2 * size}X}", listed: [flag for bit, flag in enumerate(names) if value >> bit & 1]}

    def write(members: Members) -> bytes:
        stated = members.get(name)
        if stated is None:
            stated = sum(1 << _bit(flag, names) for flag in set(members.get(listed, ())))
        return _integer({name: int(stated, 16) if isinstance(stated, str) else stated}, name, size=size)

    return Field(size=size, read=read, write=write)


def description() -> Field:
    """31 bytes of text; how it was padded is not kept."""
    return Field(
        size=text.DESCRIPTION_BYTES,
        read=lru_cache(_KEPT)(lambda raw: {"text": text.read(raw)}),
        write=lambda members: text.write(members.get("text", "")),
    )


def analog() -> Field:
    """Analog type and value: raw, and with its unit where the type is one of the standard's."""

    @lru_cache(_KEPT)
    def read(raw: bytes) -> dict[str, Any]:
        value = int.from_bytes(raw[1:], "little", signed=True)
        found: dict[str, Any] = {"analog_type": raw[0], "raw_value": value}
        quantity = tables.ANALOG_TYPES.get(raw[0])
        if quantity is None:
            return found
        return {**found, "quantity": quantity.name, "value": value / quantity.divisor, "unit": quantity.unit}

    def write(members: Members) -> bytes:
        kind = _integer(members, "analog_type", size=1)
        if "raw_value" in members:
            return kind + _integer(members, "raw_value", size=2, signed=True)
        quantity = tables.ANALOG_TYPES.get(kind[0])
        if quantity is None:
            raise ValueError(f"raw_value: analog type {kind[0]} has no unit of the standard to write `value` in")
        raw = round(float(members["value"]) * quantity.divisor)
        return kind + _integer({"value": raw}, "value", size=2, signed=True)

    return Field(size=3, read=read, write=write)


def version() -> Field:
    """Major and minor number."""

    def write(members: Members) -> bytes:
        major, _, minor = str(members["version"]).partition(".")
        return bytes((int(major), int(minor)))

    return Field(size=2, read=lambda raw: {"version": f"{raw[0]}.{raw[1]}"}, write=write)


def reserved() -> Field:
    """One byte, 0."""
    return Field(
        size=1,
        read=lambda raw: {"raw": raw.hex()},
        write=lambda members: _hexadecimal({"raw": members.get("raw", "00")}, "raw", size=1),
    )


def _bit(flag: str, names: tuple[str, ...]) -> int:
    if flag not in names:
        raise ValueError(f"{flag!r} is none of {', '.join(names)}")
    return names.index(flag)


def whole(members: Members, name: str) -> int:
    """An integer member.

    Raises:
        KeyError: it is missing.
        ValueError: it is none.
    """
    value = members[name]
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{name}: {value!r} is not an integer")  # noqa: TRY004
    return value


def _integer(members: Members, name: str, *, size: int, signed: bool = False) -> bytes:
    value = whole(members, name)
    try:
        return value.to_bytes(size, "little", signed=signed)
    except OverflowError:
        raise ValueError(f"{name}: {value} does not fit {size} byte(s)") from None


def _hexadecimal(members: Members, name: str, *, size: int) -> bytes:
    raw = bytes.fromhex(str(members[name]))
    if len(raw) != size:
        raise ValueError(f"{name}: {len(raw)} bytes where {size} are due")
    return raw
