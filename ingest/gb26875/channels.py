"""The ways on which frames come and go: a TCP connection, or the address that a datagram came from. Only bytes and frames here."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol, cast

from ingest.gb26875 import metrics
from signals.gb26875.frames import Frame, Passed, Receiver

TORN_SECONDS = 10.0
"""So long the rest of a frame is waited for (the standard's own time-out, 6.5); then a frame that lies inside it is looked for."""
PAUSE_SECONDS = 1.0
"""So long where a whole frame stands behind the beginning of another: it may be a fire."""
UNCONFIRMED_MAXIMUM = 64
"""Frames of one connection that wait to be stored; beyond, we stop reading it."""
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
"""Seconds, and probes: a peer that is gone without a word (power cut, mobile line) is noticed within two minutes, busy or not."""
OUT_BYTES_MAXIMUM = 256 * 1024
"""Bytes that a device does not take: it does not listen, and its connection is ended."""


class Channel(Protocol):
    """Where a frame came from, and where the answer goes."""

    host: str

    @property
    def peer(self) -> str:
        """`host:port` and the transport, for logs."""
        ...

    def send(self, data: bytes) -> bool:
        """Send; False where it is closed."""
        ...

    def waits(self) -> None:
        """One more frame of it waits to be stored."""
        ...

    def settled(self) -> None:
        """One frame less."""
        ...

    def close(self, why: str) -> None:
        """End it. Harmless when it has ended."""
        ...


Take = Callable[[Frame, Channel], None]


class TcpChannel(asyncio.Protocol):
    """One TCP connection. `take` is called with every frame, in order."""

    def __init__(self, take: Take, *, opened: Callable[["TcpChannel"], bool], ended: Callable[["TcpChannel"], None]) -> None:
        self.host = ""
        self.last_heard = time.monotonic()
        self.ended_because = "the device closed it"
        self._take = take
        self._opened = opened
        self._ended = ended
        self._receiver = Receiver()
        self._transport: asyncio.Transport | None = None
        self._waiting = 0
        self._paused = False
        self._port = 0

    @property
    def peer(self) -> str:
        return f"tcp {self.host}:{self._port}"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = opened = cast("asyncio.Transport", transport)
        peer = opened.get_extra_info("peername")  # None: it is gone already
        self.host, self._port = peer[:2] if peer else ("", 0)
        if not peer or not self._opened(self):
            opened.abort()
            return
        opened.set_write_buffer_limits(high=OUT_BYTES_MAXIMUM)
        _keep_alive(opened.get_extra_info("socket"))

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self.ended_because = str(exc)
        self._transport = None
        _count_passed(self._receiver.tear())
        self._ended(self)

    def data_received(self, data: bytes) -> None:
        self.last_heard = time.monotonic()
        self._deliver(self._receiver.feed(data))

    def tear(self, *, at: float) -> None:
        """Give up on a frame whose rest does not come (`at` on the monotonic clock)."""
        silent = at - self.last_heard
        if self._receiver.waiting and (silent > TORN_SECONDS or (silent > PAUSE_SECONDS and self._receiver.holds_frame)):
            self._deliver(self._receiver.tear())

    def send(self, data: bytes) -> bool:
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        transport.write(data)
        return not transport.is_closing()

    def pause_writing(self) -> None:
        self.close(f"it does not take what it is sent: {OUT_BYTES_MAXIMUM // 1024} KiB wait")

    def waits(self) -> None:
        self._waiting += 1
        if self._waiting >= UNCONFIRMED_MAXIMUM and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def settled(self) -> None:
        self._waiting -= 1
        if self._paused and self._waiting <= UNCONFIRMED_MAXIMUM // 2 and self._transport is not None:
            self._paused = False
            self.last_heard = time.monotonic()
            self._transport.resume_reading()

    @property
    def is_idle_since(self) -> float:
        """Since when nothing came, on the monotonic clock; now, while we do not read."""
        return time.monotonic() if self._paused else self.last_heard

    def close(self, why: str) -> None:
        if self._transport is not None:
            self.ended_because = why
            self._transport.abort()

    def _deliver(self, found: Iterable[Frame | Passed]) -> None:
        for part in found:
            if isinstance(part, Frame):
                metrics.FRAMES.counts["tcp"] += 1
                self._take(part, self)
            else:
                _count_passed([part])


class UdpChannel:
    """The address of a device that sends datagrams. Two with the same address are equal."""

    def __init__(self, transport: asyncio.DatagramTransport, address: tuple[Any, ...]) -> None:
        self.host = str(address[0])
        self._address = address
        self._transport = transport

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UdpChannel) and other._address == self._address

    def __hash__(self) -> int:
        return hash(self._address)

    @property
    def peer(self) -> str:
        return f"udp {self.host}:{self._address[1]}"

    def send(self, data: bytes) -> bool:
        self._transport.sendto(data, self._address)
        return True

    def waits(self) -> None:
        pass

    def settled(self) -> None:
        pass

    def close(self, why: str) -> None:
        pass


class UdpServer(asyncio.DatagramProtocol):
    """Datagrams: each holds whole frames, usually one; a short one is never joined to the next."""

    def __init__(self, take: Take, *, admits: Callable[[], bool]) -> None:
        self._take = take
        self._admits = admits
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        assert self._transport is not None
        if not self._admits():
            metrics.UDP_DROPPED.inc()  # unconfirmed, the device sends it again
            return
        receiver = Receiver()
        channel = UdpChannel(self._transport, addr)
        for part in (*receiver.feed(data), *receiver.tear()):
            if isinstance(part, Frame):
                metrics.FRAMES.counts["udp"] += 1
                self._take(part, channel)
            else:
                _count_passed([part])

    def error_received(self, exc: Exception) -> None:  # noqa: ARG002
        metrics.UDP_ERRORS.inc()


def _keep_alive(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):  # not everywhere
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _count_passed(parts: Iterable[Frame | Passed]) -> None:
    for part in parts:
        if isinstance(part, Passed):
            metrics.PASSED.labels(part.fault).inc(part.count)
