"""Publications at QoS 1 on their way: kept until the broker acknowledges them, within the window it grants."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass

import mqtt5

from runtime.errors import BrokerAway, BrokerRefused
from runtime.mqtt_wire import Wire

log = logging.getLogger(__name__)

WAITING_MAXIMUM = 100_000
"""Publications that wait for the broker's window or for a connection."""
REFUSED = 0x80
"""Reason codes from here on are refusals (MQTT 5, 2.4). The codec's enums compare for equality only: ask for their int."""


@dataclass(slots=True, kw_only=True)
class _Publication:
    packet: mqtt5.PublishPacket
    done: asyncio.Future[None] | None


class Outbox:
    """In order of hand-over. Outlives connections."""

    def __init__(self) -> None:
        self._waiting: deque[_Publication] = deque()
        self._in_flight: dict[int, _Publication] = {}
        self._last_packet_id = 0
        self.window = 0

    def add(self, packet: mqtt5.PublishPacket, *, done: asyncio.Future[None] | None) -> None:
        """Take a publication; `done` is settled by the broker's answer.

        Raises:
            BrokerAway: `WAITING_MAXIMUM` wait already.
        """
        if len(self._waiting) >= WAITING_MAXIMUM:
            raise BrokerAway(f"{WAITING_MAXIMUM} publications wait for the broker already")
        self._waiting.append(_Publication(packet=packet, done=done))

    def pump(self, wire: Wire) -> None:
        """Write what the broker's window has room for."""
        parts = []
        while self._waiting and len(self._in_flight) < self.window:
            publication = self._waiting.popleft()
            if publication.done is not None and publication.done.cancelled():
                continue
            packet_id = self.free_packet_id()
            publication.packet = _numbered(publication.packet, packet_id)
            self._in_flight[packet_id] = publication
            parts.append(publication.packet.write())
        if parts:
            wire.write(b"".join(parts))

    def send_again(self, wire: Wire, *, session_present: bool) -> None:
        """After a reconnect: what was on the way, as duplicates where the broker may know them."""
        for packet_id, publication in self._in_flight.items():
            wire.write(_numbered(publication.packet, packet_id, duplicate=session_present).write())

    def acknowledged(self, packet: mqtt5.PubAckPacket) -> None:
        """The broker's answer: whoever waits is told; a refusal that nobody waits for is logged."""
        publication = self._in_flight.pop(packet.packet_id, None)
        if publication is None:
            return
        done = publication.done
        refused = int(packet.reason_code) >= REFUSED
        refusal = f"the broker refuses a publication on {publication.packet.topic}: {packet.reason_code.name}"
        if done is None or done.done():
            if refused:
                log.warning("%s", refusal)
        elif refused:
            done.set_exception(BrokerRefused(refusal))
        else:
            done.set_result(None)

    def free_packet_id(self) -> int:
        """A packet id that no publication on its way has."""
        while True:
            self._last_packet_id = self._last_packet_id % 65535 + 1
            if self._last_packet_id not in self._in_flight:
                return self._last_packet_id


def _numbered(packet: mqtt5.PublishPacket, packet_id: int, *, duplicate: bool = False) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(
        packet.topic,
        packet.payload,
        qos=packet.qos,
        retain=packet.retain,
        packet_id=packet_id,
        duplicate=duplicate,
        message_expiry_interval=packet.message_expiry_interval,
    )
