"""What a panel says and answers: without a line, at times of our choosing."""

import json
import math

import pytest

from signals.gb26875 import clock, content
from signals.gb26875.frames import Frame
from signals.gb26875.statements import AddressOrder, statements
from signals.kinds import Kind
from simulator.captured import load
from simulator.ledger import Ledger
from simulator.outbox import Patience
from simulator.panel_device import Part, Unit, make_panel
from simulator.panel_speaker import PanelManner, PanelSpeaker

ADDRESS = bytes.fromhex("385b01000000")
NOW = 1_790_000_000.0
QUIET = PanelManner(heartbeat=None, patience=Patience(seconds=10, resends=3))


def a_speaker(*, manner=QUIET, points=30, **more):
    ledger = Ledger()
    device = make_panel("C1", address=ADDRESS, points=points, seed=7, **more)
    return PanelSpeaker(device, ledger=ledger, manner=manner, start=1), ledger


def units(frames):
    return [content.decode(frame.data) for frame in frames]


def confirm(speaker, frame, *, now=NOW, command=3):
    speaker.take(frame.reply(command, time=bytes(6)), now=now)


def asked(adu, *, command=4, serial=9):
    data = content.encode(adu)
    return Frame(serial=serial, time=bytes(6), source=bytes(6), destination=ADDRESS, command=command, data=data)


def test_the_same_seed_is_the_same_panel():
    assert make_panel("C1", address=ADDRESS, points=50, seed=7) == make_panel("C1", address=ADDRESS, points=50, seed=7)
    assert make_panel("C1", address=ADDRESS, points=50, seed=8) != make_panel("C1", address=ADDRESS, points=50, seed=7)
    device = make_panel("C1", address=ADDRESS, points=401, seed=7)
    assert (len(device.points), device.points[0], device.points[200], device.points[-1]) == (401, "1-1-1", "1-2-1", "1-3-1")
    with pytest.raises(ValueError, match="six bytes"):
        make_panel("C1", address=b"1", points=1, seed=1)


@pytest.mark.parametrize(
    ("order", "point", "raw"),
    [("zone_first", "1-2-1", "02000100"), ("point_first", "1-2-1", "01000200"), ("whole", "1-201", "c9000000")],
)
def test_a_fire_is_an_upload_that_waits_for_its_confirmation(order, point, raw):
    speaker, ledger = a_speaker(points=201, order=AddressOrder(order))
    speaker.begin(point, "fire_alarm", now=NOW)
    (frame,) = speaker.frames(NOW)
    assert (frame.serial, frame.source, frame.command) == (0, ADDRESS, 2)
    (told,) = units([frame])[0]["objects"]
    assert (told["component_address_hex"], told["status"]) == (raw, ["normal(0=test)", "fire"])
    assert clock.unshow(told["time"]) == frame.time
    (entry,) = ledger.entries
    fire = speaker.device.parts[point].fire
    assert entry.members["says"] == [{"point": point, "active": [fire]}]
    (read,) = statements(frame.data, order=AddressOrder(order))
    assert (read.point, read.active) == (point, (fire,))
    assert (entry.members["content"], entry.members["rows"]) == (f"02{frame.data.hex()}", 1)
    confirm(speaker, frame, now=NOW + 1)
    assert (speaker.unconfirmed, entry.confirmed_at) == (0, NOW + 1)
    speaker.end(point, "fire_alarm", now=NOW + 2)
    (frame,) = speaker.frames(NOW + 2)
    assert (frame.serial, units([frame])[0]["objects"][0]["status"]) == (1, ["normal(0=test)"])


def test_an_upload_is_repeated_three_times_then_the_exchange_has_failed_and_a_new_line_begins_anew():
    speaker, _ = a_speaker()
    speaker.begin("1-1-1", "fault", now=NOW)
    speaker.begin("1-1-2", "fault", now=NOW)
    sent = [speaker.frames(NOW + seconds) for seconds in range(50)]
    said = [(seconds, frame.serial) for seconds, frames in enumerate(sent) for frame in frames]
    assert said == [(0, 0), (10, 0), (20, 0), (30, 0)]
    assert [speaker.given_up(NOW + seconds) for seconds in (39, 40)] == [False, True]
    speaker.connected(now=NOW + 60)
    assert [frame.serial for frame in speaker.frames(NOW + 60)] == [0]


def test_a_denied_upload_is_repeated():
    speaker, _ = a_speaker()
    speaker.begin("1-1-1", "fault", now=NOW)
    (frame,) = speaker.frames(NOW)
    confirm(speaker, frame, command=6)
    assert speaker.next_at() == NOW + 10
    assert speaker.frames(NOW + 10) == [frame]


