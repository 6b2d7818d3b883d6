"""Listens for devices, over TCP and UDP, and brings frames where they belong: to the lane, or to the exchange they answer."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from ingest.gb26875 import metrics
from ingest.gb26875.answers import answer_at_once
from ingest.gb26875.book import Book, Device
from ingest.gb26875.channels import Channel, TcpChannel, UdpServer
from ingest.gb26875.exchanges import Exchanges, Patience, Way
from ingest.gb26875.lane import Lane
from ingest.gb26875.reader import REPLIES, Arrival
from runtime.errors import ConfigurationError
from signals.gb26875 import clock
from signals.gb26875.frames import Frame
from signals.gb26875.statements import AddressOrder
from signals.gb26875.tables import Command

BACKLOG = 1024
SWEEP_SECONDS = 0.2
VERSION = (1, 0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one centre bears. `idle_seconds`: silence after which a connection is ended; its device opens another."""

    connections: int
    connections_of_a_host: int
    idle_seconds: float


class Server:
    """The devices' connections. `address`: ours, six bytes, until a device has told by which it knows us."""

    def __init__(self, lane: Lane, *, book: Book, limits: Limits, patience: Patience, now: Callable[[], datetime]) -> None:
        self._lane = lane
        self._book = book
        self._limits = limits
        self._now = now
        self._open: set[TcpChannel] = set()
        self._hosts: Counter[str] = Counter()
        self._ways: dict[str, Channel] = {}
        self._centres: dict[str, tuple[bytes, tuple[int, int]]] = {}
        self.exchanges = Exchanges(
            Way(make=self._make, order=self._order, send=self._send), say=lane.say, patience=patience, now=now
        )

    @asynccontextmanager
    async def listening(self, host: str, *, tcp_port: int, udp_port: int) -> AsyncIterator[None]:
        """Listen until left; then every connection is ended.

        Raises:
            ConfigurationError: a port is in use, or may not be listened on.
        """
        loop = asyncio.get_running_loop()
        try:
            tcp = await loop.create_server(self._channel, host, tcp_port, backlog=BACKLOG)
        except OSError as error:
            raise ConfigurationError(f"cannot listen on tcp {host}:{tcp_port}: {error.strerror or error}") from error
        try:
            udp, _ = await loop.create_datagram_endpoint(
                lambda: UdpServer(self.take, admits=lambda: self._lane.admits), local_addr=(host, udp_port)
            )
        except OSError as error:
            tcp.close()
            raise ConfigurationError(f"cannot listen on udp {host}:{udp_port}: {error.strerror or error}") from error
        self._lane.listening()
        try:
            yield
        finally:
            tcp.close()
            udp.close()
            for channel in list(self._open):
                channel.close("the centre stops")

    async def sweep(self) -> None:
        """Look after what is torn, idle or due, for ever."""
        while True:
            at = time.monotonic()
            for channel in list(self._open):
                channel.tear(at=at)
                if at - channel.is_idle_since > self._limits.idle_seconds:
                    channel.close(f"silent for {self._limits.idle_seconds:g} s")
            self.exchanges.turn(at=at)
            await asyncio.sleep(SWEEP_SECONDS)

    def take(self, frame: Frame, channel: Channel) -> None:
        """A frame came on a channel."""
        at = self._now()
        device = self._book.find(frame.source, peer=channel.host)
        trusted = device is not None and device.profile.trusts(frame)
        if device is not None and trusted:
            self._bind(device, channel, frame=frame)
            self._lane.hear(device, clock_tag=frame.time, at=at)
        arrival = Arrival(frame=frame, device=device, channel=channel, received_at=at)
        if device is not None and device.profile.is_heartbeat(frame):
            metrics.HEARTBEATS.inc()
            arrival.answer = Command.CONFIRM
            answer_at_once([arrival], at=at)
            return
        if frame.command in REPLIES:
            if device is not None and trusted:
                self.exchanges.reply(device.transmitter_id, frame)
            if frame.command != Command.ANSWER:
                return
        self._lane.take(arrival)  # an answer that nobody waits for too: it states what others do

    def _bind(self, device: Device, channel: Channel, *, frame: Frame) -> None:
        """The device speaks to us by this channel from now on; a connection it has left behind half open is ended."""
        name = device.transmitter_id
        before = self._ways.get(name)
        if before is not None and before != channel:
            log.info("%s comes by %s in place of %s", name, channel.peer, before.peer)
            metrics.REPLACED.inc()
            before.close("its device opened another connection")
        self._ways[name] = channel
        self._centres[name] = (frame.destination, frame.version)

    def _make(self, transmitter_id: str, serial: int) -> Frame:
        centre, version = self._centres.get(transmitter_id, (bytes(6), VERSION))
        address = self._device(transmitter_id).address
        return Frame(
            serial=serial,
            version=version,
            time=clock.write(self._now()),
            source=centre,
            destination=address,
            command=Command.CONTROL,
        )

    def _order(self, transmitter_id: str) -> AddressOrder:
        return self._device(transmitter_id).profile.order

    def _device(self, transmitter_id: str) -> Device:
        try:
            return self._book[transmitter_id]
        except KeyError:
            raise ValueError(f"{transmitter_id} is not enrolled by an address") from None

    def _send(self, transmitter_id: str, frame: Frame) -> bool:
        channel = self._ways.get(transmitter_id)
        return channel is not None and channel.send(frame.encode())

    def _channel(self) -> TcpChannel:
        return TcpChannel(self.take, opened=self._opened, ended=self._ended)

    def _opened(self, channel: TcpChannel) -> bool:
        if len(self._open) >= self._limits.connections or self._hosts[channel.host] >= self._limits.connections_of_a_host:
            metrics.TURNED_AWAY.inc()
            log.warning(
                "%s is turned away: %d connections, %d of this host", channel.peer, len(self._open), self._hosts[channel.host]
            )
            return False
        self._open.add(channel)
        self._hosts[channel.host] += 1
        metrics.CONNECTIONS.set(len(self._open))
        return True

    def _ended(self, channel: TcpChannel) -> None:
        if channel in self._open:
            self._open.remove(channel)
            self._hosts[channel.host] -= 1
            if not self._hosts[channel.host]:
                del self._hosts[channel.host]
            metrics.CONNECTIONS.set(len(self._open))
            log.info("%s ended: %s", channel.peer, channel.ended_because)
        for name in [name for name, way in self._ways.items() if way is channel]:
            del self._ways[name]
