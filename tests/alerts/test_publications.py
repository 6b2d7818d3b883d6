"""The topic of alarms and the commands, through a real broker."""

import asyncio
import json
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import aiomqtt
import pytest
from alarm_world import TIMEOUT_SECONDS, observed

from alerts.downward.dispatch import Dispatch
from alerts.publications import Publications
from runtime.broker_accounts import BrokerAccount
from runtime.errors import BrokerRefused
from runtime.mqtt import BrokerAddress, MqttSession, SessionSettings
from signals.kinds import Kind


@asynccontextmanager
async def session(broker, account: str = BrokerAccount.ALERTS):
    made = MqttSession(
        SessionSettings(
            address=BrokerAddress.read(broker.url),
            client_id=f"test.{account}",
            username=account,
            password=broker.passwords[account],
            clean_start=True,
            expiry_seconds=0,
        )
    )
    async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(made.run())
        while not made.connected:
            await asyncio.sleep(0.01)
        yield made
        running.cancel()


def reading(broker, name: str, topic: str):
    @asynccontextmanager
    async def subscribed():
        client = aiomqtt.Client(
            broker.host, broker.port, username=name, password=broker.passwords[name], protocol=aiomqtt.ProtocolVersion.V5
        )
        async with asyncio.timeout(TIMEOUT_SECONDS), client:
            await client.subscribe(topic, qos=1)
            yield client.messages

    return subscribed()


async def test_alarms_reach_sirens_by_village_fire_first_in_order_and_once(world, broker) -> None:
    await world.conclude(observed(Kind.FAULT, seq=1), observed(transmitter="stranger", seq=1, second=1))
    await world.conclude(observed(transmitter="T2", seq=1), observed(transmitter="T2", seq=2, active=False))
    async with (
        world.pool() as connections,
        session(broker) as publisher,
        reading(broker, BrokerAccount.SIRENS, "wanghuo/out/v1/alarm/+") as messages,
        connections.connection() as connection,
    ):
        publications = Publications(connections, session=publisher)
        assert await publications.turn(connection) == 4
        heard = [await anext(messages) for _ in range(4)]
        assert await publications.turn(connection) == 0
    told = [(str(message.topic).rsplit("/", maxsplit=1)[1], json.loads(message.payload)) for message in heard]
    assert {message.qos for message in heard} == {1}
    assert [(village, content["kind"], content["event"]) for village, content in told] == [
        ("_unassigned", "fire_alarm", "raised"),
        ("V2", "fire_alarm", "raised"),
        ("V2", "fire_alarm", "restored"),
        ("V1", "fault", "raised"),
    ]
    ids = [content["event_id"] for _, content in told]
    assert len({uuid.UUID(name) for name in ids}) == 4
    fire = told[1][1]
    assert (fire["transmitter_id"], fire["village_name"], fire["annunciate"], fire["re_alarm"]) == ("T2", "里春村", True, False)


async def test_what_was_not_taken_stays_and_keeps_its_id(world, broker) -> None:
    await world.conclude(observed())
    (owed,) = world.rows("SELECT event_id FROM alarm_publication")
    async with world.pool() as connections, connections.connection() as connection:
        async with session(broker, "T1") as stranger:  # whom the broker does not allow this topic
            with pytest.raises(BrokerRefused):
                await Publications(connections, session=stranger).turn(connection)
        assert world.rows("SELECT event_id FROM alarm_publication") == [owed]
        async with session(broker) as publisher, reading(broker, BrokerAccount.SIRENS, "wanghuo/out/v1/alarm/V1") as messages:
            await Publications(connections, session=publisher).turn(connection)
            heard = await anext(messages)
    assert json.loads(heard.payload)["event_id"] == str(owed["event_id"])


async def test_publishing_goes_on_when_the_broker_comes_back(world, broker) -> None:
    async with world.pool() as connections, session(broker) as publisher:
        publications = Publications(connections, session=publisher)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(publications.run())
            await world.conclude(observed(seq=1))
            await world.until("SELECT 1 WHERE NOT EXISTS (SELECT FROM alarm_publication)")
            broker.server.stop()
            await world.conclude(observed(seq=2, active=False))
            while publisher.connected:
                await asyncio.sleep(0.01)
            assert world.rows("SELECT count(*) AS n FROM alarm_publication") == [{"n": 1}]
            broker.server.start()
            publications.wake.set()
            await world.until("SELECT 1 WHERE NOT EXISTS (SELECT FROM alarm_publication)")
            running.cancel()


INSERT = """INSERT INTO command (command_id, transmitter_id, name, content, requested_by, issued_at, expires_at)
            VALUES (%s, %s, %s, %s, 'wang', %s, %s)"""


async def test_commands_are_sent_once_due_and_expire_in_the_end(world, broker) -> None:
    now = datetime.now(UTC)
    asked, clock, late = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    world.rows(INSERT, asked, "T1", "duty_check", json.dumps({"deadline_seconds": 300}), now, now + timedelta(minutes=5))
    world.rows(INSERT, clock, "T1", "set_clock", "{}", now, now + timedelta(seconds=10))
    world.rows(INSERT, late, "T1", "query", "{}", now - timedelta(minutes=1), now - timedelta(seconds=1))
    async with (
        world.pool() as connections,
        session(broker) as publisher,
        reading(broker, "T1", "wanghuo/v1/T1/command") as messages,
        connections.connection() as connection,
    ):
        dispatch = Dispatch(connections, session=publisher, roster=world.roster, now=lambda: now)
        assert await dispatch.turn(connection) == 1
        heard = await anext(messages)
        world.rows("INSERT INTO presence (transmitter_id, lane, last_heard_at) VALUES ('T1', 'signal', %s)", now)
        assert await dispatch.turn(connection) == 1
        second = await anext(messages)
        assert await dispatch.turn(connection) == 0
    told = json.loads(heard.payload)
    assert (told["id"], told["name"], told["deadline_seconds"]) == (str(asked), "duty_check", 300)
    assert heard.properties.MessageExpiryInterval == 300
    assert json.loads(second.payload)["now"] == now.isoformat()
    states = {row["command_id"]: (row["state"], row["sent_at"]) for row in world.rows("SELECT * FROM command")}
    assert states == {asked: ("sent", now), clock: ("sent", now), late: ("expired", None)}


async def test_commands_are_looked_for_again_and_again(world, broker) -> None:
    async with world.pool() as connections, session(broker) as publisher, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(
            Dispatch(connections, session=publisher, roster=world.roster, now=lambda: datetime.now(UTC)).run()
        )
        now = datetime.now(UTC)
        world.rows(INSERT, uuid.uuid4(), "T1", "query", "{}", now, now + timedelta(minutes=5))
        await world.until("SELECT 1 FROM command WHERE state = 'sent'")
        running.cancel()


async def test_a_command_that_the_broker_did_not_take_stays_due(world, broker) -> None:
    now = datetime.now(UTC)
    world.rows(INSERT, uuid.uuid4(), "T1", "query", "{}", now, now + timedelta(minutes=5))
    async with world.pool() as connections, connections.connection() as connection:
        async with session(broker, "T2") as stranger:
            with pytest.raises(BrokerRefused):
                await Dispatch(connections, session=stranger, roster=world.roster, now=lambda: now).turn(connection)
        async with session(broker) as publisher:
            pass
        assert await Dispatch(connections, session=publisher, roster=world.roster, now=lambda: now).turn(connection) == 0
    assert world.rows("SELECT state FROM command") == [{"state": "due"}]
