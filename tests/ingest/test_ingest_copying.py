"""Rows packed by hand, as PostgreSQL's binary COPY reads them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.copying import COLUMNS, LAYOUTS_MAXIMUM, Layouts, digest_of, head, tail, with_text
from signals.metrics import METRICS

VALUES = st.dictionaries(st.sampled_from(METRICS), st.floats(allow_nan=False, allow_infinity=False), min_size=1)
COUNTERS = st.integers(0, 2**53 - 1)


def fields(row: bytes) -> dict[str, bytes | None]:
    """A row taken apart, with nothing left over."""
    (count,) = struct.unpack_from(">h", row)
    assert count == len(COLUMNS)
    found, offset = {}, 2
    for column in COLUMNS:
        (length,) = struct.unpack_from(">i", row, offset)
        offset += 4
        found[column] = None if length < 0 else row[offset : offset + length]
        offset += max(0, length)
    assert offset == len(row)
    return found


def content(values: dict[str, float], *, boot: int = 1, seq: int = 2, time: int = 3) -> bytes:
    layout = Layouts().find(tuple(values))
    assert layout is not None
    layout.fields[1::2] = (boot, seq, time, *layout.in_order(values))
    return head("T1", "烟/1") + layout.pack(*layout.fields)


@given(VALUES, COUNTERS, COUNTERS, st.integers(0, 2**62))
def test_every_field_is_where_it_belongs(values, boot, seq, time):
    row = content(values, boot=boot, seq=seq, time=time) + struct.pack(">q", -5) + tail(77)
    found = fields(row)
    assert (found["transmitter_id"], found["point"], found["at_text"]) == (b"T1", "烟/1".encode(), None)
    numbers = {name: struct.unpack(">q", found[name])[0] for name in ("boot", "seq", "time", "digest", "received_at")}
    assert numbers == {"boot": boot, "seq": seq, "time": time, "digest": -5, "received_at": 77}
    assert digest_of(row) == -5
    assert {name: struct.unpack(">d", found[name])[0] for name in METRICS if found[name] is not None} == values


@given(VALUES, st.text(max_size=64).filter(lambda text: "\0" not in text and text.isprintable()))
def test_the_text_of_a_clock_takes_its_place(values, text):
    row = with_text(content(values), text) + bytes(8) + tail(0)
    assert fields(row)["at_text"] == text.encode()


@given(VALUES)
def test_the_order_of_writing_does_not_show(values):
    assert content(values) == content(dict(reversed(values.items())))


def test_an_unknown_metric_has_no_layout():
    assert Layouts().find(("co_ppm", "mood")) is None


def test_layouts_are_bounded():
    layouts = Layouts()
    for number in range(LAYOUTS_MAXIMUM + 10):
        layouts.find((f"mood_{number}",))
        assert len(layouts) <= LAYOUTS_MAXIMUM
    assert layouts.find(("co_ppm",)) is layouts.find(("co_ppm",))


@pytest.mark.parametrize("name", METRICS)
def test_a_lone_metric(name):
    assert struct.unpack(">d", fields(content({name: 1.5}) + bytes(8) + tail(0))[name]) == (1.5,)
