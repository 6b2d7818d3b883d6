"""The MQTT 5 session of the hot path: persistent, acknowledging only what its user says is durable.

aiomqtt 2 (on paho-mqtt) acknowledges on arrival, so what it holds is lost in a crash, and costs 169 µs of CPU a message; this is
a thin layer on the codec that its author is building aiomqtt 3 on, at 7 µs. One class, so that aiomqtt 3 can take its place.
"""

import asyncio
import logging
import random
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import mqtt5

from runtime.errors import BrokerAway, BrokerRefused, ConfigurationError
from runtime.mqtt_outbox import REFUSED, Outbox
from runtime.mqtt_wire import PUBACKS, Wire

log = logging.getLogger(__name__)

CONNECT_TIMEOUT_SECONDS = 5.0
SUBSCRIBE_TIMEOUT_SECONDS = 10.0
DISCONNECT_TIMEOUT_SECONDS = 2.0
PUBLISH_TIMEOUT_SECONDS = 10.0
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MAXIMUM_SECONDS = 5.0
NEVER_EXPIRES = 0xFFFFFFFF
PACKET_BYTES_MAXIMUM = 2 * 1024 * 1024
DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker listens."""

    host: str
    port: int
    tls: bool = False

    @classmethod
    def read(cls, url: str) -> "BrokerAddress":
        """Read `mqtt://host:port` or `mqtts://host:port`.

        Raises:
            ConfigurationError: any other form.
        """
        parts = urlsplit(url)
        try:
            port = parts.port or DEFAULT_PORTS[parts.scheme]
        except (KeyError, ValueError):
            raise ConfigurationError(f"{url!r} is no broker address: mqtt://host:port or mqtts://host:port") from None
        if not parts.hostname:
            raise ConfigurationError(f"{url!r} names no host")
        return cls(host=parts.hostname, port=port, tls=parts.scheme == "mqtts")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """How a session signs in, what it subscribes to, and how much it holds unacknowledged.

    Above `byte_budget` bytes of payload, or `receive_maximum` messages (told to the broker too), it stops reading the socket.
    """

    address: BrokerAddress
    client_id: str
    username: str
    password: str = field(repr=False)
    filters: tuple[str, ...] = ()
    receive_maximum: int = 8000
    byte_budget: int = 32 * 1024 * 1024
    keep_alive_seconds: int = 10
    clean_start: bool = False
    expiry_seconds: int = NEVER_EXPIRES
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Messages in order of arrival, all of one connection."""

    connection: int
    messages: Sequence[mqtt5.PublishPacket]
    payload_bytes: int


