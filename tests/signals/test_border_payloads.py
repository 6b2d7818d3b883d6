"""Bad input, payload by payload: what holds no object is refused whole; anything less does not lose the rest."""

import json

import pytest
from said import FIRE, READING, nested, only, payload

from signals.border import read_heartbeats, read_signal_lane, read_telemetry
from signals.messages import OBJECTS_MAXIMUM, PAYLOAD_BYTES_MAXIMUM, Reason, Rejected, Signal
from signals.payloads import LEVELS_MAXIMUM
from signals.topics import MessageClass


def signals(raw):
    return read_signal_lane(MessageClass.SIGNAL, raw)


NO_OBJECT = {
    "nothing": (b"", Reason.JSON),
    "no JSON": (b"fire!", Reason.JSON),
    "half an object": (b'{"boot": 7,', Reason.JSON),
    "two objects": (b"{}{}", Reason.JSON),
    "a byte order mark": (("\ufeff" + json.dumps(FIRE)).encode(), Reason.JSON),
    "not UTF-8": (b'{"text": "\xff"}', Reason.ENCODING),
    "GB 18030": (json.dumps({**FIRE, "text": "火警"}, ensure_ascii=False).encode("gb18030"), Reason.ENCODING),
    "UTF-16": (json.dumps(FIRE).encode("utf-16"), Reason.ENCODING),
    "a surrogate as bytes": (b'{"text": "\xed\xa0\x80"}', Reason.ENCODING),
    "a bare U+0000": (b'{"text": "\x00"}', Reason.JSON),
    "10,001 levels": (nested(10_001).encode(), Reason.JSON),
    "10,001 levels of objects": (nested(10_001, opening='{"a":', closing="}").encode(), Reason.JSON),
    "a number": (b"17", Reason.SHAPE),
    "a text": (b'"fire"', Reason.SHAPE),
    "null": (b"null", Reason.SHAPE),
    "an empty array": (b"[]", Reason.SHAPE),
    "1,001 objects": (json.dumps([{}] * 1001).encode(), Reason.SHAPE),
    "an array in an array": (b"[[]]", Reason.SHAPE),
    "300 KiB": (b"[" + b" " * 300 * 1024 + b"]", Reason.TOO_LARGE),
    "300 KiB of a fire": (json.dumps({**FIRE, "text": "x" * 300 * 1024}).encode(), Reason.TOO_LARGE),
}


@pytest.mark.parametrize(("raw", "reason"), NO_OBJECT.values(), ids=NO_OBJECT)
@pytest.mark.parametrize("message_class", list(MessageClass))
def test_what_holds_no_object_is_refused_once_and_whole(raw, reason, message_class):
    if message_class is MessageClass.TELEMETRY:
        taken, refused = read_telemetry(raw)
        assert taken == []
    elif message_class is MessageClass.HEARTBEAT:
        refused = read_heartbeats(raw)
    else:
        refused = read_signal_lane(message_class, raw)
    found = only(refused)
    assert isinstance(found, Rejected)
    assert found.reason is reason
    assert found.detail
    assert found.raw in {raw, b"[]", raw.strip(b"[]")}  # the payload, or the element that is no object
    assert (found.boot, found.seq) == (None, None)


@pytest.mark.parametrize("levels", [LEVELS_MAXIMUM - 2, LEVELS_MAXIMUM, 200, 960, *range(980, 1000)])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("member", ["anything", "at", "boot", "values", "text"])
def test_a_deep_member_does_not_cost_the_alarm(levels, opening, closing, member):
    # 990 is where the interpreter's limit strikes on Python 3.11: the reader, or whatever prints or writes what was read.
    deep = nested(levels, opening=opening, closing=closing)
    raw = json.dumps([FIRE, {**FIRE, member: "deep"}]).replace('"deep"', deep).encode()
    found = signals(raw)
    if len(found) == 1:
        assert only(found).detail == "not JSON: nested too deep"
        assert levels > 900
        return
    assert all(isinstance(one, Signal) for one in found)
    assert len(repr(found)) < 10_000
    taken, refused = read_telemetry(json.dumps([READING, {**READING, member: "deep"}]).replace('"deep"', deep).encode())
    assert taken[0] == READING
    assert len(taken) + len(refused) == 2


def test_a_number_of_5000_digits_does_not_cost_the_others():
    raw = json.dumps([FIRE, {**FIRE, "boot": "long"}, {**FIRE, "anything": "long"}]).replace('"long"', "9" * 5000).encode()
    found = signals(raw)
    assert [one.boot for one in found if isinstance(one, Signal)] == [7, None, 7]
    assert len({one.content for one in found if isinstance(one, Signal)}) == 3
    raw = json.dumps(READING).replace("21.5", "9" * 5000).encode()
    taken, refused = read_telemetry(raw)
    assert only(taken)["values"] == {"co_ppm": 3}
    assert only(refused).reason is Reason.METRIC


def test_one_bad_object_does_not_lose_the_others():
    bad = [17, None, [], "x", {}, {**FIRE, "kind": 1}, {**FIRE, "active": "?"}]
    mixed = [object_ for one in bad for object_ in (FIRE, one)] + [FIRE]
    found = signals(payload(mixed))
    assert [isinstance(one, Signal) for one in found] == [True, False] * len(bad) + [True]
    assert [one.item for one in found if isinstance(one, Rejected)] == list(range(1, 2 * len(bad), 2))


def test_the_largest_payloads_are_read():
    assert len(signals(payload([FIRE] * OBJECTS_MAXIMUM))) == OBJECTS_MAXIMUM
    padding = PAYLOAD_BYTES_MAXIMUM - len(payload({**FIRE, "anything": ""}))
    raw = payload({**FIRE, "anything": "x" * padding})
    assert len(raw) == PAYLOAD_BYTES_MAXIMUM
    assert isinstance(only(signals(raw)), Signal)
    assert only(signals(raw + b" ")).reason is Reason.TOO_LARGE
