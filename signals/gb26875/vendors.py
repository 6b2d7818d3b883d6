"""Objects that one vendor's devices send in the place of the standard's, read as far as anybody has published what they mean."""

from collections.abc import Iterator
from typing import Any

from signals.gb26875 import clock, content, text
from signals.gb26875.statements import Found, State, point_of, statements, time_of
from signals.kinds import Kind

_COMPONENT_STATUS = 2
_HEAD_BYTES = 2
TANDA_BYTES = 50
_TANDA_TEXT_BYTES = 32
_TANDA_FEEDBACK = 80
"""The one status code whose meaning is known, from two captured objects; what the others say may be a fire."""


def tanda_tx3016a(data: bytes) -> list[Found] | None:
    """Component states of a Tanda TX3016A: 50 bytes in the place of 46, a status code in the place of bits. None: not of these."""
    count = data[1] if len(data) >= _HEAD_BYTES else 0
    if not count or data[0] != _COMPONENT_STATUS or len(data) != _HEAD_BYTES + count * TANDA_BYTES:
        return None
    return list(_tanda_states(data))


def untimed(data: bytes) -> list[Found] | None:
    """Objects of the standard without the time tag at their end, as some stations send their own state. None: not of these."""
    layout = content.LAYOUTS.get(data[0]) if len(data) > _HEAD_BYTES and data[1] else None
    size = layout.size - clock.BYTES if layout is not None and layout.timed else 0
    if size <= 0 or len(data) != _HEAD_BYTES + data[1] * size:
        return None
    objects = (data[offset : offset + size] for offset in range(_HEAD_BYTES, len(data), size))
    return statements(data[:_HEAD_BYTES] + b"".join(one + clock.NONE for one in objects))


def _tanda_states(data: bytes) -> Iterator[State]:
    for offset in range(_HEAD_BYTES, len(data), TANDA_BYTES):
        members = _tanda_object(data[offset : offset + TANDA_BYTES])
        code = members["status_code"]
        kind = Kind.FEEDBACK if code == _TANDA_FEEDBACK else f"gb26875:tanda_status_{code}"
        host = point_of({"system_type": members["system_type"], "system_address": members["system_address"]})
        yield State(
            point=f"{host}-{members['address']}",
            occurred_at=time_of(members["time"]),
            detail={"type": _COMPONENT_STATUS, **members},
            active=(kind,),
            covers=(kind,),
        )


def _tanda_object(raw: bytes) -> dict[str, Any]:
    """System type, system address, a component code of their own, eight digits, status code, 32 bytes of text, time."""
    return {
        "system_type": raw[0],
        "system_address": raw[1],
        "component_code": raw[2],
        "address": "".join(character if character.isalnum() else "_" for character in raw[3:11].decode("latin-1")),
        "status_code": raw[11],
        "text": text.read(raw[12 : 12 + _TANDA_TEXT_BYTES]),
        "time": clock.show(raw[-clock.BYTES :]),
    }
