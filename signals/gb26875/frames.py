"""Frames: made, and found in streams that arrive split, stuck together, torn, or full of something else.

Layout (6.6): `@@`, serial u16le, version 2 bytes, time 6, source 6, destination 6, length u16le, command, data, checksum, `##`.
Nothing is escaped: a frame is delimited by its length, the markers only confirm it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from struct import Struct
from typing import NamedTuple

START = b"@@"
END = b"##"
HEAD_BYTES = 27
"""Start marker and control unit: as much as it takes to know a frame's length."""
EMPTY_BYTES = 30
DATA_BYTES_MAXIMUM = 1024
"""GB/T 26875.3-2011 6.6."""
SERIAL_MODULUS = 65536
_CONTROL = Struct("<HBB6s6s6sHB")
"""The control unit: serial, version, time, source, destination, length, command."""


class Frame(NamedTuple):
    """One frame. Addresses and time are as on the wire, low byte (second) first.

    Attributes:
        version: major and user's.
        checksum_ok: False where the byte on the wire differs from the sum.
        end_ok: False where the end marker is missing; only `read_one` returns such a frame.
        stated_checksum: the byte on the wire; None in a frame that we make.
        raw: all its bytes as they came; None in a frame that we make.
    """

    serial: int
    time: bytes
    source: bytes
    destination: bytes
    command: int
    version: tuple[int, int] = (1, 0)
    data: bytes = b""
    checksum_ok: bool = True
    end_ok: bool = True
    stated_checksum: int | None = None
    raw: bytes | None = None

    def encode(self) -> bytes:
        """The frame's bytes, its checksum computed.

        Raises:
            ValueError: a member does not fit its field; names it.
        """
        self._refuse_misfits()
        control = _CONTROL.pack(self.serial, *self.version, self.time, self.source, self.destination, len(self.data), self.command)
        body = control + self.data
        return b"".join((START, body, bytes((checksum(body),)), END))

    def reply(self, command: int, *, time: bytes) -> "Frame":
        """The answer to this frame: its serial and version, addresses exchanged, no data."""
        return Frame(
            serial=self.serial,
            version=self.version,
            time=time,
            source=self.destination,
            destination=self.source,
            command=command,
        )

    def answered(self, command: int, *, time: bytes, swapped: bool) -> bytes:
        """The bytes of `reply`, made at once; with this frame's own addresses where the device does not want them `swapped`."""
        addresses = (self.destination, self.source) if swapped else (self.source, self.destination)
        body = _CONTROL.pack(self.serial, *self.version, time, *addresses, 0, command)
        return b"".join((START, body, bytes((checksum(body),)), END))

    def _refuse_misfits(self) -> None:
        for name, value, limit in (("serial", self.serial, 0xFFFF), ("command", self.command, 0xFF)):
            if not 0 <= value <= limit:
                raise ValueError(f"{name}: {value} is outside 0…{limit}")
        if len(self.version) != 2 or not all(0 <= part <= 0xFF for part in self.version):
            raise ValueError(f"version: {self.version} is not two bytes")
        for name, part in (("time", self.time), ("source", self.source), ("destination", self.destination)):
            if len(part) != 6:
                raise ValueError(f"{name}: {len(part)} bytes where 6 are due")
        if len(self.data) > DATA_BYTES_MAXIMUM:
            raise ValueError(f"data: {len(self.data)} bytes are above the limit of {DATA_BYTES_MAXIMUM} (6.6)")


