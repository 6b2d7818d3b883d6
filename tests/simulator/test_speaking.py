"""The speaker against the rules of the MQTT profile."""

import json
import math

import pytest

from signals.border import read_signal_lane
from signals.messages import Rejected
from signals.topics import MessageClass
from simulator.devices import DeviceClass, Pace, make_device
from simulator.ledger import Ledger
from simulator.speaker import Manner, Speaker

NOW = 1_790_000_000.0
BOOT = 1_789_999_000
QUIET = Pace(heartbeat_seconds=0, telemetry_seconds=0)


def speaker(device_class=DeviceClass.DETECTOR, *, ledger=None, pace=QUIET, points=3, **manner):
    device = make_device("T1", device_class, seed=1, points=points, pace=pace)
    return Speaker(device, ledger=ledger or Ledger(), manner=Manner(**manner), boot=BOOT)


def publish_all(talking, now=NOW):
    """Everything there is to say, as if the broker acknowledged it at once."""
    messages = []
    while (message := talking.next_message(now)) is not None:
        talking.sent(message, now=now)
        messages.append(message)
    return messages


def objects(messages, message_class=None):
    found = [json.loads(one.body) for message in messages for one in message.objects]
    classes = [one.message_class for message in messages for one in message.objects]
    return [one for one, each in zip(found, classes, strict=True) if message_class in {None, each}]


def command(name, identifier="c1", **members):
    return json.dumps({"id": identifier, "name": name, "issued_at": "x", "expires_at": "x", **members}).encode()


def test_everything_is_said_in_order_and_read_by_the_border():
    talking = speaker()
    talking.connected(now=NOW)
    talking.signal("1", "fire_alarm", active=True, now=NOW, text="浓烟")
    talking.signal("1", "fault", active=True, now=NOW)
    (message,) = publish_all(talking)
    found = read_signal_lane(message.message_class, message.payload)
    assert [(one.boot, one.seq, one.point, one.raw_kind, one.active, one.defects) for one in found] == [
        (BOOT, 0, "1", "fire_alarm", True, ()),
        (BOOT, 1, "1", "fault", True, ()),
    ]


def test_a_lone_object_stands_alone_and_many_are_cut_into_arrays():
    talking = speaker(objects_maximum=10)
    for index in range(21):
        talking.signal(str(index), "fault", active=True, now=NOW)
    messages = publish_all(talking)
    assert [len(message.objects) for message in messages] == [10, 10, 1]
    assert messages[-1].payload.startswith(b"{")
    assert [one["point"] for one in objects(messages)] == [str(index) for index in range(21)]


def test_what_is_said_while_nobody_hears_is_said_after_the_reconnect_member_identical():
    ledger = Ledger()
    talking = speaker(ledger=ledger)
    talking.connected(now=NOW)
    talking.signal("1", "fire_alarm", active=True, now=NOW)
    first = publish_all(talking)
    assert publish_all(talking, NOW + 9.9) == []
    assert publish_all(talking, NOW + 10) == first
    talking.connected(now=NOW + 11)
    assert publish_all(talking, NOW + 11) == first
    talking.obey(command("confirm", **{"class": "signal", "boot": BOOT, "seqs": [0]}), now=NOW + 12)
    talking.connected(now=NOW + 13)
    assert publish_all(talking, NOW + 60) == []
    assert talking.unconfirmed == 0
    (entry,) = ledger.entries
    assert (entry.said_at, entry.acknowledged_at, entry.confirmed_at) == (NOW, NOW, NOW + 12)


def test_a_control_room_lists_after_connecting_what_is_active_in_pages_of_consecutive_seq():
    talking = speaker(DeviceClass.CONTROL_ROOM, points=3, page_conditions=2)
    for point, kind in (("1-1", "fire_alarm"), ("1-2", "fault"), ("1-3", "disablement"), ("1-4", "config_change")):
        talking.signal(point, kind, active=True, now=NOW)
    talking.signal("1-2", "fault", active=False, now=NOW)
    publish_all(talking)
    talking.connected(now=NOW)
    pages = objects(publish_all(talking), MessageClass.SNAPSHOT)
    listed = {"point": "1-1", "kind": "fire_alarm"}, {"point": "1-3", "kind": "disablement"}
    assert [(page["seq"], page["page"], page["pages"], page["active"]) for page in pages] == [(0, 1, 1, list(listed))]
    talking.signal("1-9", "tamper", active=True, now=NOW)
    talking.snapshot(now=NOW)
    pages = objects(publish_all(talking), MessageClass.SNAPSHOT)
    assert [(page["seq"], page["page"], page["pages"], len(page["active"])) for page in pages] == [(1, 1, 2, 2), (2, 2, 2, 1)]


def test_the_panels_reset_ends_what_the_device_holds_active():
    talking = speaker(DeviceClass.CONTROL_ROOM)
    talking.signal("1-1", "fault", active=True, now=NOW)
    talking.signal("", "reset", active=True, now=NOW)
    publish_all(talking)
    talking.snapshot(now=NOW)
    assert objects(publish_all(talking), MessageClass.SNAPSHOT)[0]["active"] == []


def test_held_signals_come_the_newest_first_one_by_one():
    talking = speaker()
    talking.held = True
    for point in "abc":
        talking.signal(point, "fault", active=True, now=NOW)
    assert talking.next_message(NOW) is None
    talking.release(now=NOW)
    messages = publish_all(talking)
    assert [one["point"] for one in objects(messages)] == ["c", "b", "a"]
    assert len(messages) == 3


