"""The lanes as processes: the whole way, and every way it can be cut."""

import asyncio
import socket
import subprocess
import sys
from datetime import UTC, datetime

import aiomqtt
import psycopg
import pytest
from ingest_service import LaneService, device, eventually
from ingest_world import column, enrol, reading, rows, signal

from stack.ports import LOOPBACK

STORED = "SELECT count(*) FROM signal WHERE class = 'signal'"
INBOX = "SELECT count(*) FROM signal_inbox"


@pytest.fixture
def signal_lane(database, broker, tmp_path):
    enrol(database, "T1", "T2")
    lane = LaneService("signal", database=database, broker=broker, folder=tmp_path)
    yield lane
    lane.stop()


@pytest.fixture
def telemetry_lane(database, broker, tmp_path):
    enrol(database, "T1", "T2")
    lane = LaneService("telemetry", database=database, broker=broker, folder=tmp_path)
    yield lane
    lane.stop()


async def test_devices_of_both_protocols_are_stored_and_confirmed(signal_lane, broker, database):
    signal_lane.start()
    async with device(broker, "T1") as new, device(broker, "T2", protocol=aiomqtt.ProtocolVersion.V311) as old:
        for transmitter in (new, old):
            await transmitter.say("signal", [signal(1), signal(2)])
            command = await transmitter.told()
            assert (command["name"], command["class"], command["boot"], command["seqs"]) == ("confirm", "signal", 1, [1, 2])
            issued, expires = datetime.fromisoformat(command["issued_at"]), datetime.fromisoformat(command["expires_at"])
            assert issued < expires
            assert issued <= datetime.now(UTC)
            if transmitter is new:
                assert 0 < transmitter.expiries[-1] <= (expires - issued).total_seconds(), "the broker drops it in time"
            assert column(database, f"{STORED} AND transmitter_id = %s", transmitter.name) == [2], "confirmed is stored"
        await new.say("signal", signal(5))
        assert (await new.told())["seqs"] == [5]
        asked = await new.told()
        assert (asked["name"], asked["class"], asked["ranges"]) == ("resend", "signal", [[3, 4]])
        await new.say("reply", {"boot": 1, "seq": 1, "to": asked["id"], "ok": True, "gone": [[3, 4]]})
        assert (await new.told())["class"] == "reply"
    assert column(database, "SELECT state FROM sequence_gap") == ["unrecoverable"]
    assert signal_lane.metric("wanghuo_ingest_confirmed_total") == 6
    assert signal_lane.metric("wanghuo_ingest_device_to_stored_seconds_count") == 5, "the reply had no clock"


async def test_a_device_that_retains_its_signals_is_alive_and_does_not_ring_at_every_restart(signal_lane, broker, database):
    signal_lane.start()
    fire = {"point": "1", "kind": "fire_alarm", "active": True}
    async with device(broker, "T1") as transmitter:
        await transmitter.say("signal", fire, retain=True)
        await eventually(lambda: column(database, "SELECT transmitter_id FROM presence") == ["T1"], what="it was not heard live")
        signal_lane.stop()
        signal_lane.start()
        await transmitter.say("signal", signal(1))
        await transmitter.told()
    assert signal_lane.metric("wanghuo_ingest_objects_total") == 1


async def test_it_says_how_it_is(signal_lane, database):
    signal_lane.start()
    span = "SELECT up_from, heard_until FROM ingest_uptime WHERE lane = 'signal'"
    await eventually(lambda: [row for row in rows(database, span) if row["heard_until"] > row["up_from"]], what="no span grows")
    health = signal_lane.health()
    assert (health["ready"], health["connected"], health["lane"]) == (True, True, "signal")
    assert health["last_commit_age_seconds"] < 60
    assert health["backlog_seconds"] < 60


@pytest.mark.parametrize("failpoint", ["ingest.before_commit", "ingest.after_commit", "ingest.after_confirm"])
async def test_killed_on_the_way_it_stores_once_and_confirms(signal_lane, broker, database, failpoint):
    """COMMIT → confirm → PUBACK: what was not acknowledged comes again, what was stored is stored once."""
    signal_lane.start(failpoint=failpoint)
    async with device(broker, "T1") as transmitter:
        await transmitter.say("signal", signal(1))
        await eventually(lambda: not signal_lane.running, what="the failpoint was not passed")
        assert column(database, STORED) == [failpoint != "ingest.before_commit"]
        confirmed_before = transmitter.commands.qsize()
        signal_lane.start()
        await eventually(lambda: signal_lane.metric("wanghuo_ingest_redeliveries_total"), what="it was acknowledged already")
        command = await transmitter.told()
        assert command["seqs"] == [1]
        assert column(database, STORED) == column(database, INBOX) == [1]
        if failpoint == "ingest.after_commit":
            assert confirmed_before == 0


