"""Bad input, signal by signal: a readable alarm is read whatever else is wrong with it."""

import json

import pytest
from said import FIRE, nested, only, payload

from signals.border import read_signal_lane, read_telemetry
from signals.messages import INTEGER_MAXIMUM, Reason, Rejected, Signal
from signals.payloads import LEVELS_MAXIMUM
from signals.topics import MessageClass


def signals(raw):
    return read_signal_lane(MessageClass.SIGNAL, raw)


LOST_MEMBER = {
    "boot of 30 digits": ("boot", 10**30),
    "boot above 2⁵³−1": ("boot", INTEGER_MAXIMUM + 1),
    "negative seq": ("seq", -1),
    "seq a flag": ("seq", True),
    "seq a fraction": ("seq", 12.0),
    "seq a text": ("seq", "12"),
    "seq infinite": ("seq", float("inf")),
    "text with U+0000": ("text", "a\x00b"),
    "text with half a surrogate pair": ("text", "a\ud800"),
    "text too long": ("text", "x" * 201),
    "text an object": ("text", {}),
    "level unknown": ("level", "middling"),
    "level half a surrogate pair": ("level", "\ud800"),
    "confidence NaN": ("confidence", float("nan")),
    "confidence above 1": ("confidence", 1.01),
    "confidence a flag": ("confidence", True),
    "confidence of 400 digits": ("confidence", 10**400),
    "evidence without address": ("evidence", {"sha256": "00"}),
    "evidence with U+0000": ("evidence", {"url": "http://x/\x00"}),
    "values not finite": ("values", {"temperature_celsius": float("-inf")}),
    "values a text": ("values", {"temperature_celsius": "21"}),
    "values under half a surrogate pair": ("values", {"\ud800": 1}),
    "25 values": ("values", {f"m{number}": 1 for number in range(25)}),
    "code null": ("code", None),
    "cause deep": ("cause", json.loads(nested(LEVELS_MAXIMUM + 5))),
}


@pytest.mark.parametrize(("member", "value"), LOST_MEMBER.values(), ids=LOST_MEMBER)
def test_a_readable_alarm_is_read_whatever_else_is_wrong(member, value):
    found = only(signals(payload({**FIRE, member: value})))
    assert isinstance(found, Signal)
    assert (found.point, found.raw_kind, found.active) == ("1-1", "fire_alarm", True)
    assert (found.boot, found.seq) == (None if member == "boot" else 7, None if member == "seq" else 12)
    assert member not in found.detail
    assert only(found.defects).startswith(f"{member}")


MENDED = {
    "active as a word": ("active", "TRUE ", "active", True),
    "active as a number": ("active", 1, "active", True),
    "over as a number": ("active", 0, "active", False),
    "over as a word": ("active", "False", "active", False),
    "point a number": ("point", 17, "point", "17"),
    "point a number of 5,000 digits": ("point", "9" * 5000, "point", "9" * 64),
    "point too long": ("point", "p" * 70, "point", "p" * 64),
    "point with U+0000": ("point", "a\x00", "point", "a\ufffd"),
    "point with half a surrogate pair": ("point", "a\udfff", "point", "a?"),
    "kind with U+0000": ("kind", "fire\x00", "raw_kind", "fire\ufffd"),
    "kind too long": ("kind", "k" * 1000, "raw_kind", "k" * 64),
}


@pytest.mark.parametrize(("member", "value", "attribute", "meant"), MENDED.values(), ids=MENDED)
def test_what_an_alarm_needs_is_read_as_generously_as_it_can_be(member, value, attribute, meant):
    found = only(signals(payload({**FIRE, member: value})))
    assert isinstance(found, Signal)
    assert getattr(found, attribute) == meant
    assert only(found.defects).startswith(f"{member}: ")


UNREADABLE = {
    "no point": ("point", None),
    "point an array": ("point", ["1-1"]),
    "point a flag": ("point", True),
    "kind empty": ("kind", ""),
    "kind a number": ("kind", 17),
    "kind null": ("kind", None),
    "active null": ("active", None),
    "active a fraction": ("active", 1.0),
    "active another number": ("active", 2),
    "active another word": ("active", "perhaps"),
    "active an object": ("active", {}),
}


@pytest.mark.parametrize(("member", "value"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_alarm_is_refused_and_can_be_confirmed(member, value):
    found = only(signals(payload({**FIRE, member: value})))
    assert isinstance(found, Rejected)
    assert (found.reason, found.item, found.boot, found.seq) == (Reason.MEMBER, 0, 7, 12)
    assert found.detail.startswith(f"{member}: ")
    assert json.loads(found.raw) == {**FIRE, member: value}


@pytest.mark.parametrize("member", ["point", "kind", "active"])
def test_a_member_that_an_alarm_needs_may_not_be_absent(member):
    found = only(signals(payload({name: value for name, value in FIRE.items() if name != member})))
    assert isinstance(found, Rejected)
    assert found.detail == f"{member}: Field required"


def test_counters_may_be_absent_and_that_is_said():
    found = only(signals(payload({"point": "", "kind": "fire_alarm", "active": True})))
    assert isinstance(found, Signal)
    assert (found.boot, found.seq, found.defects) == (None, None, ("boot: missing", "seq: missing"))


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        ("-4713-01-01T00:00:00Z", "-4713-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00+08:00", "0001-01-01T00:00:00+08:00"),
        ("2025-06-30T23:59:60Z", "2025-06-30T23:59:60Z"),
        ("x" * 100_000, "x" * 64),
        ("\x00\ud800", "\ufffd?"),
        (1_740_787_200, "1740787200"),
        (False, "False"),
        ([1, 2], "[1, 2]"),
        ({"year": 2025}, "{'year': 2025}"),
        (float("nan"), "nan"),
        ("", ""),
    ],
)
def test_an_unreadable_at_is_kept_as_text(at, kept):
    found = only(signals(payload({**FIRE, "at": at})))
    assert isinstance(found, Signal)
    assert (found.occurred_at, found.at_text) == (None, kept)


@pytest.mark.parametrize("message", [FIRE, {**FIRE, "at": None}])
def test_an_absent_at_is_no_defect(message):
    found = only(signals(payload(message)))
    assert isinstance(found, Signal)
    assert (found.occurred_at, found.at_text, found.defects) == (None, None, ())


def test_of_a_member_said_twice_the_last_counts():
    found = only(signals(b'{"boot":7,"boot":8,"seq":12,"point":"1-1","kind":"fire_alarm","active":false,"active":true}'))
    assert isinstance(found, Signal)
    assert (found.boot, found.active) == (8, True)
    values = b'{"temperature_celsius":1,"temperature_celsius":2}'
    taken, refused = read_telemetry(b'{"boot":7,"seq":1,"seq":2,"point":"p","values":{"co_ppm":1},"values":' + values + b"}")
    assert (taken, refused) == ([{"boot": 7, "seq": 2, "point": "p", "values": {"temperature_celsius": 2.0}}], [])
