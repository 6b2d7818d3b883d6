"""The registry on the shell, as officials and scripts use it."""

import asyncio
import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from registry.commands import register
from registry.days import day_of
from registry.settings import EnrolmentSettings
from registry.sign_in import Answer, try_sign_in
from runtime.errors import ConfigurationError, WanghuoError
from runtime.settings import load

TIMEOUT_SECONDS = 60


@pytest.fixture
def wanghuo(database, broker, monkeypatch):
    variables = {
        "REGISTRY_DATABASE_URL": database.url("wanghuo_registry"),
        "READER_DATABASE_URL": database.url("wanghuo_reader"),
        "BROKER_URL": broker.url,
        "BROKER_PASSWORD_FILE": str(broker.server.passwords),
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"WANGHUO_{name}", value)
    app = typer.Typer()
    register(app)
    runner = CliRunner()

    def run(*arguments, stdin=None, expect=0):
        result = runner.invoke(app, list(arguments), input=stdin)
        if isinstance(result.exception, WanghuoError) and expect == 1:
            return f"{result.stdout}{result.exception}"
        assert result.exit_code == expect, (result.output, result.exception)
        return result.stdout if expect == 0 else result.output

    return run


def signs_in(name, password):
    return asyncio.run(try_sign_in(load(EnrolmentSettings), name, password=password)) is Answer.ACCEPTED


def test_from_a_table_to_a_device_that_signs_in_and_out_again(wanghuo, tmp_path):
    tables = {
        "villages": "village_id,name\nV1,白奇村[一]\n",
        "key-units": "key_unit_id,village_id,name,has_control_room,listed_on\nU1,V1,幼儿园,是,2024-01-01\n",
        "transmitters": "transmitter_id,key_unit_id,class\nT91,U1,control_room\nT92,U1,detector\n",
        "points": "transmitter_id,point,place\nT91,1-2-3,走廊\n",
    }
    options = []
    for name, text in tables.items():
        path = tmp_path / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        options += [f"--{name}", str(path)]
    assert "nothing was changed" in wanghuo("registry", "import", *options, "--dry-run")
    assert wanghuo("registry", "list").count("\n") == 1
    assert "transmitter  2" in wanghuo("registry", "import", *options)

    password = wanghuo("registry", "enrol", "T91", "--accepted-on", "2026-01-01").strip()
    assert signs_in("T91", password)
    assert wanghuo("registry", "enrol-all").startswith("T92,")
    assert wanghuo("registry", "rotate", "T91", "--password-stdin", stdin="secret\n") == ""
    assert signs_in("T91", "secret")
    assert not signs_in("T91", password)

    shown = json.loads(wanghuo("registry", "show", "T91", "--json"))
    assert shown["transmitter"]["village"] == "白奇村[一]"
    assert shown["transmitter"]["accepted_on"] == "2026-01-01"
    assert [one["point"] for one in shown["points"]] == ["1-2-3"]
    assert "白奇村[一]" in wanghuo("registry", "show", "T91")
    assert "No messages are known to be missing" in wanghuo("registry", "show", "T91")

    wanghuo("registry", "accept", "T92")
    wanghuo("registry", "withdraw", "T91")
    assert not signs_in("T91", "secret")
    wanghuo("registry", "revoke", "T92")
    listed = {one["transmitter_id"]: one for one in json.loads(wanghuo("registry", "list", "--village", "V1", "--json"))}
    assert listed["T91"]["withdrawn_on"] == str(day_of(datetime.now(UTC)))
    assert [one["enrolled_at"] for one in listed.values()] == [None, None]
    assert "cannot be removed" in wanghuo("registry", "remove-village", "V1", expect=1)


def test_problems_of_a_table_are_listed(wanghuo, tmp_path):
    path = tmp_path / "villages.csv"
    path.write_text("village_id,name\n?,x\n!,y\n_unassigned,z\n")
    assert wanghuo("registry", "import", "--villages", str(path), expect=1).splitlines() == [
        "nothing was imported, 3 problems found:",
        "  villages.csv:2: village_id: '?': an id has 1 to 64 of the characters A-Z a-z 0-9 _ -",
        "  villages.csv:3: village_id: '!': an id has 1 to 64 of the characters A-Z a-z 0-9 _ -",
        "  villages.csv:4: village_id: '_unassigned': _unassigned stands for no village at all; choose another id",
    ]
    wanghuo("registry", "import", expect=2)