async def test_killed_telemetry_is_stored_and_handed_over_once(telemetry_lane, broker, database):
    telemetry_lane.start(failpoint="ingest.after_commit")
    async with device(broker, "T1") as transmitter:
        for seq in range(10):
            await transmitter.say("telemetry", reading(seq))
        await eventually(lambda: not telemetry_lane.running, what="the failpoint was not passed")
        telemetry_lane.start()
        await transmitter.say("telemetry", [reading(10), reading(11)], qos=0)
        await transmitter.say("heartbeat", {"boot": 1, "seq": 1, "interval_seconds": 60}, qos=0)
        await eventually(lambda: column(database, "SELECT count(*) FROM telemetry") == [12])
        await eventually(lambda: column(database, "SELECT interval_seconds FROM presence") == [60])
    assert column(database, "SELECT sum(readings) FROM telemetry_inbox") == [12]
    assert telemetry_lane.metric("wanghuo_ingest_redeliveries_total") > 0
    assert telemetry_lane.health()["lane"] == "telemetry"


async def test_the_database_goes_away_and_comes_back(signal_lane, broker, database):
    signal_lane.start()
    async with device(broker, "T1") as transmitter:
        await transmitter.say("signal", signal(1))
        assert (await transmitter.told())["seqs"] == [1]
        await asyncio.to_thread(database.server.stop)
        for seq in range(2, 50):
            await transmitter.say("signal", signal(seq))
        await eventually(lambda: "database" in signal_lane.health().get("problems", {}), what="it does not say so")
        assert transmitter.commands.empty(), "nothing is confirmed that is not stored"
        await asyncio.to_thread(database.server.start)
        confirmed: set[int] = set()
        while confirmed != set(range(2, 50)):
            confirmed |= set((await transmitter.told())["seqs"])
    assert column(database, STORED) == column(database, INBOX) == [49]
    await eventually(lambda: signal_lane.health().get("ready"))


async def test_the_broker_goes_away_and_comes_back(signal_lane, broker, database):
    signal_lane.start()
    async with device(broker, "T1") as transmitter:
        await transmitter.say("signal", signal(1))
        await transmitter.told()
    await asyncio.to_thread(broker.server.stop)
    await eventually(lambda: "broker" in signal_lane.health().get("problems", {}), what="it does not say so")
    await asyncio.to_thread(broker.server.start)
    async with device(broker, "T1") as transmitter:
        await transmitter.say("signal", signal(2))
        # The first comes again with it where the broker went away between its confirmation and our acknowledgement.
        while 2 not in (await transmitter.told())["seqs"]:
            pass
    await eventually(lambda: len(rows(database, "SELECT * FROM ingest_uptime")) == 2, what="the outage lies in no gap")


async def test_a_full_disk_is_said_and_costs_nothing(signal_lane, broker, database):
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON signal EXECUTE FUNCTION full_disk()")
    signal_lane.start()
    async with device(broker, "T1") as transmitter:
        await transmitter.say("signal", signal(1))
        problem = await eventually(lambda: signal_lane.health().get("problems", {}).get("database"))
        assert "disk is full" in problem
        assert "disk is full" in signal_lane.log()
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("DROP TRIGGER full_disk ON signal")
        assert (await transmitter.told())["seqs"] == [1]
    assert column(database, INBOX) == [1]


def run(lane: LaneService, **changed: str | None) -> subprocess.CompletedProcess[str]:
    """The lane until it ends by itself."""
    environment = {name: value for name, value in {**lane.environment, **changed}.items() if value is not None}
    command = [sys.executable, "-m", "stack.cli", "ingest", lane.lane]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_everything_missing_is_said_at_once(signal_lane):
    ended = run(signal_lane, **{name: None for name in signal_lane.environment if not name.endswith("_FILE")})
    assert ended.returncode == 2
    for name in ("BROKER_URL", "INGEST_DATABASE_URL", "INGEST_BROKER_PASSWORD"):
        assert f"WANGHUO_{name}" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_in_use_is_said_in_a_sentence(telemetry_lane):
    with socket.create_server((LOOPBACK, telemetry_lane.port)):
        ended = run(telemetry_lane)
    assert ended.returncode == 2
    assert str(telemetry_lane.port) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_certificate_authority_that_cannot_be_read_is_said_in_a_sentence(signal_lane):
    ended = run(signal_lane, WANGHUO_BROKER_URL="mqtts://localhost:8883", WANGHUO_BROKER_CA_FILE="/nowhere.pem")
    assert ended.returncode == 2
    assert "cannot read the certificate authority /nowhere.pem" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_of_another_version_is_refused_in_a_sentence(signal_lane, database):
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("INSERT INTO schema_migration (name, checksum) VALUES ('9999_future', 'x')")
    ended = run(signal_lane)
    assert ended.returncode == 2
    assert "9999_future" in ended.stderr
    assert "Traceback" not in ended.stderr
