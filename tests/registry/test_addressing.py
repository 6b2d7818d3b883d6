"""Devices that speak GB/T 26875.3: their addresses as people write them, and enrolment by address."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_network

import psycopg
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from registry import enrolment
from registry.addressing import enrol_by_address, read_way
from registry.commands import register
from registry.enrolment import Desk, EnrolmentError, NewTransmitter
from registry.points import Points
from registry.ratio import TransmitterClass
from registry.session import session
from registry.settings import EnrolmentSettings
from registry.sign_in import Answer, try_sign_in
from runtime.errors import WanghuoError
from signals.gb26875.addresses import number_of, read_address

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)
TIMEOUT_SECONDS = 60
ADDRESS = "385b01000000"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("385b01000000", ADDRESS),
        ("385B01000000", ADDRESS),
        ("38:5b:01:00:00:00", ADDRESS),
        ("38-5B-01-00-00-00", ADDRESS),
        ("38 5b 01 00 00 00", ADDRESS),
        ("88888", ADDRESS),
        ("0", "000000000000"),
        ("281474976710655", "ffffffffffff"),
        ("010000000000", "010000000000"),
    ],
)
def test_an_address_as_people_write_it(written, read):
    assert read_address(written) == read


@pytest.mark.parametrize(
    "written", ["", "385b", "281474976710656", "-1", "38:5b:01:00:00", "38:5b-01:00:00:00", "385b0100000g", "1.2.3.4", "٣"]
)
def test_what_is_no_address(written):
    with pytest.raises(ValueError, match="write its six bytes as on the wire"):
        read_address(written)


@given(st.binary(min_size=6, max_size=6))
def test_an_address_is_its_number(raw):
    number = str(number_of(raw.hex()))
    assert read_address(raw.hex()) == raw.hex()
    assert len(number) == 12 or read_address(number) == raw.hex()


def a_way(name="C1", *, address=ADDRESS, network=None, profile="standard", **known):
    known = known or {"key_unit_id": "U1", "transmitter_class": TransmitterClass.CONTROL_ROOM}
    return read_way(NewTransmitter(transmitter_id=name, **known), address=address, network=network, profile=profile)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"address": "x"}, "is no address of GB/T 26875.3"),
        ({"network": "10.1.0.5/16"}, "has host bits set"),
        ({"network": "nowhere"}, "does not appear to be an IPv4 or IPv6 network"),
        ({"profile": "odd"}, "there is no profile 'odd'; there are standard, strict"),
    ],
)
def test_what_cannot_be_read_is_named(wrong, why):
    with pytest.raises(EnrolmentError, match=why):
        a_way(**wrong)


@pytest.fixture
def settings(database, broker):
    return EnrolmentSettings(
        registry_database_url=database.url("wanghuo_registry"),
        broker_url=broker.url,
        broker_password_file=broker.server.passwords,
        enrolment_timeout_seconds=TIMEOUT_SECONDS,
    )


@pytest.fixture
async def connection(database, township):
    township.village("V1")
    township.unit("U1", "V1", control_room=True)
    async with session(database.url("wanghuo_registry"), name="test") as connection:
        yield connection


def devices(database):
    with psycopg.connect(database.owner_url) as connection:
        statement = (
            "SELECT transmitter_id, address, source_network, profile, enrolled_at FROM gb26875_device JOIN transmitter USING"
        )
        return connection.execute(f"{statement} (transmitter_id) ORDER BY 1").fetchall()


async def test_a_panel_is_enrolled_and_may_change_its_way(connection, database, township):
    await enrol_by_address(
        connection, a_way(accepted_on=date(2026, 5, 1), key_unit_id="U1", transmitter_class="control_room"), at=NOW
    )
    assert devices(database) == [("C1", ADDRESS, None, "standard", NOW)]
    assert township.run("SELECT village_id, class, accepted_on FROM transmitter") == [("V1", "control_room", date(2026, 5, 1))]
    later = NOW.replace(hour=9)
    await enrol_by_address(connection, a_way(network="10.1.0.0/16", profile="point_first"), at=later)
    assert devices(database) == [("C1", ADDRESS, ip_network("10.1.0.0/16"), "point_first", NOW)]
    await enrol_by_address(connection, a_way(address="1"), at=later)
    assert devices(database) == [("C1", "010000000000", None, "standard", NOW)]


async def test_an_address_is_one_devices_in_a_network(connection, database):
    await enrol_by_address(connection, a_way("C1"), at=NOW)
    with pytest.raises(EnrolmentError, match=r"385b01000000 \(number 88888\) from anywhere is C1 already"):
        await enrol_by_address(connection, a_way("C2"), at=NOW)
    await enrol_by_address(connection, a_way("C2", network="10.1.0.0/16"), at=NOW)
    with pytest.raises(EnrolmentError, match=r"from 10\.1\.0\.0/16 is C2 already"):
        await enrol_by_address(connection, a_way("C3", network="10.1.0.0/16"), at=NOW)
    assert [row[0] for row in devices(database)] == ["C1", "C2"]


async def test_what_contradicts_the_register_changes_nothing(connection, database, township):
    with pytest.raises(EnrolmentError, match="say its class"):
        await enrol_by_address(connection, a_way(key_unit_id="U1"), at=NOW)
    township.transmitter("C1", unit="U1", kind="control_room", withdrawn_on="2026-05-01")
    with pytest.raises(EnrolmentError, match="class = control_room for C1, not bridge"):
        await enrol_by_address(connection, a_way(transmitter_class=TransmitterClass.BRIDGE), at=NOW)
    with pytest.raises(EnrolmentError, match="was withdrawn on 2026-05-01"):
        await enrol_by_address(connection, a_way(), at=NOW)
    assert devices(database) == []


async def test_a_panel_that_changes_its_wire_keeps_its_id_and_loses_its_password(connection, database, settings, township):
    desk = Desk(connection=connection, settings=settings, now=lambda: NOW)
    await enrolment.register(desk, NewTransmitter(transmitter_id="C1", key_unit_id="U1", transmitter_class="control_room"))
    await enrolment.admit(desk, {"C1": "secret"})
    township.run("INSERT INTO point (transmitter_id, point, name) VALUES ('C1', '1-2-3', 'stairs')")
    with pytest.raises(EnrolmentError, match="C1 is enrolled for MQTT; with --replace"):
        await enrol_by_address(connection, a_way(), at=NOW)
    assert devices(database) == []
    assert await try_sign_in(settings, "C1", password="secret") is Answer.ACCEPTED
    await enrol_by_address(connection, a_way(), at=NOW, replace=True)
    await enrolment.bar(desk, ["C1"])
    assert devices(database) == [("C1", ADDRESS, None, "standard", NOW)]
    assert await try_sign_in(settings, "C1", password="secret") is Answer.REFUSED
    assert township.run("SELECT point, name FROM point") == [("1-2-3", "stairs")]


async def test_whoever_speaks_gb26875_gets_no_password_until_it_is_revoked(connection, database, settings):
    desk = Desk(connection=connection, settings=settings, now=lambda: NOW)
    await enrol_by_address(connection, a_way(), at=NOW)
    assert await enrolment.waiting(desk) == []
    for refused in (enrolment.require_enrolled(desk, "C1"), enrolment.register(desk, NewTransmitter(transmitter_id="C1"))):
        with pytest.raises(EnrolmentError, match=r"C1 speaks GB/T 26875\.3 and has no password"):
            await refused
    await enrolment.revoke(desk, ["C1"])
    assert devices(database) == []
    assert await enrolment.waiting(desk) == ["C1"]
    await enrol_by_address(connection, a_way(), at=NOW)
    await enrolment.withdraw(desk, "C1", on=date(2026, 5, 1))
    assert devices(database) == []


@pytest.fixture
def wanghuo(database, township, monkeypatch):
    """The shell of somebody who has no broker."""
    monkeypatch.setenv("WANGHUO_REGISTRY_DATABASE_URL", database.url("wanghuo_registry"))
    monkeypatch.setenv("WANGHUO_READER_DATABASE_URL", database.url("wanghuo_reader"))
    township.village("V1")
    app = typer.Typer()
    register(app)

    def run(*arguments):
        return CliRunner().invoke(app, ["registry", *arguments])

    return run


def test_on_the_shell_without_a_broker(wanghuo):
    given = ("enrol-gb26875", "C1", "--address", "88888", "--village", "V1", "--class", "control_room")
    assert wanghuo(*given).exit_code == 0
    result = wanghuo(*given, "--network", "10.0.0.0/8", "--profile", "strict", "--accepted-on", "2026-01-01")
    assert result.stderr.strip() == "C1 is enrolled: 385b01000000 (number 88888) from 10.0.0.0/8, profile strict"
    (listed,) = json.loads(wanghuo("list", "--json").stdout)
    assert (listed["wire"], listed["address"], listed["source_network"], listed["profile"], listed["accepted_on"]) == (
        "gb26875",
        ADDRESS,
        "10.0.0.0/8",
        "strict",
        "2026-01-01",
    )
    assert "385b01000000 (88888)" in wanghuo("list").stdout
    assert "10.0.0.0/8" in wanghuo("show", "C1").stdout
    assert isinstance(wanghuo("enrol-gb26875", "C2", "--address", "?").exception, WanghuoError)


def test_on_the_shell_a_wire_is_changed(wanghuo, settings, township, monkeypatch):
    monkeypatch.setenv("WANGHUO_BROKER_URL", settings.broker_url)
    monkeypatch.setenv("WANGHUO_BROKER_PASSWORD_FILE", str(settings.broker_password_file))
    password = wanghuo("enrol", "C1", "--village", "V1", "--class", "control_room").stdout.strip()
    assert "--replace" in str(wanghuo("enrol-gb26875", "C1", "--address", "88888").exception)
    result = wanghuo("enrol-gb26875", "C1", "--address", "88888", "--replace")
    assert result.exit_code == 0, result.exception
    assert asyncio.run(try_sign_in(settings, "C1", password=password)) is Answer.REFUSED
    (listed,) = json.loads(wanghuo("list", "--json").stdout)
    assert listed["wire"] == "gb26875"


async def test_points_of_states_are_found_too(connection, township):
    await enrol_by_address(connection, a_way(), at=NOW)
    township.run(
        "INSERT INTO signal (transmitter_id, origin_key, class, seq, point, detail, occurred_at, occurred_source, received_at, payload)"
        " VALUES ('C1', '0123456789abcdef', 'state', 1, '2-41-8', '{}', %(at)s, 'received', %(at)s, '')",
        {"at": NOW},
    )
    assert await Points().add_seen(connection, now=NOW + timedelta(seconds=1)) == 1
    assert township.run("SELECT point, registered FROM point") == [("2-41-8", False)]
