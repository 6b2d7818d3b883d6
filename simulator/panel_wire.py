"""Where a panel's bytes go: a TCP connection, or datagrams."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from signals.gb26875.frames import Frame, Receiver

READ_BYTES = 64 * 1024
WAITING_MAXIMUM = 1000
"""Datagrams that wait to be read; beyond, they are lost, as on a network."""
DRIBBLE_SECONDS = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelLine:
    """Where the centre is, and how bytes get there.

    Attributes:
        udp: a datagram a frame, in place of TCP.
        dribble_bytes: so many bytes at a time, a millisecond between; 0: as they come. TCP only.
        backoff_first_seconds: wait before the first attempt to connect again, doubled with each failure up to
            `backoff_most_seconds`; the actual wait is drawn from the upper half.
    """

    host: str
    port: int
    udp: bool = False
    dribble_bytes: int = 0
    connect_seconds: float = 10.0
    backoff_first_seconds: float = 0.2
    backoff_most_seconds: float = 5.0


class LineLostError(Exception):
    """The line is gone; there will be another."""


class Wire(Protocol):
    """An open line."""

    async def read(self) -> list[Frame]:
        """The next frames that come.

        Raises:
            LineLostError, OSError: the other end is gone.
        """
        ...

    async def write(self, frames: Sequence[bytes]) -> None:
        """Send; on TCP all of them in one piece.

        Raises:
            OSError: the other end is gone.
        """
        ...


@contextlib.asynccontextmanager
async def opened(line: PanelLine) -> AsyncIterator[Wire]:
    """A line to the centre; it is dropped without a word on leaving.

    Raises:
        OSError, TimeoutError: nobody is there.
    """
    async with asyncio.timeout(line.connect_seconds):
        wire = await (_open_udp(line) if line.udp else _open_tcp(line))
    try:
        yield wire
    finally:
        wire.transport.abort()


@dataclass(slots=True, kw_only=True)
class _Tcp:
    transport: asyncio.WriteTransport
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    dribble_bytes: int
    receiver: Receiver = field(default_factory=Receiver)

    async def read(self) -> list[Frame]:
        data = await self.reader.read(READ_BYTES)
        if not data:
            raise LineLostError("the centre closed it")
        return [part for part in self.receiver.feed(data) if isinstance(part, Frame)]

    async def write(self, frames: Sequence[bytes]) -> None:
        raw = b"".join(frames)
        size = self.dribble_bytes or len(raw)
        for start in range(0, len(raw), size):
            self.writer.write(raw[start : start + size])
            await self.writer.drain()
            if self.dribble_bytes:
                await asyncio.sleep(DRIBBLE_SECONDS)


@dataclass(slots=True, kw_only=True)
class _Udp:
    transport: asyncio.DatagramTransport
    came: "asyncio.Queue[bytes]"

    async def read(self) -> list[Frame]:
        receiver, data = Receiver(), await self.came.get()
        return [part for part in (*receiver.feed(data), *receiver.tear()) if isinstance(part, Frame)]

    async def write(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            self.transport.sendto(frame)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MAXIMUM)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:  # noqa: ARG002
        with contextlib.suppress(asyncio.QueueFull):
            self.came.put_nowait(data)


async def _open_tcp(line: PanelLine) -> _Tcp:
    reader, writer = await asyncio.open_connection(line.host, line.port)
    return _Tcp(transport=writer.transport, reader=reader, writer=writer, dribble_bytes=line.dribble_bytes)


async def _open_udp(line: PanelLine) -> _Udp:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Datagrams, remote_addr=(line.host, line.port))
    return _Udp(transport=transport, came=protocol.came)
