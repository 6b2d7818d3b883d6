"""A blocking MQTT 5 client that does what a test tells it and nothing by itself; and Mosquitto's own command line."""

import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import mqtt5

TIMEOUT_SECONDS = 60
FOR_EVER = 0xFFFFFFFF


class Client:
    """One connection."""

    def __init__(self, broker, user, *, client_id=None, session_expiry_seconds=0, receive_max=65_535):
        self._socket = socket.create_connection((broker.host, broker.port), timeout=TIMEOUT_SECONDS)
        self._data = b""
        self._packet_id = 0
        packet = mqtt5.ConnectPacket(
            client_id or f"{user}-{id(self)}",
            username=user,
            password=broker.passwords[user].encode(),
            clean_start=session_expiry_seconds == 0,
            session_expiry_interval=session_expiry_seconds,
            receive_max=receive_max,
        )
        self._socket.sendall(packet.write())
        self.greeting = self._expect(mqtt5.ConnAckPacket)

    @property
    def session_present(self):
        return self.greeting.session_present

    def subscribe(self, *patterns):
        filters = [mqtt5.TopicFilter(pattern, max_qos=mqtt5.QoS.AT_LEAST_ONCE) for pattern in patterns]
        self._socket.sendall(mqtt5.SubscribePacket(self._next_id(), filters).write())
        self._expect(mqtt5.SubAckPacket)

    def publish(self, topic, payload=b"x", *, retain=False, expiry_seconds=None):
        """Publish at QoS 1 and return the broker's reason code."""
        packet = mqtt5.PublishPacket(
            topic,
            payload,
            qos=mqtt5.QoS.AT_LEAST_ONCE,
            packet_id=self._next_id(),
            retain=retain,
            message_expiry_interval=expiry_seconds,
        )
        self._socket.sendall(packet.write())
        return self._expect(mqtt5.PubAckPacket).reason_code

    def publish_many(self, topic, payloads: Iterable[bytes], *, window=500):
        """Publish at QoS 1, at most `window` unacknowledged at a time."""
        waiting = 0
        for payload in payloads:
            self._socket.sendall(
                mqtt5.PublishPacket(topic, payload, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=self._next_id()).write()
            )
            waiting += 1
            if waiting == window:
                for _ in range(window):
                    self._expect(mqtt5.PubAckPacket)
                waiting = 0
        for _ in range(waiting):
            self._expect(mqtt5.PubAckPacket)

    def send(self, packet):
        self.send_bytes(packet.write())

    def send_bytes(self, data: bytes):
        self._socket.sendall(data)

    def read_bytes(self, count: int) -> bytes:
        """The next bytes the broker sends, past the codec."""
        while len(self._data) < count:
            more = self._socket.recv(count - len(self._data))
            assert more, "the broker ended the connection"
            self._data += more
        found, self._data = self._data[:count], self._data[count:]
        return found

    def receive(self) -> tuple[str, bytes]:
        """The next message, acknowledged."""
        packet = self._expect(mqtt5.PublishPacket)
        if packet.qos:
            self._socket.sendall(mqtt5.PubAckPacket(packet.packet_id).write())
        return packet.topic, packet.payload

    def receive_until(self, last: bytes) -> list[tuple[str, bytes]]:
        """Messages, acknowledged, up to and without the one with this payload."""
        found = []
        while (message := self.receive())[1] != last:
            found.append(message)
        return found

    def ended_by_broker(self) -> bool:
        """Wait until the broker ends the connection; False where it does not."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        try:
            while time.monotonic() < deadline:
                if not self._socket.recv(65_536):
                    return True
        except ConnectionError:
            return True
        except TimeoutError:
            pass
        return False

    def drop(self):
        """End the connection as a cut cable would."""
        self._socket.close()

    def _next_id(self):
        self._packet_id = self._packet_id % 65_535 + 1
        return self._packet_id

    def _expect(self, kind):
        while True:
            try:
                packet, length = mqtt5.read(self._data)
            except IndexError:
                more = self._socket.recv(1 << 20)
                assert more, f"the broker ended the connection instead of sending {kind.__name__}"
                self._data += more
                continue
            self._data = self._data[length:]
            assert isinstance(packet, kind), f"{packet} instead of {kind.__name__}"
            return packet


@contextmanager
def connected(broker, user, **options) -> Iterator[Client]:
    client = Client(broker, user, **options)
    try:
        yield client
    finally:
        client.drop()


def mosquitto_pub(broker, user, *, topic, message, options=()):
    """Publish at QoS 1 as an independent client; returns exit status and what it printed."""
    command = ["mosquitto_pub", "-h", broker.host, "-p", str(broker.port), "-V", "5", "-q", "1", "-t", topic, *options]
    command += ["-s"] if isinstance(message, bytes) else ["-m", message]
    if user is not None:
        command += ["-u", user, "-P", broker.passwords.get(user, "no such user")]
    standard_input = message if isinstance(message, bytes) else b""
    ended = subprocess.run(command, input=standard_input, capture_output=True, timeout=TIMEOUT_SECONDS, check=False)
    return ended.returncode, (ended.stdout + ended.stderr).decode()
