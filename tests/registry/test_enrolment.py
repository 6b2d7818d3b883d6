"""Enrolment with a real broker: what it takes, what it refuses, and when."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import psycopg
import pytest
from aiomqtt import Client, MqttError, ProtocolVersion

from registry import enrolment
from registry.enrolment import Desk, EnrolmentError, NewTransmitter
from registry.ratio import TransmitterClass
from registry.session import session
from registry.settings import EnrolmentSettings
from registry.sign_in import Answer, try_sign_in
from runtime.broker_passwords import usernames
from runtime.errors import BrokerAway, BrokerRefused, ConfigurationError
from signals.topics import MessageClass, command, upward
from stack.broker import Broker, BrokerSettings
from stack.certificates import make_certificates

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)
TODAY = date(2026, 5, 1)
TIMEOUT_SECONDS = 60

NEW = NewTransmitter(transmitter_id="D1", key_unit_id="U1", transmitter_class=TransmitterClass.DETECTOR, accepted_on=TODAY)


@pytest.fixture
def settings(database, broker):
    return EnrolmentSettings(
        registry_database_url=database.url("wanghuo_registry"),
        broker_url=broker.url,
        broker_password_file=broker.server.passwords,
        enrolment_timeout_seconds=TIMEOUT_SECONDS,
    )


@pytest.fixture
async def desk(database, settings):
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("INSERT INTO village VALUES ('V1', 'a'), ('V2', 'b')")
        connection.execute(
            "INSERT INTO key_unit (key_unit_id, village_id, name, has_control_room, listed_on) VALUES ('U1', 'V1', 'u', true, '2024-01-01')"
        )
    async with session(database.url("wanghuo_registry"), name="test") as connection:
        yield Desk(connection=connection, settings=settings, now=lambda: NOW)


def stored(database, transmitter_id="D1"):
    columns = "key_unit_id, village_id, class, accepted_on, withdrawn_on, enrolled_at"
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute(f"SELECT {columns} FROM transmitter WHERE transmitter_id = %s", [transmitter_id]).fetchone()


@asynccontextmanager
async def device(broker, *, user, password, identifier=None):
    async with Client(
        broker.host, broker.port, username=user, password=password, identifier=identifier or user, protocol=ProtocolVersion.V5
    ) as client:
        yield client


async def test_credentials_are_refused_before_taken_after_and_refused_after_withdrawal(desk, settings, database):
    password = enrolment.new_password()
    assert await try_sign_in(settings, "D1", password=password) is Answer.REFUSED
    await enrolment.register(desk, NEW)
    assert stored(database) == ("U1", "V1", "detector", TODAY, None, None)
    await enrolment.admit(desk, {"D1": password})
    assert await try_sign_in(settings, "D1", password=password) is Answer.ACCEPTED
    assert await try_sign_in(settings, "D1", password=f"{password}x") is Answer.REFUSED
    assert stored(database) == ("U1", "V1", "detector", TODAY, None, NOW)
    await enrolment.withdraw(desk, "D1", on=TODAY)
    assert await try_sign_in(settings, "D1", password=password) is Answer.REFUSED
    assert stored(database) == ("U1", "V1", "detector", TODAY, TODAY, None)
    with pytest.raises(EnrolmentError, match="was withdrawn on 2026-05-01"):
        await enrolment.register(desk, NEW)


async def test_withdrawal_ends_the_connection_and_leaves_no_witness(desk, settings, broker):
    await enrolment.register(desk, NEW)
    await enrolment.admit(desk, {"D1": "secret"})
    with pytest.raises(MqttError):  # noqa: PT012
        async with asyncio.timeout(TIMEOUT_SECONDS), device(broker, user="D1", password="secret") as client:
            await enrolment.revoke(desk, ["D1"])
            async for _ in client.messages:
                pass
    names = usernames(settings.broker_password_file)
    assert "T1" in names
    assert not {name for name in names if name == "D1" or name.startswith("registry.enrolment.")}


async def test_enrolment_disturbs_no_device_that_is_connected(desk, broker):
    await enrolment.register(desk, NEW)
    await enrolment.admit(desk, {"D1": "secret"})
    async with asyncio.timeout(TIMEOUT_SECONDS), device(broker, user="D1", password="secret") as client:
        await client.subscribe(command("D1"), qos=1)
        await enrolment.admit(desk, {"D1": "secret"})
        await enrolment.register(
            desk, NewTransmitter(transmitter_id="D2", village_id="V1", transmitter_class=TransmitterClass.SLEEPY)
        )
        await enrolment.admit(desk, {"D2": "other"})
        async with device(broker, user="wanghuo/v1", password=broker.passwords["wanghuo/v1"], identifier="test") as centre:
            await centre.publish(command("D1"), b"{}", qos=1)
        assert str((await anext(aiter(client.messages))).topic) == command("D1")


async def test_the_broker_still_refuses_topics_of_others(desk, broker):
    await enrolment.register(desk, NEW)
    await enrolment.admit(desk, {"D1": "secret"})
    own = [upward("D1", MessageClass.SIGNAL), upward("D1", MessageClass.HEARTBEAT)]
    refused = [upward("T1", MessageClass.SIGNAL), command("D1"), command("T1"), "wanghuo/out/v1/alarm/V1"]
    arrived = []
    async with (
        asyncio.timeout(TIMEOUT_SECONDS),
        device(broker, user="wanghuo/v1", password=broker.passwords["wanghuo/v1"], identifier="centre") as centre,
        device(broker, user="D1", password="secret") as client,
    ):
        for message_class in MessageClass:
            await centre.subscribe(f"wanghuo/v1/+/{message_class}", qos=1)
        for topic in [*refused, *own]:
            await client.publish(topic, b"{}", qos=1)
        async for message in centre.messages:
            arrived.append(str(message.topic))
            if len(arrived) == len(own):
                break
    assert arrived == own


async def test_a_new_password_replaces_the_old(desk, settings):
    await enrolment.register(desk, NEW)
    with pytest.raises(EnrolmentError, match="D1 is not enrolled"):
        await enrolment.require_enrolled(desk, "D1")
    await enrolment.admit(desk, {"D1": "first"})
    with pytest.raises(EnrolmentError, match="D1 is enrolled already"):
        await enrolment.register(desk, NEW)
    await enrolment.require_enrolled(desk, "D1")
    await enrolment.admit(desk, {"D1": "second"})
    assert await try_sign_in(settings, "D1", password="first") is Answer.REFUSED
    assert await try_sign_in(settings, "D1", password="second") is Answer.ACCEPTED


async def test_many_at_once(desk, settings, database):
    names = [f"D{number}" for number in range(1, 41)]
    for name in names:
        await enrolment.register(
            desk, NewTransmitter(transmitter_id=name, village_id="V2", transmitter_class=TransmitterClass.SLEEPY)
        )
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("UPDATE transmitter SET withdrawn_on = %s WHERE transmitter_id = 'D40'", [TODAY])
    assert await enrolment.waiting(desk) == sorted(names[:-1])
    passwords = {name: enrolment.new_password() for name in names[:-1]}
    await enrolment.admit(desk, passwords)
    for name, password in passwords.items():
        assert await try_sign_in(settings, name, password=password) is Answer.ACCEPTED
    assert await enrolment.waiting(desk) == []
    await enrolment.admit(desk, {})


async def test_a_broker_that_does_not_read_its_file_is_told_of_and_nothing_is_marked(desk, database, tmp_path):
    await enrolment.register(desk, NEW)
    elsewhere = desk.settings.model_copy(update={"broker_password_file": tmp_path / "passwords", "enrolment_timeout_seconds": 0.5})
    lost = Desk(connection=desk.connection, settings=elsewhere, now=desk.now)
    with pytest.raises(BrokerRefused, match=r"has not taken up the new password file within 0\.5 s"):
        await enrolment.admit(lost, {"D1": "secret"})
    assert stored(database)[-1] is None
    with pytest.raises(BrokerRefused):
        await enrolment.revoke(lost, ["D1"])


async def test_a_broker_that_is_away_is_named(desk, broker):
    await enrolment.register(desk, NEW)
    broker.server.kill()
    settings = desk.settings.model_copy(update={"enrolment_timeout_seconds": 0.5})
    hurried = Desk(connection=desk.connection, settings=settings, now=desk.now)
    with pytest.raises(BrokerAway, match=f"{broker.url} cannot be reached"):
        await enrolment.admit(hurried, {"D1": "secret"})
    broker.server.start()
    await enrolment.admit(desk, {"D1": "secret"})


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (NewTransmitter(transmitter_id="D/1"), "'D/1' cannot be an id"),
        (NewTransmitter(transmitter_id="D1"), "say its class"),
        (NewTransmitter(transmitter_id="D1", transmitter_class=TransmitterClass.BRIDGE), "say its key unit or village"),
        (NewTransmitter(transmitter_id="D1", transmitter_class=TransmitterClass.BRIDGE, village_id="V7"), "no village V7"),
        (NewTransmitter(transmitter_id="D1", transmitter_class=TransmitterClass.BRIDGE, key_unit_id="U7"), "no key unit U7"),
        (
            NewTransmitter(transmitter_id="D1", transmitter_class=TransmitterClass.BRIDGE, key_unit_id="U1", village_id="V2"),
            "key unit U1 stands in V1, not in V2",
        ),
    ],
)
async def test_what_is_not_enough_for_a_new_transmitter(*, desk, database, wanted, sentence):
    with pytest.raises(EnrolmentError, match=sentence):
        await enrolment.register(desk, wanted)
    assert stored(database) is None


async def test_what_is_said_must_fit_the_register(desk):
    await enrolment.register(desk, NEW)
    await enrolment.register(desk, NewTransmitter(transmitter_id="D1", village_id="V1", accepted_on=TODAY))
    with pytest.raises(EnrolmentError, match="village_id = V1 for D1, not V2"):
        await enrolment.register(desk, NewTransmitter(transmitter_id="D1", village_id="V2"))
    with pytest.raises(EnrolmentError, match="was accepted on 2026-05-01"):
        await enrolment.accept(desk.connection, "D1", on=date(2026, 4, 1))


async def test_days_of_withdrawal_that_cannot_be(desk):
    await enrolment.register(desk, NEW)
    with pytest.raises(EnrolmentError, match="accepted on 2026-05-01 and cannot be withdrawn before"):
        await enrolment.withdraw(desk, "D1", on=date(2026, 4, 30))
    with pytest.raises(EnrolmentError, match="after today, 2026-05-01"):
        await enrolment.withdraw(desk, "D1", on=date(2026, 5, 2))
    with pytest.raises(EnrolmentError, match="'D7' is not in the register"):
        await enrolment.withdraw(desk, "D7", on=TODAY)


async def test_acceptance_can_follow_later(desk, database):
    await enrolment.register(desk, NewTransmitter(transmitter_id="D1", village_id="V1", transmitter_class=TransmitterClass.BRIDGE))
    await enrolment.register(desk, NewTransmitter(transmitter_id="D1", accepted_on=TODAY))
    assert stored(database)[3] == TODAY


async def test_over_tls_the_broker_must_prove_itself(server_folder, tmp_path):
    files = make_certificates(server_folder / "certificates")
    server = Broker(BrokerSettings(folder=server_folder / "broker-tls", tls=files))
    server.set_passwords({"T1": "secret"})
    server.start()
    try:
        plain = EnrolmentSettings(
            registry_database_url="",
            broker_url=server.tls_url,
            broker_ca_file=files.authority,
            broker_password_file=server.passwords,
        )
        assert await try_sign_in(plain, "T1", password="secret") is Answer.ACCEPTED
        assert await try_sign_in(plain, "T1", password="wrong") is Answer.REFUSED
        with pytest.raises(BrokerAway, match="certificate verify failed"):
            await try_sign_in(plain.model_copy(update={"broker_ca_file": None}), "T1", password="secret")
        with pytest.raises(ConfigurationError, match=r"cannot read the certificate authority .*nowhere\.pem"):
            await try_sign_in(plain.model_copy(update={"broker_ca_file": tmp_path / "nowhere.pem"}), "T1", password="secret")
    finally:
        server.kill()