class Fault(StrEnum):
    """Why bytes were passed over."""

    NO_START = "no_start"  # no start marker where one is due
    LENGTH = "length"  # a length above 1,024: not a frame of this protocol
    END = "end"  # no end marker where the length puts it
    TORN = "torn"  # a frame began and its rest did not come


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Bytes that are no frame, adjacent ones counted together."""

    count: int
    fault: Fault
    head: bytes
    """The first 64 of them."""


HEAD_KEPT_BYTES = 64


def checksum(body: bytes | memoryview) -> int:
    """Sum of control unit and data, low 8 bits (6.6)."""
    return sum(body) & 0xFF


class Receiver:
    """Finds frames in a stream. Memory is bounded by one frame; every byte is looked at a bounded number of times."""

    def __init__(self) -> None:
        self._buffer = b""
        self._passed = bytearray()
        self._passed_count = 0
        self._fault = Fault.NO_START

    @property
    def waiting(self) -> int:
        """Bytes of a frame that is not complete; the caller gives up on it with `tear` when the rest does not come in time."""
        return len(self._buffer)

    @property
    def holds_frame(self) -> bool:
        """Whether a whole frame with a right checksum lies in what waits: then the frame that began before it is a torn one."""
        return bool(self._buffer) and _good_inside(self._buffer, 0, size=len(self._buffer)) is not None

    def feed(self, data: bytes) -> Iterator[Frame | Passed]:
        """Take bytes as they came; yield what they complete, in order. It has to be exhausted."""
        return self._scan(data, final=False)

    def tear(self) -> Iterator[Frame | Passed]:
        """Give up on what is incomplete: a whole frame may lie inside it."""
        return self._scan(b"", final=True)

    def _scan(self, data: bytes, *, final: bool) -> Iterator[Frame | Passed]:
        # What is left from before is less than one frame: joining it costs a bounded amount a call.
        buffer, offset = self._buffer + data, 0
        while offset < len(buffer):
            found = _frame_at(buffer, offset, final=final)
            if found is None:
                break
            good = None
            if isinstance(found, Frame):
                size = EMPTY_BYTES + len(found.data)
                good = None if found.checksum_ok else _good_inside(buffer, offset, size=size)
                if good is None:
                    if self._passed_count:
                        yield self._report()
                    yield found
                    offset += size
                    continue
                found = Fault.END
            step = (_next_start(buffer, offset + 1) if good is None else good) - offset
            self._pass(buffer[offset : offset + step], step=step, fault=found)
            offset += step
        self._buffer = buffer[offset:]
        if self._passed_count and (final or not self._buffer):
            yield self._report()

    def _pass(self, part: bytes, *, step: int, fault: Fault) -> None:
        if not self._passed_count:
            self._fault = fault
        self._passed_count += step
        self._passed += part[: HEAD_KEPT_BYTES - len(self._passed)]

    def _report(self) -> Passed:
        passed = Passed(count=self._passed_count, fault=self._fault, head=bytes(self._passed))
        self._passed_count = 0
        self._passed.clear()
        return passed


def read_one(raw: bytes) -> Frame | None:
    """The frame that is exactly these bytes, its end marker right or not; None where the length does not fit."""
    if len(raw) < EMPTY_BYTES or raw[:2] != START or EMPTY_BYTES + _length(raw, 0) != len(raw):
        return None
    return _frame(raw, 0)._replace(end_ok=raw[-2:] == END)


def _length(buffer: bytes, offset: int) -> int:
    return buffer[offset + 24] | buffer[offset + 25] << 8


def _next_start(buffer: bytes, offset: int) -> int:
    """Where a frame may begin from `offset` on; a lone `@` at the end may be half a marker."""
    found = buffer.find(START, offset)
    if found >= 0:
        return found
    return len(buffer) - 1 if len(buffer) > offset and buffer.endswith(b"@") else len(buffer)


def _frame_at(buffer: bytes, offset: int, *, final: bool) -> Frame | Fault | None:
    """The frame at `offset`, why there is none, or None where more bytes are needed to tell."""
    available = len(buffer) - offset
    if not buffer.startswith(START[:available], offset):
        return Fault.NO_START
    length = _length(buffer, offset) if available >= HEAD_BYTES else 0
    if length > DATA_BYTES_MAXIMUM:
        return Fault.LENGTH
    size = EMPTY_BYTES + length
    if available < size:
        return Fault.TORN if final else None
    if not buffer.startswith(END, offset + size - len(END)):
        return Fault.END
    return _frame(buffer, offset)


def _good_inside(buffer: bytes, offset: int, *, size: int) -> int | None:
    """Where the first frame with a right checksum lies inside this one: then this one's length is what was corrupted.

    Sums are made once for all, so that a thousand false starts inside cost no more than one; what lies beyond this frame is not
    looked at, so that the same is found however the bytes arrived.
    """
    first, stop = buffer.find(START, offset + 1, offset + size), offset + size
    if first < 0:
        return None
    sums = [0, *accumulate(buffer[first:stop])]
    start = first
    while 0 <= start <= stop - EMPTY_BYTES:
        end = start + EMPTY_BYTES + _length(buffer, start)
        if end <= stop and buffer.startswith(END, end - len(END)):
            summed = sums[end - 3 - first] - sums[start + len(START) - first]
            if summed & 0xFF == buffer[end - 3]:
                return start
        start = buffer.find(START, start + 1, stop)
    return None


def _frame(buffer: bytes, offset: int) -> Frame:
    serial, major, user, time, source, destination, length, command = _CONTROL.unpack_from(buffer, offset + len(START))
    end = offset + HEAD_BYTES + length
    return Frame(
        serial,
        time,
        source,
        destination,
        command,
        version=(major, user),
        data=buffer[offset + HEAD_BYTES : end],
        checksum_ok=checksum(buffer[offset + len(START) : end]) == buffer[end],
        stated_checksum=buffer[end],
        raw=buffer[offset : end + 1 + len(END)],
    )
