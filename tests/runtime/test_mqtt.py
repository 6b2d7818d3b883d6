"""The session against a real Mosquitto: what is acknowledged, what comes again, what stays in the broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiomqtt
import mqtt5
import pytest

from runtime.broker_accounts import BrokerAccount
from runtime.errors import BrokerAway, BrokerRefused, ConfigurationError
from runtime.mqtt import Batch, BrokerAddress, MqttSession, SessionSettings
from runtime.mqtt_wire import Wire
from tests.conftest import BrokerUnderTest
from tests.proxy import Proxy

TIMEOUT = 30
TOPIC = "wanghuo/v1/T1/telemetry"


def settings(broker: BrokerUnderTest, **changed: object) -> SessionSettings:
    given = {
        "address": BrokerAddress(host=broker.host, port=broker.port),
        "client_id": "under-test",
        "username": str(BrokerAccount.INGEST),
        "password": broker.passwords[BrokerAccount.INGEST],
        "filters": ("wanghuo/v1/+/telemetry",),
        **changed,
    }
    return SessionSettings(**given)  # type: ignore[arg-type]


@asynccontextmanager
async def running(given: SessionSettings) -> AsyncIterator[MqttSession]:
    session = MqttSession(given)
    task = asyncio.create_task(session.run())
    try:
        await until(lambda: session.connected)
        yield session
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def device(broker: BrokerUnderTest, name: str = "T1") -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        broker.host, broker.port, username=name, password=broker.passwords[name], protocol=aiomqtt.ProtocolVersion.V5
    ) as client:
        yield client


async def take(session: MqttSession, count: int) -> list[Batch]:
    """Batches that hold `count` messages together."""
    batches: list[Batch] = []
    async with asyncio.timeout(TIMEOUT):
        while sum(len(batch.messages) for batch in batches) < count:
            batches.append(await session.receive(maximum=10_000))
    return batches


def payloads(batches: list[Batch]) -> list[bytes]:
    return [message.payload for batch in batches for message in batch.messages]


async def publish(client: aiomqtt.Client, *contents: bytes) -> None:
    for content in contents:
        await client.publish(TOPIC, content, qos=1)


NUMBERS = [str(number).encode() for number in range(200)]


async def test_messages_arrive_in_order_and_are_not_sent_again_once_acknowledged(broker: BrokerUnderTest) -> None:
    async with running(settings(broker)) as session, device(broker) as client:
        await publish(client, *NUMBERS)
        batches = await take(session, len(NUMBERS))
        assert payloads(batches) == NUMBERS
        for batch in batches:
            session.acknowledge(batch)
        assert (session.unacknowledged, session.unacknowledged_bytes) == (0, 0)
    async with running(settings(broker)) as session, device(broker) as client:
        await publish(client, b"later")
        assert payloads(await take(session, 1)) == [b"later"]


async def test_what_was_not_acknowledged_comes_again_marked_duplicate(broker: BrokerUnderTest) -> None:
    async with running(settings(broker)) as session, device(broker) as client:
        await publish(client, b"one", b"two")
        await take(session, 2)
    async with running(settings(broker)) as session:
        batches = await take(session, 2)
        assert payloads(batches) == [b"one", b"two"]
        assert all(message.duplicate for batch in batches for message in batch.messages)


async def test_the_broker_keeps_what_comes_while_the_session_is_away(broker: BrokerUnderTest) -> None:
    async with running(settings(broker)):
        pass
    async with device(broker) as client:
        await publish(client, *NUMBERS)
    async with running(settings(broker)) as session:
        assert payloads(await take(session, len(NUMBERS))) == NUMBERS


async def test_a_batch_of_an_earlier_connection_is_never_acknowledged(broker: BrokerUnderTest) -> None:
    async with Proxy(broker.port) as proxy, device(broker) as client:
        address = BrokerAddress(host=broker.host, port=proxy.port)
        async with running(settings(broker, address=address)) as session:
            await publish(client, b"one")
            (old,) = await take(session, 1)
            proxy.cut()
            await until(lambda: session.connections == 2 and session.connected)
            session.acknowledge(old)
            (again,) = await take(session, 1)
            assert again.messages[0].duplicate
            session.acknowledge(again)
            await publish(client, b"two")
            assert payloads(await take(session, 1)) == [b"two"]


async def test_the_byte_budget_leaves_the_rest_in_the_broker(broker: BrokerUnderTest) -> None:
    content = b"x" * 100_000
    async with running(settings(broker, byte_budget=300_000)) as session, device(broker) as client:
        await publish(client, *[content] * 100)
        await until(lambda: session.unacknowledged_bytes >= 300_000)
        held = session.unacknowledged
        assert held < 50  # the budget, and what one read of the socket brought beyond it
        taken = 0
        while taken < 100:
            async with asyncio.timeout(TIMEOUT):
                batch = await session.receive(maximum=10)
            taken += len(batch.messages)
            session.acknowledge(batch)
        assert session.unacknowledged_bytes == 0


async def test_the_broker_sends_no_more_than_the_receive_maximum(broker: BrokerUnderTest) -> None:
    async with running(settings(broker, receive_maximum=5)) as session, device(broker) as client:
        await publish(client, *NUMBERS[:20])
        batch = await session.receive(maximum=100, linger_seconds=TIMEOUT)  # returns at once: the window is full
        assert len(batch.messages) == 5
        session.acknowledge(batch)
        assert payloads(await take(session, 5))[:5] == NUMBERS[5:10]


async def test_a_batch_waits_until_it_is_full_or_its_time_is_over(broker: BrokerUnderTest) -> None:
    async with running(settings(broker)) as session, device(broker) as client:
        receiving = asyncio.create_task(session.receive(maximum=3, linger_seconds=TIMEOUT))
        await publish(client, b"1", b"2")
        assert not receiving.done()
        await publish(client, b"3")
        async with asyncio.timeout(TIMEOUT):
            assert payloads([await receiving]) == [b"1", b"2", b"3"]
            await publish(client, b"4")
            assert payloads([await session.receive(maximum=3, linger_seconds=0.01)]) == [b"4"]


async def test_a_publication_is_acknowledged_and_arrives(broker: BrokerUnderTest) -> None:
    async with running(settings(broker, filters=())) as session, device(broker) as client:
        await client.subscribe("wanghuo/v1/T1/command", qos=1)
        await session.publish("wanghuo/v1/T1/command", b"waited for", expiry_seconds=60)
        session.send("wanghuo/v1/T1/command", b"not waited for")
        async with asyncio.timeout(TIMEOUT):
            received = [(await anext(client.messages)).payload for _ in range(2)]
        assert received == [b"waited for", b"not waited for"]


async def test_a_publication_that_is_not_allowed_is_refused(broker: BrokerUnderTest) -> None:
    async with running(settings(broker)) as session:
        with pytest.raises(BrokerRefused, match=r"wanghuo/v1/T1/signal.*NOT_AUTHORIZED"):
            await session.publish("wanghuo/v1/T1/signal", b"{}")


async def test_many_publications_keep_within_the_brokers_window_and_none_is_lost(broker: BrokerUnderTest) -> None:
    async with running(settings(broker, filters=())) as session, device(broker) as client:
        await client.subscribe("wanghuo/v1/T1/command", qos=1)
        for number in NUMBERS * 20:
            session.send("wanghuo/v1/T1/command", number)
        async with asyncio.timeout(TIMEOUT):
            received = [(await anext(client.messages)).payload for _ in NUMBERS * 20]
        assert received == NUMBERS * 20


async def test_publications_made_while_the_broker_is_away_are_sent_later(broker: BrokerUnderTest) -> None:
    async with running(settings(broker)) as session:
        broker.server.stop()
        await until(lambda: not session.connected)
        with pytest.raises(BrokerAway, match="did not acknowledge"):
            await session.publish("wanghuo/centre/v1/probe/telemetry", b"given up", timeout_seconds=0.2)
        session.send("wanghuo/v1/T1/command", b"kept")
        publishing = asyncio.create_task(session.publish("wanghuo/v1/T1/command", b"waits", timeout_seconds=TIMEOUT))
        broker.server.start()
        async with asyncio.timeout(TIMEOUT):
            await publishing


async def test_a_killed_broker_is_found_again(broker: BrokerUnderTest) -> None:
    seen: list[bool] = []
    session = MqttSession(settings(broker), on_connection=seen.append)
    task = asyncio.create_task(session.run())
    await until(lambda: session.connected)
    broker.server.kill()
    await until(lambda: not session.connected)
    broker.server.start()
    await until(lambda: session.connected)
    assert seen == [True, False, True]
    task.cancel()


async def test_a_deaf_connection_is_noticed_by_keep_alive(broker: BrokerUnderTest) -> None:
    async with Proxy(broker.port) as proxy:
        given = settings(broker, address=BrokerAddress(host=broker.host, port=proxy.port), keep_alive_seconds=1)
        async with running(given) as session:
            proxy.deafen()
            await until(lambda: not session.connected)
            assert "has not answered for 1 s" in str(session.last_refusal)
            proxy.heal()
            await until(lambda: session.connected)


async def test_a_wrong_password_is_tried_again_until_it_is_right(broker: BrokerUnderTest) -> None:
    given = settings(broker, username="later", password="secret", filters=())
    session = MqttSession(given)
    task = asyncio.create_task(session.run())
    await until(lambda: session.last_refusal is not None)
    assert "refuses user 'later'" in str(session.last_refusal)
    broker.server.set_passwords({"later": "secret"})
    await until(lambda: session.connected)
    task.cancel()


async def test_bytes_that_are_no_mqtt_end_the_connection_only() -> None:
    connections = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"\xff\xff\xff\xff\xff\xff HTTP/1.1 400")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        session = MqttSession(
            SessionSettings(address=BrokerAddress(host="127.0.0.1", port=port), client_id="x", username="x", password="x")
        )
        task = asyncio.create_task(session.run())
        await until(lambda: connections >= 2)
        assert session.last_refusal is not None
        task.cancel()


def split_at(data: bytes, position: int) -> tuple[bytes, bytes]:
    return data[:position], data[position:]


async def test_packets_may_be_cut_at_every_byte() -> None:
    packets = [
        mqtt5.PublishPacket(TOPIC, bytes(300), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7),
        mqtt5.PubAckPacket(3),
        mqtt5.PublishPacket(TOPIC, b"", qos=mqtt5.QoS.AT_MOST_ONCE),
    ]
    stream = b"".join(packet.write() for packet in packets)
    for position in range(len(stream) + 1):
        taken: list[mqtt5.Packet] = []
        wire = Wire(taken.extend)
        for part in split_at(stream, position):
            wire.data_received(part)
        assert [packet.write() for packet in taken] == [packet.write() for packet in packets]


@pytest.mark.parametrize("url", ["http://host", "mqtt://", "mqtt://host:port", "host:1883"])
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"broker address|names no host"):
        BrokerAddress.read(url)


def test_addresses() -> None:
    assert BrokerAddress.read("mqtt://h:1") == BrokerAddress(host="h", port=1)
    assert BrokerAddress.read("mqtts://h") == BrokerAddress(host="h", port=8883, tls=True)
