"""What people are told: with the numbers, without stumbling over whatever a device says."""

import re
from pathlib import Path

import pytest
from alarm_world import AT, observed
from hypothesis import given
from hypothesis import strategies as st

from alerts import wording
from alerts.desk import Desk, Loaded
from alerts.facts import Place
from alerts.machine import Outcome
from signals.kinds import Kind

PAGE = Path(__file__).parents[2] / "docs" / "alarm-topic.md"


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        (observed(), ""),
        (observed(reason="silent for 3 h", detail={"text": "x"}), "silent for 3 h"),
        (observed(Kind.UNCLASSIFIED, raw_kind="huo"), "the device says 'huo'"),
        (
            observed(detail={"text": "烟", "level": "high", "code": "A1", "cause": "dust", "confidence": 0.5}),
            "烟; level high; cause dust; code A1; confidence 0.5",
        ),
        (observed(detail={"values": {"co_ppm": 40.0, "smoke": "much"}}), "co_ppm 40; smoke much"),
        (observed(detail={"evidence": {"url": "http://camera/1.jpg"}}), "evidence http://camera/1.jpg"),
        (observed(detail={"defects": ["seq: missing"]}), "defects: seq: missing"),
    ],
)
def test_a_reason_is_what_was_said(word, reason: str) -> None:
    assert wording.reason(word) == reason


@pytest.mark.parametrize(
    ("known", "detail", "name"),
    [
        ("东走道", {"system_address": 2, "text": "酒店负一层"}, "东走道"),
        ("", {"system_address": 2, "text": "酒店负一层"}, "酒店负一层"),
        ("", {"system_address": 2, "text": "undecodable:ff"}, "2-41-8"),
        ("", {"system_address": 2}, "2-41-8"),
        ("", {"text": "much smoke"}, "2-41-8"),
    ],
)
def test_a_point_is_called_as_the_register_has_it_else_as_its_frame_does(known, detail, name) -> None:
    places = {("P1", "2-41-8"): Place(point_name=known)}
    desk = Desk(Loaded(conditions=[], alarms=[], places=places), at=AT)
    desk.take(observed(transmitter="P1", point="2-41-8", detail=detail))
    desk.name_raised([1])
    (alarm,) = desk.new_alarms
    assert wording.point_name(alarm) == name


members = st.sampled_from(["text", "reason", "detail", "level", "cause", "code", "confidence", "values", "evidence", "defects"])
anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(members, anything))
def test_nothing_that_a_device_says_keeps_its_alarm_from_being_worded(detail) -> None:
    desk = Desk(Loaded(conditions=[], alarms=[], places={}), at=AT)
    desk.take(observed(detail=detail))
    (change,) = desk.changes
    assert change.outcome is Outcome.RAISED
    assert "T1/P1" in wording.body(change.alarm, told_at=AT)


def test_a_notification_leaves_out_what_is_not_known() -> None:
    place = Place(village_id="V1", village_name="白奇村", transmitter_name="独立烟感", registered=True)
    desk = Desk(Loaded(conditions=[], alarms=[], places={("T1", ""): place}), at=AT)
    desk.take(observed(point=""))
    alarm = desk.changes[0].alarm
    assert wording.title(alarm) == "火警 Fire alarm · 独立烟感"
    assert [line.split(":")[0] for line in wording.body(alarm, told_at=AT).splitlines()] == [
        "时间 time",
        "单位 unit",
        "点位 point",
        "编号 alarm",
    ]


def test_the_page_names_every_member_of_a_publication() -> None:
    desk = Desk(Loaded(conditions=[], alarms=[], places={}), at=AT)
    desk.take(observed())
    (change,) = desk.changes
    members = wording.publication(change, change.alarm, at=AT).keys() | {"event_id"}
    described = {
        name
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    assert described == members
