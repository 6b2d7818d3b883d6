"""The simulator on the shell."""

import asyncio
import json
import threading

import pytest
import typer
from typer.testing import CliRunner

from runtime.errors import ConfigurationError
from signals.topics import MessageClass
from simulator.commands import register
from simulator.ledger import Ledger
from simulator.settings import read_credentials
from stack.private import WORLD
from tests.simulator.books import Books
from tests.simulator.centre import centre_at


@pytest.fixture
def wanghuo(monkeypatch, tmp_path):
    app = typer.Typer()
    register(app)
    runner = CliRunner()

    def run(*arguments, expect=0, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"WANGHUO_{name.upper()}", str(value))
        result = runner.invoke(app, [str(argument) for argument in arguments])
        if isinstance(result.exception, ConfigurationError) and expect == 2:
            return str(result.exception)
        assert result.exit_code == expect, (result.output, result.exception)
        return result.output

    monkeypatch.setenv("WANGHUO_ENVIRONMENT_FILE", str(tmp_path / "none"))
    return run


@pytest.fixture
def centre(broker):
    """A centre in a thread of its own, because a command takes the whole main thread."""
    started, stopping, found = threading.Event(), asyncio.Event(), []

    async def listen():
        async with centre_at(broker) as listening:
            found.extend([listening, asyncio.get_running_loop()])
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=asyncio.run, args=(listen(),))
    thread.start()
    assert started.wait(60)
    yield found[0]
    found[1].call_soon_threadsafe(stopping.set)
    thread.join(60)


@pytest.fixture
def credentials(broker, tmp_path):
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({name: broker.passwords[name] for name in ("T1", "T2", "T3", "T4")}))
    return path


def test_a_township_is_written_the_same_for_the_same_seed(wanghuo, tmp_path):
    for folder in ("one", "two"):
        output = wanghuo("simulator", "township", tmp_path / folder, "--seed", 7, "--key-units", 12, "--points", 3)
        assert f"transmitter: {tmp_path / folder / 'transmitter.csv'}" in output
    for name in ("village.csv", "key_unit.csv", "transmitter.csv", "point.csv"):
        assert (tmp_path / "one" / name).read_text() == (tmp_path / "two" / name).read_text() != ""


def test_scenarios_and_timetables_are_played_and_the_ledger_keeps_them(wanghuo, broker, centre, credentials, tmp_path):
    timetable = tmp_path / "odd.txt"
    timetable.write_text("0.1 T2 begin smells_odd 9\n0.2 T3 begin fault 1 # twice\n0.3 T3 repeat 1\n")
    ledger = tmp_path / "ledger.jsonl"
    options = ("--duration", 2, "--heartbeat", 1, "--telemetry", 0.5, "--ledger", ledger)
    variables = {"broker_url": broker.url, "simulator_credentials_file": credentials}
    output = wanghuo("simulator", "run", "fire", timetable, *options, **variables)
    entries = Ledger.read(ledger).entries
    assert f"4 transmitters said {len(entries)} objects, {len(entries)} confirmed" in output
    kinds = {entry.members["kind"] for entry in entries}
    assert {"fire_alarm", "manual_alarm", "smells_odd", "fault"} <= kinds
    assert {one["kind"] for one in centre.objects(MessageClass.SIGNAL)} == kinds


