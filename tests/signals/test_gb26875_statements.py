"""What frames state, how profiles take them, and what commands look like in a frame."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.commands import GB26875_QUESTIONS, Name, gb26875_unit
from signals.gb26875 import clock, content, meaning, text
from signals.gb26875.frames import DATA_BYTES_MAXIMUM, Fault, Frame, Passed, Receiver
from signals.gb26875.statements import AddressOrder, Measured, Operation, Report, State, Unreadable, statements, time_of
from signals.gb26875.tables import ANALOG_TYPES, Command
from signals.kinds import Kind

SPECIFIED = [json.loads(line) for line in (Path(__file__).parents[1] / "data/gb26875/vectors.jsonl").read_text().splitlines()]
TAG = "2026-03-07 14:30:05"
AT = datetime(2026, 3, 7, 6, 30, 5, tzinfo=UTC)
PLACE = {"system_type": 1, "system_address": 2, "component_type": 40, "component_address_hex": "29000800"}
frames = st.builds(
    Frame,
    serial=st.integers(0, 65535),
    version=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    time=st.binary(min_size=6, max_size=6),
    source=st.binary(min_size=6, max_size=6),
    destination=st.binary(min_size=6, max_size=6),
    command=st.integers(0, 255),
    data=st.binary(max_size=80),
)


def said(kind: int, *objects: dict, order: AddressOrder = AddressOrder.ZONE_FIRST):
    return statements(content.encode({"type": kind, "count": len(objects), "objects": list(objects)}), order=order)


def component(word: str, **members: object) -> dict:
    return {**PLACE, "status_word": word, "text": "", "time": TAG, **members}


def frame(data: bytes = b"", **members) -> Frame:
    given = {"serial": 1, "time": clock.write(AT), "source": bytes(6), "destination": bytes(6), "command": Command.SEND_DATA}
    return Frame(**{**given, "data": data, **members})


@pytest.mark.parametrize(
    ("order", "point"),
    [(AddressOrder.ZONE_FIRST, "2-41-8"), (AddressOrder.POINT_FIRST, "2-8-41"), (AddressOrder.WHOLE, "2-524329")],
)
def test_a_point_has_one_form(order, point):
    (state,) = said(2, component("0x0002"), order=order)
    assert isinstance(state, State)
    assert (state.point, state.active, state.occurred_at) == (point, (Kind.FIRE_ALARM,), AT)


def test_bits_stay_apart_and_test_is_never_fire():
    (state,) = said(2, component("0x0107", text="走廊"))
    assert state.active == (Kind.FIRE_ALARM, Kind.FAULT, Kind.MAIN_POWER_FAULT)
    assert state.detail["bits"] == ["normal(0=test)", "fire", "fault", "power_fault"]
    assert state.detail["text"] == "走廊"
    assert said(2, component("0x0001"))[0].active == ()
    assert said(2, component("0x0000"))[0].active == ()


@pytest.mark.parametrize(
    ("component_type", "kind"),
    [(23, Kind.MANUAL_ALARM), (11, Kind.GAS_ALARM), (17, Kind.ELECTRICAL_FIRE_ALARM), (78, Kind.VIDEO_FIRE), (0, Kind.FIRE_ALARM)],
)
def test_a_fire_is_of_its_component(component_type, kind):
    assert said(2, component("0x0002", component_type=component_type))[0].active == (kind,)


def test_a_bit_without_a_meaning_is_a_word_that_nobody_knows():
    (state,) = said(2, component("0x0200"))
    assert state.active == ("gb26875:reserved_bit9",)


def test_systems_and_the_device_have_their_points():
    (fire, other) = said(
        1,
        {"system_type": 1, "system_address": 3, "status_word": "0x2002", "time": None},
        {"system_type": 11, "system_address": 3, "status_word": "0x0000", "time": "invalid:ffffffffffff"},
    )
    assert (fire.point, fire.active, fire.occurred_at) == ("3", (Kind.FIRE_ALARM, Kind.RESET), None)
    assert (other.point, other.active, other.occurred_at) == ("11.3", (), None)
    (device,) = said(21, {"status_byte": "0x60", "time": TAG})
    assert (device.point, device.active) == ("", (Kind.LINE_FAULT,))


def test_operations_are_told_and_kept():
    done = said(4, {"system_type": 1, "system_address": 2, "operation": "0x47", "operator": 3, "time": TAG})
    assert isinstance(done[0], Report)
    assert [one.kind for one in done[1:] if isinstance(one, Operation)] == [Kind.RESET, Kind.SILENCE, Kind.MANUAL_ALARM, Kind.TEST]
    (answer,) = said(24, {"operation": "0x20", "operator": 1, "time": TAG})
    assert answer.detail["duty_answer"] is True


@given(st.sampled_from(sorted(ANALOG_TYPES)), st.integers(-32768, 32767), st.sampled_from((0, 17, 18, 31)))
def test_a_value_is_measured_or_kept(kind, raw, component_type):
    (found,) = said(3, {**PLACE, "component_type": component_type, "analog_type": kind, "raw_value": raw, "time": TAG})
    quantity = ANALOG_TYPES[kind]
    if isinstance(found, Measured):
        assert quantity.lowest <= raw <= quantity.highest
    else:
        assert isinstance(found, Report)
        assert (found.defects == ("out_of_range",)) == (not quantity.lowest <= raw <= quantity.highest)


def test_units_are_those_of_the_metric():
    value = {**PLACE, "raw_value": 30, "time": TAG}
    found = said(3, {**value, "analog_type": 5}, {**value, "analog_type": 6}, {**value, "analog_type": 9, "component_type": 17})
    assert [(one.metric, pytest.approx(one.value)) for one in found if isinstance(one, Measured)] == [
        ("water_pressure_mpa", 0.003),
        ("gas_lel_ratio", 0.03),
        ("residual_current_ma", 3000),
    ]


def test_what_does_not_fit_may_have_been_a_fire():
    assert isinstance(statements(b"\x02\x01" + bytes(50))[0], Unreadable)
    assert [one.defects for one in statements(b"\x05\x01\x00") if isinstance(one, Report)] == [("object_size",)]
    assert [one.defects for one in statements(b"\x80\x01\x00") if isinstance(one, Report)] == [("unknown_type",)]
    assert [one.defects for one in statements(b"\x16") if isinstance(one, Report)] == [()]
    assert statements(content.encode({"type": 25, "count": 1, "objects": [{"version": "2.7"}]}))[0].detail["version"] == "2.7"


@given(st.binary(max_size=200))
def test_nothing_that_comes_raises(data):
    for order in AddressOrder:
        for found in statements(data, order=order):
            if not isinstance(found, Unreadable):
                assert len(found.point) <= 64
                json.dumps(found.detail)


def test_a_time_outside_the_plausible_is_none():
    assert time_of("2019-11-25 10:07:46") is None
    assert time_of("invalid:000000000000") is None


@given(st.lists(frames, max_size=5), st.data())
def test_frames_are_found_however_they_are_split(sent, data):
    stream = b"".join(one.encode() for one in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    receiver = Receiver()
    found = [part for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True) for part in receiver.feed(stream[start:end])]
    whole = [part for part in found if isinstance(part, Frame)]
    assert [one.encode() for one in whole] == [one.encode() for one in sent]
    assert receiver.waiting == 0


@given(st.lists(st.binary(max_size=60) | frames.map(Frame.encode), max_size=6))
def test_every_byte_is_accounted_for(parts):
    receiver = Receiver()
    found = [one for part in parts for one in receiver.feed(part)] + [*receiver.tear()]
    counted = sum(one.count if isinstance(one, Passed) else len(one.encode()) for one in found)
    assert counted == sum(map(len, parts))
    assert receiver.waiting == 0


@pytest.mark.parametrize(
    ("raw", "fault"),
    [(b"hello", Fault.NO_START), (b"@@" + b"\xff" * 40, Fault.LENGTH), (b"@@" + bytes(30), Fault.END), (b"@@\x01", Fault.TORN)],
)
def test_what_is_passed_over_says_why(raw, fault):
    receiver = Receiver()
    passed = [*receiver.feed(raw), *receiver.tear()]
    assert passed[0].fault is fault
    assert meaning.read(raw)[0]["error"] == fault


def test_a_good_frame_inside_a_damaged_one_is_found():
    inner = frame(b"\x19\x01\x02\x07").encode()
    outer = bytearray(frame(bytes(20) + inner + bytes(20)).encode())
    outer[-3] ^= 1
    found = [part for part in Receiver().feed(bytes(outer)) if isinstance(part, Frame)]
    assert [one.encode() for one in found] == [inner]


@pytest.mark.parametrize(
    "wrong",
    [{"serial": 65536}, {"command": 256}, {"version": (256, 0)}, {"time": b""}, {"data": bytes(DATA_BYTES_MAXIMUM + 1)}],
)
def test_a_misfit_is_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        frame(**wrong).encode()


def unit_with(flags):
    return {"type": 21, "objects": [{"status": flags, "time": None}]}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"serial": 1, "command": 3, "source_address_hex": "00", "dest_address_le": 1},
        {"serial": 1, "command": 3, "source_address_le": 2**48, "dest_address_le": 1},
        {"serial": 1, "command": 2, "source_address_le": 1, "dest_address_le": 1, "adu": {"type": 99, "objects": [{}]}},
        {"serial": 1, "command": 2, "source_address_le": 1, "dest_address_le": 1, "adu": {"type": 25, "objects": [{}, {}]}},
        {"serial": 1, "command": 2, "source_address_le": 1, "dest_address_le": 1, "adu": {"type": 4, "objects": [{}]}},
        {"serial": 1, "command": 2, "source_address_le": 1, "dest_address_le": 1, "adu": unit_with(["reserved_bit99999999999"])},
        {"serial": 1, "command": 2, "source_address_le": 1, "dest_address_le": 1, "adu": unit_with(["smoke"])},
        {"serial": 1.5, "command": 2, "source_address_le": 1, "dest_address_le": 1},
        {"serial": 1, "command": True, "source_address_le": 1, "dest_address_le": 1},
    ],
)
def test_members_that_do_not_fit_are_refused(members):
    with pytest.raises(ValueError, match=r"\w"):
        meaning.frame(members)


def test_names_of_commands():
    assert [meaning.command_name(code) for code in (2, 7, 128)] == ["send_data", "reserved", "user_defined"]


@given(st.text(max_size=40))
def test_a_text_is_cut_between_characters(words):
    raw = text.write(words)
    assert len(raw) == text.DESCRIPTION_BYTES
    assert not text.read(raw).startswith(text.UNDECODABLE)


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", b"undecodable:zz", b" undecodable:ff", b"undecodable:"], ids=repr)
def test_text_that_is_none_or_looks_like_our_word_for_it_is_kept(raw):
    raw = raw.ljust(text.DESCRIPTION_BYTES, b"\x00")
    assert text.write(text.read(raw)) == raw


def test_clocks():
    assert clock.unshow(None) == clock.NONE
    assert clock.unshow("invalid:0102030405ff") == bytes.fromhex("0102030405ff")
    with pytest.raises(ValueError, match="6 bytes"):
        clock.unshow("invalid:01")
    with pytest.raises(ValueError, match="2000"):
        clock.write(datetime(1999, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("what", GB26875_QUESTIONS)
def test_every_question_can_be_said_in_a_frame(what):
    members = {**PLACE, "record_count": 3, "since": "2026-03-07T14:30:05+08:00"}
    unit = gb26875_unit(Name.QUERY, {**members, "what": what}, at=AT)
    decoded = content.decode(content.encode(unit.adu))
    assert (unit.command, decoded["type"]) == (Command.REQUEST, GB26875_QUESTIONS[what].type)
    assert "objects" in decoded


def test_commands_in_frames():
    clocked = content.decode(content.encode(gb26875_unit(Name.SET_CLOCK, {}, at=AT).adu))
    assert clocked["objects"] == [{"time": TAG}]
    checked = content.decode(content.encode(gb26875_unit(Name.DUTY_CHECK, {"deadline_seconds": 61}, at=AT).adu))
    assert checked["objects"] == [{"answer_timeout_min": 2}]
    assert gb26875_unit(Name.INITIALISE, {}, at=AT).command == Command.CONTROL


@pytest.mark.parametrize(
    ("name", "told", "named"),
    [
        (Name.CONFIGURE, {}, "configure"),
        (Name.QUERY, {"what": "weather"}, "weather"),
        (Name.QUERY, {"what": "system_status"}, "system_type"),
        (Name.QUERY, {"what": "device_operations", "record_count": 500, "since": "2026-03-07T14:30:05+08:00"}, "record_count"),
        (Name.QUERY, {"what": "device_operations", "record_count": 5, "since": "2026-03-07T14:30:05"}, "since"),
        (Name.DUTY_CHECK, {"deadline_seconds": 0}, "deadline_seconds"),
    ],
)
def test_what_cannot_be_said_is_named(name, told, named):
    with pytest.raises(ValueError, match=named):
        gb26875_unit(name, told, at=AT)