def test_a_repeated_signal_is_the_same_bytes():
    talking = speaker(objects_maximum=1)
    talking.signal("1", "fault", active=True, now=NOW)
    first = publish_all(talking)
    talking.obey(command("confirm", **{"class": "signal", "boot": BOOT, "seqs": [0]}), now=NOW)
    talking.repeat(2)
    assert publish_all(talking) == first * 2


def test_wiping_forgets_and_the_ledger_knows():
    ledger = Ledger()
    talking = speaker(ledger=ledger)
    talking.signal("1", "fault", active=True, now=NOW)
    talking.wipe(now=NOW)
    assert publish_all(talking) == []
    talking.signal("1", "fire_alarm", active=True, now=NOW)
    assert [(entry.forgotten, entry.boot, entry.seq) for entry in ledger.entries] == [(True, BOOT, 0), (False, BOOT, 0)]


def test_resend_is_answered_with_the_same_objects_and_the_ranges_that_are_gone():
    talking = speaker()
    talking.signal("1", "fault", active=True, now=NOW)
    first = objects(publish_all(talking))
    talking.obey(command("confirm", **{"class": "signal", "boot": BOOT, "seqs": [0]}), now=NOW)
    talking.obey(command("resend", "r1", **{"class": "signal", "boot": BOOT, "ranges": [[0, 2]]}), now=NOW)
    messages = publish_all(talking)
    assert objects(messages, MessageClass.SIGNAL) == first
    (reply,) = objects(messages, MessageClass.REPLY)
    assert (reply["to"], reply["ok"], reply["gone"]) == ("r1", False, [[1, 2]])
    talking.obey(command("resend", "r2", **{"class": "signal", "boot": BOOT, "ranges": [[0, 0]]}), now=NOW)
    (reply,) = [one for one in objects(publish_all(talking), MessageClass.REPLY) if one["to"] == "r2"]
    assert reply["ok"]
    assert "gone" not in reply


@pytest.mark.parametrize(
    ("what", "ok"), [("status", True), ("points", True), ("firmware", True), ("snapshot", True), ("the weather", False)]
)
def test_queries_are_answered(what, ok):
    talking = speaker()
    talking.obey(command("query", "q", what=what), now=NOW)
    messages = publish_all(talking)
    (reply,) = objects(messages, MessageClass.REPLY)
    assert (reply["to"], reply["ok"]) == ("q", ok)
    assert len(objects(messages, MessageClass.SNAPSHOT)) == (what == "snapshot")


def test_the_person_on_duty_answers_in_time_and_only_where_there_is_one():
    manned, unmanned = speaker(DeviceClass.CONTROL_ROOM, duty_answer_seconds=3), speaker()
    for talking in (manned, unmanned):
        talking.obey(command("duty_check", "d", deadline_seconds=60), now=NOW)
        talking.obey(command("duty_check", "d", deadline_seconds=60), now=NOW)  # delivered twice
        assert publish_all(talking, NOW + 2.9) == []
    assert manned.next_at() == NOW + 3
    (reply,) = objects(publish_all(manned, NOW + 3))
    assert (reply["to"], reply["ok"], reply["operator"]) == ("d", True, manned.device.operator)
    assert publish_all(unmanned, NOW + 60) == []


def test_set_clock_counts_only_right_after_an_upward_message():
    talking = speaker(DeviceClass.DETECTOR)
    talking.skew_seconds = 3600.0
    talking.signal("1", "fault", active=True, now=NOW)
    publish_all(talking)
    clock = "2026-09-21T22:13:31+08:00"  # NOW + 11
    talking.obey(command("set_clock", "s1", now=clock), now=NOW + 11)
    assert talking.skew_seconds == 3600
    publish_all(talking, NOW + 12)
    talking.obey(command("set_clock", "s2", now=clock), now=NOW + 13)
    assert talking.skew_seconds == -2


def test_configure_changes_the_pace_and_refuses_what_it_cannot():
    talking = speaker(pace=Pace(heartbeat_seconds=0, telemetry_seconds=600))
    talking.obey(command("configure", "c", report_seconds=2), now=NOW)
    talking.obey(command("configure", "d", report_on_change={"temperature_celsius": 1}), now=NOW)
    assert [reply["ok"] for reply in objects(publish_all(talking))] == [True, False]
    talking.connected(now=NOW)
    publish_all(talking)
    assert 4 <= len(objects(publish_all(talking, NOW + 10), MessageClass.TELEMETRY)) <= 5


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b"7", b"{}", b'{"name": "confirm"}', b'{"name": "resend", "ranges": 7}', b'{"name": 7, "id": "x"}'],
)
def test_no_command_upsets_it(payload):
    talking = speaker()
    talking.obey(payload, now=NOW)
    for message in publish_all(talking):
        assert not any(isinstance(one, Rejected) for one in read_signal_lane(message.message_class, message.payload))


def test_next_at_tells_when_there_is_something_to_say():
    talking = speaker(pace=Pace(heartbeat_seconds=50, telemetry_seconds=20))
    assert talking.next_at() == math.inf
    talking.connected(now=NOW)
    publish_all(talking)
    coming = talking.next_at()
    assert NOW <= coming <= NOW + 20
    assert publish_all(talking, coming) == []
    assert publish_all(talking, coming + 0.001)


def test_routine_missed_without_a_line_is_left_out_but_not_by_a_sleepy_device():
    pace = Pace(heartbeat_seconds=0, telemetry_seconds=10)
    for device_class, expected in ((DeviceClass.DETECTOR, 0), (DeviceClass.SLEEPY, 10)):
        talking = speaker(device_class, pace=pace)
        talking.connected(now=NOW)
        publish_all(talking)
        talking.connected(now=NOW + 100)
        assert len(objects(publish_all(talking, NOW + 100), MessageClass.TELEMETRY)) == expected