def test_a_fire_is_replayed_on_chosen_detectors(wanghuo, broker, centre, credentials, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    variables = {"broker_url": broker.url, "simulator_credentials_file": credentials}
    wanghuo("simulator", "replay", "T1", "T3", "--factor", 200, "--until", 160, "--ledger", ledger, **variables)
    assert sorted(entry.transmitter_id for entry in Ledger.read(ledger).entries) == ["T1", "T3"]
    assert len(centre.objects(MessageClass.TELEMETRY, "T1")) == len(centre.objects(MessageClass.TELEMETRY, "T3")) == 282


def test_a_flood_is_poured_and_counted(wanghuo, world, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    variables = {"broker_url": world.url, "simulator_world_password": world.passwords[WORLD]}
    output = wanghuo("simulator", "flood", "--rate", 500, "--duration", 1, "--transmitters", 20, "--ledger", ledger, **variables)
    assert output.startswith("500 readings sent, 500 acknowledged by the broker")
    assert [len(found.acknowledged) for found in Ledger.read(ledger).telemetry.values()] == [25] * 20


def test_transmitters_and_floods_speak_tls_to_a_broker_they_know(wanghuo, world, authority, tmp_path):
    credentials = tmp_path / "credentials"
    credentials.write_text(f"T1,{world.passwords['T1']}\n")
    variables = {
        "broker_url": world.server.tls_url,
        "broker_ca_file": authority.authority,
        "simulator_credentials_file": credentials,
        "simulator_world_password": world.passwords[WORLD],
    }
    timetable = tmp_path / "nothing.txt"
    timetable.write_text("0 T1 repeat 1\n")
    assert "1 transmitters said 0 objects" in wanghuo("simulator", "run", timetable, "--duration", 1, **variables)
    assert "100 acknowledged" in wanghuo("simulator", "flood", "--rate", 100, "--duration", 1)
    strange = {"broker_ca_file": credentials}
    assert "cannot read the certificate authority" in wanghuo("simulator", "flood", expect=2, **strange)


def test_what_cannot_be_played_is_said_before_anything_is(wanghuo, broker, credentials, tmp_path):
    good = {"broker_url": broker.url, "simulator_credentials_file": credentials}
    assert "no scenario fier; there are ordinary_day" in wanghuo("simulator", "run", "fier", expect=2, **good)
    assert "no measured fire Troy" in wanghuo("simulator", "replay", "T1", "--fire", "Troy", expect=2, **good)
    assert "measured in 4 quadrants, not in 5" in wanghuo("simulator", "replay", *"ABCDE", expect=2, **good)
    assert "no password for 1 transmitters, among them T9" in wanghuo("simulator", "replay", "T9", expect=2, **good)
    away = {**good, "simulator_credentials_file": tmp_path / "nowhere"}
    assert "cannot read the credentials" in wanghuo("simulator", "run", "fire", expect=2, **away)


@pytest.mark.parametrize("text", ['{"T1": "a", "T-2": "b,c"}', "T1,a\nT-2,b,c\n"])
def test_credentials_are_json_or_what_enrol_all_prints(tmp_path, text):
    path = tmp_path / "credentials"
    path.write_text(text)
    assert read_credentials(path) == {"T1": "a", "T-2": "b,c"}


@pytest.mark.parametrize("text", ["", "{}", '{"T1": 7}', "{", "no comma\n", "T/1,a\n"])
def test_credentials_that_are_none_are_refused(tmp_path, text):
    path = tmp_path / "credentials"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match="credentials"):
        read_credentials(path)


def test_a_ledger_is_checked_against_the_database(wanghuo, database, tmp_path):
    books = Books(database.owner_url, path=tmp_path / "ledger.jsonl")
    books.plays("T1")
    books.say("T1", "fire_alarm")
    books.measure("T1", 5)
    books.ledger.flush()
    check = ("ledger", "check", books.path, "--patience", 0)
    reader = {"reader_database_url": database.url("wanghuo_reader")}
    assert "verdict: good" in wanghuo(*check, **reader)
    books.execute("DELETE FROM telemetry WHERE seq = 3")
    output = wanghuo(*check, expect=1)
    assert "verdict: BAD" in output
    assert "telemetry lost: T1 boot 7: 1 readings" in output
    assert "verdict: good" in wanghuo(*check, "--tolerate", "telemetry lost")
    assert "nothing is called 'rain'" in wanghuo(*check, "--tolerate", "rain", expect=2)
    books.path.write_text("nonsense\n")
    assert "line 1: no event of a ledger" in wanghuo(*check, expect=2)
    books.connection.close()


def test_scenarios_are_listed_with_what_they_are(wanghuo):
    assert "wiped            A device loses its memory" in wanghuo("simulator", "scenarios")
