"""A backlog at the broker: N telemetry messages that wait for a persistent session, as devices would have left them."""

import json
import select
import socket
import time
from collections.abc import Callable

import mqtt5

TRANSMITTERS = 5000
UNACKNOWLEDGED = 2000
PUBACK_BYTES = 4


def transmitter(index: int) -> str:
    """The transmitter that sends message `index`."""
    return f"T{index % TRANSMITTERS}"


def payload(index: int) -> bytes:
    """Two values, one object, about 150 bytes."""
    return json.dumps(
        {
            "boot": 1,
            "seq": index,
            "at": "2026-11-23T10:00:00.123456+08:00",
            "point": "1-12-3",
            "values": {"smoke_obscuration_db_per_m": 0.0123, "temperature_celsius": 23.4},
        }
    ).encode()


def connect(port: int, packet: mqtt5.ConnectPacket) -> socket.socket:
    """A connection that the broker has accepted.

    Raises:
        ConnectionRefusedError: the broker does not accept the user.
    """
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(packet.write())
    answer, _ = mqtt5.read(memoryview(connection.recv(1024)))
    if not isinstance(answer, mqtt5.ConnAckPacket) or int(answer.reason_code):
        raise ConnectionRefusedError(f"the broker refuses {packet.client_id}: {answer}")
    return connection


def publish(port: int, *, messages: int, username: str, password: bytes, make: Callable[[int], bytes] = payload) -> None:
    """Publish messages 0…N-1 at QoS 1 as fast as the broker acknowledges them."""
    connection = connect(port, mqtt5.ConnectPacket("bench-publisher", clean_start=True, username=username, password=password))
    connection.setblocking(False)
    sent = acknowledged_bytes = 0
    out = bytearray()
    while acknowledged_bytes < messages * PUBACK_BYTES:
        while sent - acknowledged_bytes // PUBACK_BYTES < UNACKNOWLEDGED and sent < messages and len(out) < 65536:
            topic = f"wanghuo/v1/{transmitter(sent)}/telemetry"
            out += mqtt5.PublishPacket(topic, make(sent), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=sent % 65535 + 1).write()
            sent += 1
        readable, writable, _ = select.select([connection], [connection] if out else [], [], 1)
        if writable:
            del out[: connection.send(out)]
        if readable:
            acknowledged_bytes += len(connection.recv(65536))
    connection.close()


def forget(port: int, *, client_id: str, username: str, password: bytes) -> None:
    """End a persistent session, with all that waits for it: the broker would go on queueing for it, and saving that."""
    packet = mqtt5.ConnectPacket(client_id, clean_start=True, session_expiry_interval=0, username=username, password=password)
    connection = connect(port, packet)
    connection.sendall(mqtt5.DisconnectPacket().write())
    while connection.recv(1024):
        pass
    connection.close()


def subscribe(port: int, *, client_id: str, username: str, password: bytes) -> None:
    """Leave a persistent session that telemetry queues up for."""
    packet = mqtt5.ConnectPacket(client_id, clean_start=True, session_expiry_interval=3600, username=username, password=password)
    connection = connect(port, packet)
    telemetry = mqtt5.TopicFilter("wanghuo/v1/+/telemetry", max_qos=mqtt5.QoS.AT_LEAST_ONCE)
    connection.sendall(mqtt5.SubscribePacket(1, [telemetry]).write())
    connection.recv(1024)
    connection.sendall(mqtt5.DisconnectPacket().write())
    connection.close()
    time.sleep(0.2)