def test_the_ratio_of_today_and_of_a_day(wanghuo, township):
    now = datetime.now(UTC)
    township.example(now)
    found = json.loads(wanghuo("connection", "show", "--json"))
    assert found["definition_version"] == 1
    figures = {(one["village_id"], one["denominator"]): (one["units"], one["connected"], one["online"]) for one in found["figures"]}
    assert figures == {
        ("V1", "all"): (3, 2, 1),
        ("V2", "all"): (1, 0, 0),
        (None, "all"): (4, 2, 1),
        ("V1", "control_room"): (1, 1, 1),
        ("V2", "control_room"): (1, 0, 0),
        (None, "control_room"): (2, 1, 1),
    }
    text = wanghuo("connection", "show")
    assert "50.0%" in text
    assert "rest on the dates of acceptance alone" in text
    past = json.loads(wanghuo("connection", "show", "--on", str(day_of(now) - timedelta(days=35)), "--village", "V2", "--json"))
    assert [(one["village_id"], one["connected"]) for one in past["figures"]] == [("V2", 1), ("V2", 1)]
    wanghuo("connection", "show", "--on", str(day_of(now) + timedelta(days=1)), expect=2)
    wanghuo("connection", "show", "--on", "yesterday", expect=2)
    assert "no village V7" in wanghuo("connection", "show", "--village", "V7", expect=1)


def test_who_is_missing_and_why(wanghuo, township):
    township.example(datetime.now(UTC))
    missing = json.loads(wanghuo("connection", "units", "--json"))
    assert [(one["key_unit_id"], one["reason"], one["transmitter_id"]) for one in missing] == [
        ("U3", "no_transmitter", None),
        ("U4", "lapsed", "T4"),
    ]
    assert len(json.loads(wanghuo("connection", "units", "--all", "--village", "V1", "--json"))) == 3
    assert "lapsed: silent for too long" in wanghuo("connection", "units")


def test_snapshots_on_record(wanghuo, township):
    township.example(datetime.now(UTC))
    taken = json.loads(wanghuo("connection", "snapshot", "--json"))
    assert [one["reason"] for one in taken["evidence"]] == ["connected", "connected", "no_transmitter", "lapsed"]
    assert json.loads(wanghuo("connection", "history", "--days", "2", "--json")) == [taken]
    assert "on_demand" in wanghuo("connection", "history")


def test_a_village_written_down_by_mistake(wanghuo, township):
    township.village("V1")
    wanghuo("registry", "remove-village", "V1")
    assert "no village V1" in wanghuo("registry", "remove-village", "V1", expect=1)
    assert township.run("SELECT count(*) FROM village") == [(0,)]


def test_a_password_that_the_broker_has_not_taken_yet_is_told_all_the_same(wanghuo, township, monkeypatch):
    township.village("V1")
    passwords = os.environ["WANGHUO_BROKER_PASSWORD_FILE"]
    monkeypatch.setenv("WANGHUO_BROKER_PASSWORD_FILE", f"{passwords}.elsewhere")
    monkeypatch.setenv("WANGHUO_ENROLMENT_TIMEOUT_SECONDS", "0.3")
    password, sentence = wanghuo("registry", "enrol", "T91", "--village", "V1", "--class", "bridge", expect=1).splitlines()
    assert "has not taken up the new password file within 0.3 s" in sentence
    Path(passwords).write_text(Path(f"{passwords}.elsewhere").read_text())
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not signs_in("T91", password):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_is_not_configured_is_named(wanghuo, monkeypatch):
    monkeypatch.delenv("WANGHUO_REGISTRY_DATABASE_URL")
    monkeypatch.delenv("WANGHUO_BROKER_PASSWORD_FILE")
    with pytest.raises(ConfigurationError, match="the configuration is incomplete") as caught:
        load(EnrolmentSettings)
    assert {"WANGHUO_REGISTRY_DATABASE_URL", "WANGHUO_BROKER_PASSWORD_FILE"} <= {
        line.split(":")[0].strip() for line in str(caught.value).splitlines()
    }
