"""Bad input, reading by reading and heartbeat by heartbeat: a bad value does not lose the others."""

import json

import pytest
from said import HEARTBEAT, READING, only, payload

from signals.border import read_heartbeats, read_telemetry
from signals.messages import Reason, Rejected

BAD_VALUES = {
    "NaN": float("nan"),
    "infinite": float("inf"),
    "a text": "21",
    "a flag": True,
    "null": None,
    "of 400 digits": 10**400,
    "an array": [21],
    "half a surrogate pair": "\ud800",
}


@pytest.mark.parametrize("value", BAD_VALUES.values(), ids=BAD_VALUES)
@pytest.mark.parametrize("many", [False, True], ids=["alone", "in an array"])
def test_a_bad_value_does_not_lose_the_others(value, many):
    reading = {**READING, "values": {**READING["values"], "voltage_volts": value}}
    taken, refused = read_telemetry(payload([READING, reading, READING] if many else reading))
    assert taken == [READING] * (3 if many else 1)
    found = only(refused)
    assert (found.reason, found.item, found.boot, found.seq) == (Reason.METRIC, 1 if many else 0, 7, 12)
    assert found.detail.startswith("unknown metric or bad value: voltage_volts=")
    assert list(json.loads(found.raw)["values"]) == ["voltage_volts"]


@pytest.mark.parametrize("name", ["temperature_fahrenheit", "", "\ud800", "a\x00b", "x" * 10_000])
def test_an_unknown_metric_does_not_lose_the_others(name):
    taken, refused = read_telemetry(payload({**READING, "values": {name: 1, "co_ppm": 3}}))
    assert only(taken)["values"] == {"co_ppm": 3}
    assert only(refused).reason is Reason.METRIC


def test_an_object_of_which_no_value_is_good_is_refused_once():
    taken, refused = read_telemetry(payload({**READING, "values": {"temperature_celsius": "hot"}}))
    assert (taken, [one.reason for one in refused]) == ([], [Reason.METRIC])


NO_READING = {
    "no values": {"boot": 7, "seq": 12, "point": "1-1"},
    "values empty": {**READING, "values": {}},
    "values an array": {**READING, "values": [21.5]},
    "25 values": {**READING, "values": {f"m{number}": 1 for number in range(25)}},
    "no boot": {name: value for name, value in READING.items() if name != "boot"},
    "seq of 30 digits": {**READING, "seq": 10**30},
    "seq a flag": {**READING, "seq": False},
    "point with U+0000": {**READING, "point": "a\x00"},
    "point with half a surrogate pair": {**READING, "point": "\ud800"},
    "point too long": {**READING, "point": "p" * 65},
    "point a number": {**READING, "point": 1},
}


@pytest.mark.parametrize("reading", NO_READING.values(), ids=NO_READING)
def test_what_is_no_reading_is_refused_alone(reading):
    taken, refused = read_telemetry(payload([READING, reading, READING]))
    assert taken == [READING] * 2
    assert [(one.reason, one.item) for one in refused] == [(Reason.MEMBER, 1)]


@pytest.mark.parametrize("at", ["yesterday", 17, None, {}, "9999-12-31T00:00:00Z", "a\x00"])
def test_the_at_of_a_reading_is_passed_on_as_it_came(at):
    taken, refused = read_telemetry(payload({**READING, "at": at}))
    assert refused == []
    assert taken in ([READING], [{**READING, "at": at}])
    assert "at" in taken[0] or at is None


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("power", "sun"),
        ("battery_ratio", "full"),
        ("firmware", "\x00"),
        ("panel_link", 1),
        ("point", "p" * 65),
        ("rssi_dbm", 10**400),
    ],
)
def test_a_heartbeat_is_a_sign_of_life_without_its_bad_members(member, value):
    found = only(read_heartbeats(payload({**HEARTBEAT, member: value})))
    assert not isinstance(found, Rejected)
    assert (found.boot, found.seq, found.interval_seconds, found.point, found.detail) == (7, 12, 60, "", {})


@pytest.mark.parametrize("interval", [0, 604_801, 59.5, "60", None, True, 10**30])
def test_a_heartbeat_without_a_promise_is_refused(interval):
    found = only(read_heartbeats(payload({**HEARTBEAT, "interval_seconds": interval})))
    assert isinstance(found, Rejected)
    assert (found.reason, found.boot, found.seq) == (Reason.MEMBER, 7, 12)


def test_a_whole_heartbeat_is_read():
    said = {"power": "battery", "battery_volts": 3, "battery_ratio": 0.5, "rsrp_dbm": -90, "firmware": "1.2", "panel_link": False}
    found = only(read_heartbeats(payload({**HEARTBEAT, **said, "point": "d1", "at": "2025-03-01T08:00:00+08:00"})))
    assert not isinstance(found, Rejected)
    assert (found.point, found.detail) == ("d1", said)
    assert found.occurred_at is not None
