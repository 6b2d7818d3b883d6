"""A frame as JSON and back: the form that `wanghuo gb26875 decode` prints and `encode` reads."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from signals.gb26875 import clock, content
from signals.gb26875.fields import whole
from signals.gb26875.frames import EMPTY_BYTES, Fault, Frame, Passed, Receiver, read_one
from signals.gb26875.tables import Command


def of(frame: Frame) -> dict[str, Any]:
    """A frame's members.

    `checksum_ok` and `end_ok` stand there only where they are false, `adu_hex` only where writing `adu` anew gives other bytes,
    for text is padded in many ways.
    """
    found: dict[str, Any] = {
        "serial": frame.serial,
        "version": f"{frame.version[0]}.{frame.version[1]}",
        "frame_time": clock.show(frame.time),
        "source_address_hex": frame.source.hex(),
        "source_address_le": int.from_bytes(frame.source, "little"),
        "dest_address_hex": frame.destination.hex(),
        "dest_address_le": int.from_bytes(frame.destination, "little"),
        "adu_length": len(frame.data),
        "command": frame.command,
        "command_name": command_name(frame.command),
        "adu": content.decode(frame.data),
    }
    if content.encode(found["adu"]) != frame.data:
        found["adu_hex"] = frame.data.hex()
    if not frame.checksum_ok:
        found["checksum_ok"] = False
    if not frame.end_ok:
        found["end_ok"] = False
    return found


def frame(members: Mapping[str, Any]) -> Frame:
    """The inverse of `of`, its checksum right. Addresses may be given as `…_hex` or `…_le`.

    Raises:
        ValueError: a member is missing or does not fit; names it.
    """
    try:
        major, _, user = str(members.get("version", "1.0")).partition(".")
        made = Frame(
            serial=whole(members, "serial"),
            version=(int(major), int(user)),
            time=clock.unshow(members.get("frame_time")),
            source=_address(members, "source_address"),
            destination=_address(members, "dest_address"),
            command=whole(members, "command"),
            data=_data(members),
        )
        made.encode()
    except KeyError as error:
        raise ValueError(f"member {error} is missing") from None
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"a member is not what is due: {error}") from None
    return made


class Part(NamedTuple):
    """Bytes from `offset` to `end` and what they mean; `frame` is None where they are no frame."""

    offset: int
    end: int
    frame: Frame | None
    members: dict[str, Any]


def read(raw: bytes) -> list[dict[str, Any]]:
    """Everything that these bytes hold, in order: frames, and what was passed over as `{"error", "bytes", "head_hex"}`."""
    return [part.members for part in parts(raw)]


def parts(raw: bytes) -> list[Part]:
    """The same with where each part lies. A lone frame without its end marker is one too."""
    receiver = Receiver()
    found = list(told(chain(receiver.feed(raw), receiver.tear()), offset=0))
    lone = read_one(raw)
    if lone is not None and not lone.end_ok and all(part.frame is None for part in found):
        return [Part(0, len(raw), lone, of(lone))]
    return found


def told(found: Iterable[Frame | Passed], *, offset: int) -> Iterator[Part]:
    """What a receiver found, from `offset` of its stream on."""
    for part in found:
        if isinstance(part, Frame):
            end = offset + EMPTY_BYTES + len(part.data)
            yield Part(offset, end, part, of(part))
        else:
            end = offset + part.count
            yield Part(offset, end, None, _passed(part))
        offset = end


def command_name(command: int) -> str:
    """Name of a command byte (table 2)."""
    try:
        return Command(command).name.lower()
    except ValueError:
        return "user_defined" if command >= 128 else "reserved"


def _passed(part: Passed) -> dict[str, Any]:
    sentences = {
        Fault.NO_START: "no start marker",
        Fault.LENGTH: "the length is above 1024: not a frame of this protocol",
        Fault.END: "no end marker where the length puts it",
        Fault.TORN: "the frame is not complete: more bytes are needed",
    }
    return {"error": part.fault.value, "detail": sentences[part.fault], "bytes": part.count, "head_hex": part.head.hex()}


def _data(members: Mapping[str, Any]) -> bytes:
    unit = members.get("adu", {"empty": True})
    raw = bytes.fromhex(members.get("adu_hex", ""))
    return raw if raw and content.decode(raw) == unit else content.encode(unit)


def _address(members: Mapping[str, Any], name: str) -> bytes:
    if f"{name}_hex" in members:
        raw = bytes.fromhex(members[f"{name}_hex"])
        if len(raw) != 6:
            raise ValueError(f"{name}_hex: {len(raw)} bytes where 6 are due")
        return raw
    try:
        return whole(members, f"{name}_le").to_bytes(6, "little")
    except OverflowError:
        raise ValueError(f"{name}_le: {members[f'{name}_le']} does not fit 6 bytes") from None