def test_fires_go_before_what_was_said_earlier():
    speaker, _ = a_speaker()
    for point in ("1-1-1", "1-1-2"):
        speaker.begin(point, "fault", now=NOW)
    speaker.begin("1-1-3", "fire_alarm", now=NOW + 1)
    order = []
    while frames := speaker.frames(NOW + 2):
        order += [frame.serial for frame in frames]
        confirm(speaker, frames[0])
    assert order == [2, 0, 1]


def test_a_fire_takes_with_it_what_was_said_before_about_its_point():
    speaker, _ = a_speaker(points=30)
    speaker.begin("1-1-9", "fault", now=NOW)
    speaker.begin("1-1-1", "fault", now=NOW)
    speaker.say_states([speaker.device.parts[f"1-1-{number}"] for number in (1, 2)], now=NOW)
    speaker.begin("1-1-2", "fire_alarm", now=NOW)
    order = []
    while frames := speaker.frames(NOW):
        order += [frame.serial for frame in frames]
        confirm(speaker, frames[0])
    assert order == [1, 2, 3, 0]


def test_a_restarted_panel_counts_from_zero_and_says_anew_what_was_unconfirmed():
    speaker, ledger = a_speaker()
    speaker.begin("1-1-1", "fault", now=NOW)
    confirm(speaker, *speaker.frames(NOW))
    speaker.begin("1-1-2", "fire_alarm", now=NOW)
    (before,) = speaker.frames(NOW)
    speaker.restart(now=NOW + 5)
    (after,) = speaker.frames(NOW + 5)
    assert (before.serial, after.serial, after.data) == (1, 0, before.data)
    assert [entry.members["in_place_of"] for entry in ledger.entries] == [None, None, [1, 1]]
    assert [(entry.boot, entry.seq, entry.forgotten, entry.said_at) for entry in ledger.entries] == [
        (1, 0, False, NOW),
        (1, 1, True, NOW),
        (2, 0, False, NOW),
    ]


def test_its_whole_state_takes_as_few_frames_as_the_standard_allows():
    speaker, _ = a_speaker(points=100, manner=PanelManner(heartbeat=None, open_maximum=50))
    speaker.begin("1-1-1", "fault", now=NOW)
    confirm(speaker, *speaker.frames(NOW))
    speaker.say_states(speaker.device.parts.values(), now=NOW)
    found = units(speaker.frames(NOW))
    assert [(unit["type"], unit["count"]) for unit in found] == [(21, 1), (1, 1), *[(2, 22)] * 4, (2, 12)]
    assert [one["status"] for unit in found for one in unit["objects"] if "fault" in one["status"]] == [["normal(0=test)", "fault"]]


def test_an_unchanged_state_is_uploaded_again_and_again_but_not_heaped_up():
    speaker, _ = a_speaker(points=3, manner=PanelManner(heartbeat=None, state_seconds=60, state_on_connect=True, open_maximum=9))
    speaker.connected(now=NOW)
    assert len(speaker.frames(NOW)) == 3
    assert len(speaker.frames(NOW + 60)) == 3  # nobody confirms: the repeats
    assert speaker.unconfirmed == 3
    for serial in range(3):
        speaker.take(asked({"empty": True}, command=3, serial=serial), now=NOW)
    speaker.frames(NOW + 120)
    assert speaker.unconfirmed == 3


def test_a_duty_check_is_confirmed_at_once_and_answered_by_the_person_on_duty():
    speaker, ledger = a_speaker(manner=PanelManner(heartbeat=None, duty_answer_seconds=7, operator=4))
    check = asked({"type": 91, "objects": [{"answer_timeout_min": 5}]}, command=1)
    for _ in range(2):  # the second is a repeat
        speaker.take(check, now=NOW)
    assert [(frame.command, frame.serial, frame.data) for frame in speaker.frames(NOW)] == [(3, 9, b"")] * 2
    assert speaker.next_at() == NOW + 7
    (answer,) = speaker.frames(NOW + 7)
    (told,) = units([answer])[0]["objects"]
    assert (answer.command, told["operations"], told["operator"]) == (2, ["duty_check_answer"], 4)
    assert [(entry.members["says"], entry.members["rows"]) for entry in ledger.entries] == [([], 1)]
    assert speaker.confirmed_commands == [91]


def test_nobody_on_duty():
    speaker, _ = a_speaker(manner=PanelManner(heartbeat=None, duty_answer_seconds=None))
    speaker.take(asked({"type": 91, "objects": [{"answer_timeout_min": 5}]}, command=1), now=NOW)
    assert [frame.command for frame in speaker.frames(NOW)] == [3]
    assert speaker.next_at() == math.inf


def test_its_clock_is_set_and_it_is_initialised():
    speaker, _ = a_speaker()
    speaker.skew_seconds = -3600.0
    speaker.take(
        asked({"type": 90, "objects": [{"time": clock.show(clock.write(clock.read(bytes([0, 0, 0, 1, 1, 26]))))}]}, command=1),
        now=NOW,
    )
    assert speaker.skew_seconds == clock.read(bytes([0, 0, 0, 1, 1, 26])).timestamp() - NOW
    speaker.take(asked({"type": 90, "objects": [{"time": "invalid:ffffffffffff"}]}, command=1, serial=10), now=NOW)
    speaker.take(asked({"type": 89, "objects": [{}]}, command=1, serial=11), now=NOW)
    assert [frame.command for frame in speaker.frames(NOW)] == [3, 3, 3]
    assert speaker.restarting


