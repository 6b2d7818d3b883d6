"""How devices in the field depart from the standard, and what their profiles forgive and read."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signals.gb26875 import clock, content
from signals.gb26875.frames import Frame, read_one
from signals.gb26875.profiles import PROFILES, STANDARD, Departure
from signals.gb26875.statements import State, Unreadable
from signals.gb26875.tables import Command

SPECIFIED = [json.loads(line) for line in (Path(__file__).parents[1] / "data/gb26875/vectors.jsonl").read_text().splitlines()]
AT = datetime(2026, 3, 7, 6, 30, 5, tzinfo=UTC)


def frame(data: bytes = b"", **members) -> Frame:
    given = {"serial": 1, "time": clock.write(AT), "source": bytes(6), "destination": bytes(6), "command": Command.SEND_DATA}
    return Frame(**{**given, "data": data, **members})


@pytest.mark.parametrize("vector", [one for one in SPECIFIED if "adu" in one["meaning"]], ids=lambda one: one["id"])
def test_a_sound_frame_has_no_departure_but_those_of_the_field(vector):
    found = read_one(bytes.fromhex(vector["hex"]))
    assert found is not None
    departures = STANDARD.departures(found)
    assert (Departure.CHECKSUM in departures) is not vector["checksum_ok"]
    assert PROFILES["strict"].accepts == frozenset()


def test_profiles():
    beat, tanda = frame(), frame(b"\x09\x00")
    assert STANDARD.is_heartbeat(beat)
    assert not STANDARD.is_heartbeat(tanda)
    assert PROFILES["tanda_tx3016a"].is_heartbeat(tanda)
    assert not PROFILES["strict"].is_heartbeat(beat)
    asked = frame(source=b"123456", destination=b"abcdef")
    assert asked.answered(Command.CONFIRM, time=asked.time, swapped=True) == asked.reply(Command.CONFIRM, time=asked.time).encode()
    kept = read_one(asked.answered(Command.CONFIRM, time=asked.time, swapped=PROFILES["tanda_tx3016a"].swaps_addresses))
    assert kept is not None
    assert (kept.source, kept.destination) == (b"123456", b"abcdef")
    odd = frame(b"\x02\x01" + bytes(50))._replace(version=(2, 0), time=bytes(6))
    assert STANDARD.departures(odd) == [Departure.VERSION, Departure.CLOCK, Departure.SIZE]


def by_id(name):
    (vector,) = [one for one in SPECIFIED if one["id"] == name]
    found = read_one(bytes.fromhex(vector["hex"]))
    assert found is not None
    return found.data


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("gb-053", [("1-00125302", ("gb26875:tanda_status_83",), "")]),
        ("gb-057", [("1-10101013", ("gb26875:tanda_status_1",), "一层右梯口")]),
        ("gb-087", [("1-10101092", ("feedback",), "一层雨淋阀间"), ("1-00102169", ("feedback",), "泵房喷淋泵低压开关")]),
    ],
)
def test_a_tanda_tells_its_points_and_an_unknown_code_rings(name, told):
    found = PROFILES["tanda_tx3016a"].statements(by_id(name))
    assert [(one.point, one.active, one.detail["text"]) for one in found if isinstance(one, State)] == told
    assert all(one.covers == one.active and one.detail["time"][:2] == "20" for one in found if isinstance(one, State))
    assert isinstance(STANDARD.statements(by_id(name))[0], Unreadable)


def test_a_state_without_its_time_is_read_where_the_profile_says_so():
    for name in ("gb-043", "gb-044"):
        (found,) = PROFILES["untimed"].statements(by_id(name))
        assert isinstance(found, State)
        assert (found.point, found.active, found.occurred_at) == ("", (), None)
        assert isinstance(STANDARD.statements(by_id(name))[0], Unreadable)
    whole = content.encode({"type": 24, "count": 1, "objects": [{"operations": ["reset"], "operator": 1, "time": None}]})
    assert PROFILES["untimed"].statements(whole) == STANDARD.statements(whole)


def test_an_object_that_never_has_a_time_is_no_untimed_one():
    """A configuration is as long as its text says; its text may have any length."""
    for data in (b"\x1a\x01\x05\xd7\xb0\xd6\xc3A", b"\x06\x01\x01\x02\x01A", b"\x1c\x01"):
        assert PROFILES["untimed"].statements(data) == STANDARD.statements(data)
