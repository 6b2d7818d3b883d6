"""Snapshots, replies and statuses: as they are due, and as they are not."""

import pytest
from said import REPLY, SNAPSHOT, only, payload

from signals.border import read_signal_lane
from signals.messages import Reason, Rejected, Reply, Snapshot, Status
from signals.topics import MessageClass

BAD_PAGES = {
    "page 0": {"page": 0},
    "page beyond pages": {"page": 2},
    "no pages": {"pages": None},
    "too many pages": {"pages": 10_001},
    "active no array": {"active": {}},
    "a condition without kind": {"active": [{"point": "1-1"}]},
    "a condition with U+0000": {"active": [{"point": "\x00", "kind": "fault"}]},
    "a condition that is a text": {"active": ["1-1"]},
    "no boot": {"boot": "x"},
}


@pytest.mark.parametrize("wrong", BAD_PAGES.values(), ids=BAD_PAGES)
def test_a_page_is_taken_whole_or_not_at_all(wrong):
    found = only(read_signal_lane(MessageClass.SNAPSHOT, payload({**SNAPSHOT, **wrong})))
    assert isinstance(found, Rejected)
    assert (found.reason, found.seq) == (Reason.MEMBER, 12)
    assert found.detail


def test_a_page_is_read():
    found = only(read_signal_lane(MessageClass.SNAPSHOT, payload({**SNAPSHOT, "page": 2, "pages": 3})))
    assert isinstance(found, Snapshot)
    assert (found.page, found.pages, found.active) == (2, 3, (("1-1", "fire_alarm"),))


def test_a_reply_is_read():
    said = {**REPLY, "operator": "Li", "text": "在岗", "gone": [[3, 5], [9, 8], [7, 7]]}
    found = only(read_signal_lane(MessageClass.REPLY, payload(said)))
    assert isinstance(found, Reply)
    assert (found.to, found.ok, found.operator, found.text, found.gone) == ("c-1", True, "Li", "在岗", ((3, 5), (7, 7)))


@pytest.mark.parametrize(
    ("member", "value"),
    [("operator", 7), ("text", "\x00"), ("gone", [[1]]), ("gone", [[1, -1]]), ("gone", [[1, 2]] * 1001), ("seq", -1)],
)
def test_a_reply_is_read_without_its_bad_members(member, value):
    found = only(read_signal_lane(MessageClass.REPLY, payload({**REPLY, member: value})))
    assert isinstance(found, Reply)
    assert (found.to, found.ok, found.operator, found.text, found.gone) == ("c-1", True, None, None, ())
    assert len(found.defects) == 1


@pytest.mark.parametrize("wrong", [{"to": None}, {"to": "\ud800"}, {"ok": 1}])
def test_a_reply_to_nothing_is_refused(wrong):
    found = only(read_signal_lane(MessageClass.REPLY, payload({**REPLY, **wrong})))
    assert isinstance(found, Rejected)
    assert (found.boot, found.seq) == (7, 12)


@pytest.mark.parametrize(("raw", "online"), [(b'{"online": true}', True), (b'{"online": false, "by": "will"}', False)])
def test_a_status_is_read(raw, online):
    assert read_signal_lane(MessageClass.STATUS, raw) == [Status(online=online)]


@pytest.mark.parametrize("raw", [b"{}", b'{"online": 1}', b'{"online": "true"}'])
def test_a_status_that_does_not_say_is_refused(raw):
    assert only(read_signal_lane(MessageClass.STATUS, raw)).reason is Reason.MEMBER