FACILITY = {"system_type": 1, "system_address": 1}


def component(speaker, point="1-1-1"):
    return {**FACILITY, "component_address_hex": speaker.device.parts[point].members["component_address_hex"]}


@pytest.mark.parametrize("kind", [61, 62, 63, 64, 65, 66, 67, 68, 81, 84, 85, 86, 88])
def test_every_query_is_answered_in_its_own_type(kind):
    speaker, ledger = a_speaker()
    speaker.begin("1-1-1", "fault", now=NOW)
    speaker.operate("silence", point="1", now=NOW)
    speaker.operate("self_test", now=NOW)
    for _ in range(3):
        confirm(speaker, *speaker.frames(NOW))
    since = {"record_count": 5, "time": None}
    members = {**since, **(component(speaker) if kind in {62, 63, 67} else FACILITY)}
    speaker.take(asked({"type": kind, "objects": [members]}), now=NOW)
    (reply,) = speaker.frames(NOW)
    (told,) = units([reply])
    assert (reply.command, reply.serial, told["type"]) == (5, 9, kind - 60)
    entry = ledger.entries[-1]
    assert entry.forgotten
    if kind == 62:
        assert entry.members["says"] == [{"point": "1-1-1", "active": ["fault"]}]
        assert told["objects"][0]["status"] == ["normal(0=test)", "fault"]
    if kind in {64, 84}:
        assert told["objects"][0]["operations"] == ["silence" if kind == 64 else "self_test"]


def test_a_query_for_what_there_is_not_is_denied():
    speaker, _ = a_speaker()
    stranger = {"system_type": 1, "system_address": 99, "component_address_hex": "00000000"}
    for kind in (61, 62, 63, 64, 67, 68, 84):
        speaker.take(asked({"type": kind, "objects": [{**stranger, "record_count": 1}]}), now=NOW)
    assert [frame.command for frame in speaker.frames(NOW)] == [6] * 7


def test_heartbeats_only_where_nothing_else_was_said():
    speaker, ledger = a_speaker(manner=PanelManner(heartbeat=b"\x09\x00", heartbeat_seconds=30))
    speaker.connected(now=NOW)
    speaker.begin("1-1-1", "fault", now=NOW + 20)
    confirm(speaker, *speaker.frames(NOW + 20))
    assert speaker.next_at() == NOW + 50
    (beat,) = speaker.frames(NOW + 50)
    assert (beat.command, beat.data, beat.serial) == (2, b"\x09\x00", 1)
    confirm(speaker, beat)
    assert len(ledger.entries) == 1


def test_a_reset_ends_every_state():
    speaker, ledger = a_speaker()
    speaker.begin("1-1-1", "fire_alarm", now=NOW)
    speaker.operate("reset", point="1", now=NOW)
    assert speaker.active == {}
    assert ledger.entries[-1].members["says"] == [{"point": "1", "operation": "reset"}]
    assert ledger.entries[-1].members["rows"] == 2


@pytest.mark.parametrize(
    ("unit", "kind", "said"),
    [
        (Unit.PART, "contamination", Kind.FAULT),
        (Unit.PART, "line_fault", Kind.FAULT),
        (Unit.SYSTEM, "line_fault", Kind.LINE_FAULT),
        (Unit.PART, "fire_alarm", Kind.GAS_ALARM),
        (Unit.PART, "valve", Kind.SUPERVISORY),
        (Unit.DEVICE, "valve", Kind.FAULT),
        (Unit.PART, "disablement", Kind.DISABLEMENT),
    ],
)
def test_what_a_part_has_no_word_for_is_said_as_what_comes_nearest(unit, kind, said):
    fire = Kind.GAS_ALARM if unit is Unit.PART else Kind.FIRE_ALARM
    assert Part(point="1", unit=unit, members={}, fire=fire).able(kind) is said


def test_captured_frames_are_said_at_the_present_time_from_its_own_address():
    speaker, ledger = a_speaker()
    captured = load()
    for one in captured:
        speaker.replay(one, now=NOW)
        (frame,) = speaker.frames(NOW)
        assert frame.source == ADDRESS
        confirm(speaker, frame)
        for told, was in zip(units([frame])[0]["objects"], one.adu["objects"], strict=True):
            assert told["time"] == clock.show(frame.time)
            assert {**told, "time": was["time"]} == was
    assert json.dumps(ledger.entries[3].members["says"]) == '[{"point": "2-41-8", "active": ["fire_alarm"]}]'
    assert len(captured) == len(ledger.entries) == 6