class MqttSession:
    """A session that outlives connections. `run` keeps it connected; everything else may be called from the same event loop."""

    def __init__(self, settings: SessionSettings, *, on_connection: Callable[[bool], None] = lambda _: None) -> None:
        self.settings = settings
        self.connected = False
        self.connections = 0
        self.last_refusal: str | None = None
        self.unacknowledged = 0
        self.unacknowledged_bytes = 0
        self._on_connection = on_connection
        self._wire: Wire | None = None
        self._arrived: list[mqtt5.PublishPacket] = []
        self._arrived_bytes = 0
        self._arrival = asyncio.Event()
        self._full = asyncio.Event()
        self._wanted = 1
        self._answer: asyncio.Future[mqtt5.ConnAckPacket | mqtt5.SubAckPacket] | None = None
        self._outbox = Outbox()

    # --- receiving ---------------------------------------------------------------------------------------------------------------

    async def receive(self, *, maximum: int, linger_seconds: float = 0.0) -> Batch:
        """Wait for messages.

        Returns when at least one has come and `linger_seconds` have passed since it was seen, or at once when `maximum` are there,
        or everything the window or the byte budget admits. Cancelling loses nothing.
        """
        while not self._arrived:
            self._arrival.clear()
            await self._arrival.wait()
            if linger_seconds:
                self._wanted = maximum
                self._full.clear()
                if not self._is_full():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(linger_seconds):
                            await self._full.wait()
        taken, self._arrived = self._arrived[:maximum], self._arrived[maximum:]
        taken_bytes = self._arrived_bytes if not self._arrived else sum(len(message.payload) for message in taken)
        self._arrived_bytes -= taken_bytes
        return Batch(connection=self.connections, messages=taken, payload_bytes=taken_bytes)

    def acknowledge(self, batch: Batch) -> None:
        """Tell the broker that the batch is durable. One of an earlier connection is left: the broker sends it again."""
        wire = self._wire
        if wire is None or batch.connection != self.connections:
            return
        wire.write(b"".join([PUBACKS[message.packet_id] for message in batch.messages if message.packet_id is not None]))
        self.unacknowledged -= len(batch.messages)
        self.unacknowledged_bytes -= batch.payload_bytes
        if not self._holds_enough():
            wire.resume()

    def _holds_enough(self) -> bool:
        # Mosquitto 2.0.11 keeps to the receive maximum only until the first PUBACK: so we stop reading ourselves.
        settings = self.settings
        return self.unacknowledged >= settings.receive_maximum or self.unacknowledged_bytes >= settings.byte_budget

    def _is_full(self) -> bool:
        return self._holds_enough() or len(self._arrived) >= self._wanted

    # --- publishing --------------------------------------------------------------------------------------------------------------

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        expiry_seconds: int | None = None,
        timeout_seconds: float = PUBLISH_TIMEOUT_SECONDS,
    ) -> None:
        """Publish and wait for the broker's acknowledgement (QoS 1) or for room to write (QoS 0).

        Raises:
            BrokerAway: not acknowledged in time; a QoS 1 publication may still reach the broker later.
            BrokerRefused: the broker does not allow it.
        """
        done = asyncio.get_running_loop().create_future() if qos else None
        try:
            async with asyncio.timeout(timeout_seconds):
                self._hand_over(_packet(topic, payload, qos=qos, retain=retain, expiry_seconds=expiry_seconds), done=done)
                if self._wire is not None:
                    await self._wire.writable()
                if done is not None:
                    await done
        except TimeoutError:
            raise BrokerAway(f"the broker did not acknowledge a publication on {topic} within {timeout_seconds:g} s") from None

    def send(self, topic: str, payload: bytes, *, expiry_seconds: int | None = None) -> None:
        """Publish at QoS 1 without waiting, in the order of calls; written before any later `acknowledge`.

        Kept and sent again until the broker acknowledges it. A refusal is logged.

        Raises:
            BrokerAway: too many publications wait already.
        """
        self._hand_over(_packet(topic, payload, qos=1, retain=False, expiry_seconds=expiry_seconds), done=None)

    def _hand_over(self, packet: mqtt5.PublishPacket, *, done: asyncio.Future[None] | None) -> None:
        if packet.qos == mqtt5.QoS.AT_MOST_ONCE:
            if not self.connected or self._wire is None:
                raise BrokerAway(f"not connected to the broker: cannot publish on {packet.topic}")
            self._wire.write(packet.write())
            return
        self._outbox.add(packet, done=done)
        if self.connected and self._wire is not None:
            self._outbox.pump(self._wire)

    # --- staying connected -------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Keep the session connected, for ever. Cancelling disconnects in order; the broker keeps the session."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                reason = await self._connection()
            except (OSError, BrokerAway, BrokerRefused) as error:
                reason = str(error) or type(error).__name__
            self.last_refusal = reason
            failures = 0 if time.monotonic() - started > BACKOFF_MAXIMUM_SECONDS else failures + 1
            delay = random.uniform(0, min(BACKOFF_MAXIMUM_SECONDS, BACKOFF_FIRST_SECONDS * 2 ** min(failures, 10)))  # noqa: S311
            log.warning("%s: %s; next try in %.1f s", self.settings.client_id, reason, delay)
            await asyncio.sleep(delay)

    async def _connection(self) -> str:
        """One connection from its first to its last byte; returns why it ended."""
        address, loop = self.settings.address, asyncio.get_running_loop()
        tls = (self.settings.tls or ssl.create_default_context()) if address.tls else None
        async with asyncio.timeout(CONNECT_TIMEOUT_SECONDS):
            _, wire = await loop.create_connection(lambda: Wire(self._take), address.host, address.port, ssl=tls)
        try:
            self._begin(wire)
            keep_alive = await self._sign_in(wire)
            self.connected, self.last_refusal = True, None
            self._on_connection(True)
            self._outbox.pump(wire)
            return await self._keep_alive(wire, seconds=keep_alive)
        except asyncio.CancelledError:
            # The broker closes the connection once it has read everything before: our last acknowledgements too.
            wire.write(mqtt5.DisconnectPacket().write())
            await asyncio.wait([wire.lost], timeout=DISCONNECT_TIMEOUT_SECONDS)
            raise
        finally:
            self._end(wire)

    def _begin(self, wire: Wire) -> None:
        self._wire = wire
        self.connections += 1
        self._arrived, self._arrived_bytes = [], 0
        self.unacknowledged = self.unacknowledged_bytes = 0

    def _end(self, wire: Wire) -> None:
        was_connected, self.connected, self._wire = self.connected, False, None
        self._arrived, self._arrived_bytes = [], 0
        self._full.set()
        wire.close()
        if was_connected:
            self._on_connection(False)

    async def _sign_in(self, wire: Wire) -> int:
        settings = self.settings
        connect = mqtt5.ConnectPacket(
            settings.client_id,
            username=settings.username,
            password=settings.password.encode(),
            clean_start=settings.clean_start,
            session_expiry_interval=settings.expiry_seconds,
            keep_alive=settings.keep_alive_seconds,
            receive_max=settings.receive_maximum,
            max_packet_size=PACKET_BYTES_MAXIMUM,
        )
        answer = await self._ask(wire, connect.write(), timeout_seconds=CONNECT_TIMEOUT_SECONDS)
        if not isinstance(answer, mqtt5.ConnAckPacket):
            raise BrokerAway("the broker answered CONNECT with something else")
        if int(answer.reason_code) >= REFUSED:
            raise BrokerRefused(f"the broker refuses user {settings.username!r}: {answer.reason_code.name}")
        self._outbox.window = answer.receive_max
        self._outbox.send_again(wire, session_present=answer.session_present)
        if settings.filters:
            await self._subscribe(wire)
        return answer.server_keep_alive or settings.keep_alive_seconds

    async def _subscribe(self, wire: Wire) -> None:
        # What a device wrongly retains comes once, as new; and it is not called retained while it is live.
        once = mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS
        filters = [
            mqtt5.TopicFilter(name, max_qos=mqtt5.QoS.AT_LEAST_ONCE, retain_as_published=False, retain_handling=once)
            for name in self.settings.filters
        ]
        request = mqtt5.SubscribePacket(self._outbox.free_packet_id(), filters)
        answer = await self._ask(wire, request.write(), timeout_seconds=SUBSCRIBE_TIMEOUT_SECONDS)
        if not isinstance(answer, mqtt5.SubAckPacket):
            raise BrokerAway("the broker answered SUBSCRIBE with something else")
        for name, code in zip(self.settings.filters, answer.reason_codes, strict=False):
            if int(code) >= REFUSED:
                raise BrokerRefused(f"the broker refuses the subscription to {name}: {code.name}")

    async def _ask(self, wire: Wire, request: bytes, *, timeout_seconds: float) -> mqtt5.ConnAckPacket | mqtt5.SubAckPacket:
        self._answer = asyncio.get_running_loop().create_future()
        wire.write(request)
        async with asyncio.timeout(timeout_seconds):
            await asyncio.wait([self._answer, wire.lost], return_when=asyncio.FIRST_COMPLETED)
        if not self._answer.done():
            raise BrokerAway(wire.lost.result())
        return self._answer.result()

    async def _keep_alive(self, wire: Wire, *, seconds: int) -> str:
        ping = mqtt5.PingReqPacket().write()
        while True:
            done, _ = await asyncio.wait([wire.lost], timeout=seconds / 2)
            if done:
                return str(wire.lost.result())
            if not wire.paused and time.monotonic() - wire.last_heard > seconds:
                wire.drop(f"the broker has not answered for {seconds} s")
            wire.write(ping)

    def _take(self, packets: list[mqtt5.Packet]) -> None:
        publications = [packet for packet in packets if type(packet) is mqtt5.PublishPacket]
        if publications:
            self._arrive(publications)
        if len(publications) < len(packets):
            for packet in packets:
                self._take_other(packet)
            if self.connected and self._wire is not None:
                self._outbox.pump(self._wire)

    def _arrive(self, publications: list[mqtt5.PublishPacket]) -> None:
        arrived_bytes = sum([len(packet.payload) for packet in publications])
        self._arrived += publications
        self._arrived_bytes += arrived_bytes
        self.unacknowledged += len(publications)
        self.unacknowledged_bytes += arrived_bytes
        if self._holds_enough() and self._wire is not None:
            self._wire.pause()
        self._arrival.set()
        if self._is_full():
            self._full.set()

    def _take_other(self, packet: mqtt5.Packet) -> None:
        match packet:
            case mqtt5.PubAckPacket():
                self._outbox.acknowledged(packet)
            case mqtt5.ConnAckPacket() | mqtt5.SubAckPacket():
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(packet)
            case mqtt5.DisconnectPacket():
                if self._wire is not None:
                    self._wire.drop(f"the broker ends the connection: {packet.reason_code.name}")
            case _:
                pass


def _packet(topic: str, payload: bytes, *, qos: int, retain: bool, expiry_seconds: int | None) -> mqtt5.PublishPacket:
    return mqtt5.PublishPacket(
        topic,
        payload,
        qos=mqtt5.QoS(qos),
        retain=retain,
        packet_id=1 if qos else None,
        message_expiry_interval=expiry_seconds,
    )
