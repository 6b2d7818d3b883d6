"""The border, whatever comes: it never raises, it never mixes objects up, and its words can be stored."""

import json

from hypothesis import example, given
from hypothesis import strategies as st
from said import SIGNAL_LANE, any_json, any_object, any_text, counters, kinds, payload, plain_text, signals, telemetry

from signals.border import read_heartbeats, read_plain_telemetry, read_signal_lane, read_telemetry
from signals.messages import Heartbeat, Rejected, Reply, Signal, Snapshot, Status
from signals.payloads import canonical
from signals.topics import MessageClass

classes = st.sampled_from(SIGNAL_LANE)
broken = st.binary() | any_text.map(lambda text: text.encode("utf-8", "surrogatepass"))
json_payloads = (any_json | any_object | st.lists(any_object, max_size=5)).map(payload)


@st.composite
def damaged(draw):
    """A sound payload with some bytes changed, doubled or cut away."""
    raw = bytearray(payload(draw(signals | telemetry | st.lists(signals, max_size=3))))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(raw)))
        raw[place : place + draw(st.integers(0, 3))] = draw(
            st.sampled_from([b"", b"\\u0000", b'"', b"}", b",", b"1e400", b"\\ud800"]) | st.binary(max_size=3)
        )
    return bytes(raw)


def storable(text):
    return "\x00" not in text and text.encode() is not None


def everything_read(raw):
    for message_class in SIGNAL_LANE:
        yield from read_signal_lane(message_class, raw)
    yield from read_heartbeats(raw)
    yield from read_telemetry(raw)[1]


@given(broken | json_payloads | damaged())
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"-" * 100)
@example(b"-0")
@example(b'{"seq":-0,"boot":-0.0,"point":"","kind":"a","active":true}')
def test_nothing_raises_and_every_word_can_be_stored(raw):
    read_plain_telemetry(raw)
    for found in everything_read(raw):
        assert isinstance(found, Signal | Snapshot | Reply | Status | Heartbeat | Rejected)
        if isinstance(found, Rejected):
            assert storable(found.detail)
            assert len(found.detail) <= 500
        if isinstance(found, Signal | Snapshot | Reply):
            assert all(storable(defect) and len(defect) <= 200 for defect in found.defects)
            assert found.at_text is None or (storable(found.at_text) and len(found.at_text) <= 64)
        if isinstance(found, Signal):
            assert storable(found.point + found.raw_kind)
            assert len(found.point) <= 64
            assert 1 <= len(found.raw_kind) <= 64
        if isinstance(found, Signal | Heartbeat):
            detail = json.dumps(found.detail, allow_nan=False, ensure_ascii=False)
            assert storable(detail)
            assert "\\u0000" not in detail.replace("\\\\", "")


@given(classes, st.lists(any_object | any_json | signals, min_size=1, max_size=6))
def test_an_object_is_read_the_same_alone_and_among_others(message_class, objects):
    together = read_signal_lane(message_class, payload(objects))
    alone = [read_signal_lane(message_class, payload([one]))[0] for one in objects]
    assert len(together) == len(objects)
    for item, (one, other) in enumerate(zip(together, alone, strict=True)):
        if isinstance(one, Rejected):
            assert isinstance(other, Rejected)
            assert one.item == item
            assert (one.reason, one.detail, one.raw, one.boot, one.seq) == (
                other.reason,
                other.detail,
                other.raw,
                other.boot,
                other.seq,
            )
        else:
            assert one == other


@given(plain_text, kinds, st.booleans(), any_object)
def test_a_readable_alarm_is_always_read(point, kind, active, rest):
    found = read_signal_lane(MessageClass.SIGNAL, payload({**rest, "point": point, "kind": kind, "active": active}))
    assert [type(one) for one in found] == [Signal]
    assert (found[0].point, found[0].raw_kind, found[0].active) == (point, kind, active)


@given(any_object.filter(bool))
def test_how_an_object_is_written_does_not_change_what_it_is(said):
    shuffled = dict(reversed(said.items()))
    pretty = json.dumps(shuffled, indent=2).encode()
    assert canonical(json.loads(pretty)) == canonical(said) == canonical(json.loads(canonical(said)))


@given(classes, signals | any_object)
def test_a_re_send_has_the_same_content(message_class, said):
    first = read_signal_lane(message_class, payload(said))
    again = read_signal_lane(message_class, json.dumps(dict(reversed(said.items())), indent=1).encode())
    assert repr(first) == repr(again)  # NaN is not itself
    for one in first:
        if isinstance(one, Signal | Snapshot | Reply):
            assert repr(read_signal_lane(message_class, one.content)) == repr([one])


@given(signals, signals)
def test_another_content_is_another_content(one, other):
    contents = [read_signal_lane(MessageClass.SIGNAL, payload(said))[0].content for said in (one, other)]
    assert (contents[0] == contents[1]) == (one == other)


@given(st.lists(telemetry, min_size=1, max_size=5))
def test_a_sound_reading_is_taken_as_it_was_said(said):
    assert read_telemetry(payload(said)) == (said, [])
    assert read_telemetry(payload(said[0])) == ([said[0]], [])
    assert read_plain_telemetry(payload(said[0])) == said[0]


@given(telemetry | any_object)
def test_the_quick_and_the_careful_way_agree(said):
    # U+0000 in a member that nobody reads sends a payload the careful way.
    quick = read_telemetry(payload(said))
    careful = read_telemetry(payload({**said, "nobody": "\x00"}))
    assert quick[0] == careful[0]
    assert [(one.reason, one.detail) for one in quick[1]] == [(one.reason, one.detail) for one in careful[1]]


@given(st.lists(telemetry | any_object, min_size=1, max_size=6))
def test_of_readings_too_nothing_is_lost_to_the_others(said):
    taken, refused = read_telemetry(payload(said))
    alone = [read_telemetry(payload(one)) for one in said]
    assert repr(taken) == repr([one for found, _ in alone for one in found])
    assert [(one.reason, one.detail, one.raw) for one in refused] == [
        (one.reason, one.detail, one.raw) for _, found in alone for one in found
    ]


@given(any_json, st.lists(counters, min_size=2, max_size=2))
def test_readable_counters_of_a_refused_object_are_kept(kind, counted):
    boot, seq = counted
    for found in everything_read(payload({"boot": boot, "seq": seq, "kind": kind})):
        if isinstance(found, Rejected):
            assert (found.boot, found.seq) == (boot, seq)
