"""Telemetry packed for the hand-over comes out as it went in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from said import Reading, metric_values

from signals.metrics import METRIC_INDEX, METRICS
from signals.packing import Packer, unpack

transmitter_ids = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
points = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=64)
readings = st.lists(
    st.builds(Reading, transmitter_id=transmitter_ids, point=points, time=st.floats(0, 2.3e9), values=metric_values), max_size=30
)
few_series = readings.map(
    lambda some: some + [Reading(transmitter_id="T1", point="", time=one.time, values=one.values) for one in some]
)


def packed(some):
    packer = Packer()
    for one in some:
        packer.add(f"{one.transmitter_id}\0{one.point}", one.time, values=one.values)
    assert len(packer) == len(some)
    return packer


def values_of(some):
    return [
        (one.transmitter_id, one.point, one.time, name, one.values[name])
        for one in some
        for name in sorted(one.values, key=METRICS.index)
    ]


def unpacked(packed):
    found = unpack(packed)
    columns = (found.series.tolist(), found.times.tolist(), found.metrics.tolist(), found.values.tolist())
    return [(*found.names[series], time, METRICS[metric], value) for series, time, metric, value in zip(*columns, strict=True)]


@given(few_series)
def test_what_goes_in_comes_out(some):
    assert unpacked(packed(some).packed()) == values_of(some)


@given(few_series, st.data())
def test_only_what_was_kept_comes_out(some, data):
    kept = data.draw(st.lists(st.booleans(), min_size=len(some), max_size=len(some)))
    assert unpacked(packed(some).only(kept).packed()) == values_of(one for one, keep in zip(some, kept, strict=True) if keep)


@given(metric_values)
def test_the_quick_way_in_is_the_same(values):
    names = sorted(values, key=METRICS.index)
    quick, ordinary = Packer(), Packer()
    quick.add_ordered("T1\0", 1.0, mask=sum(1 << METRIC_INDEX[name] for name in names), values=[values[name] for name in names])
    ordinary.add("T1\0", 1.0, values=values)
    assert quick.packed() == ordinary.packed()


def test_the_layout_never_changes():
    # Rows of it wait in the database while a new version is installed.
    packer = Packer()
    packer.add("T1\0p", 1.5, values={"co_ppm": 2.0, "temperature_celsius": -1.0})
    columns = "00000000000000000000f83f05000000000000000000f0bf0000000000000040"
    assert packer.packed().hex() == b"WT01".hex() + "04000000" + "01000000" + b"T1\0p".hex() + columns


@given(few_series.filter(bool), st.data())
def test_a_batch_cut_short_is_refused(some, data):
    whole = packed(some).packed()
    with pytest.raises(ValueError, match=r"."):
        unpack(whole[: data.draw(st.integers(0, len(whole) - 1))])


def test_another_layout_is_refused():
    with pytest.raises(ValueError, match="a batch begins with b'WT01', this one with b'WT02"):
        unpack(b"WT02" + packed([]).packed()[4:])


def test_the_mask_holds_every_metric():
    assert len(METRICS) <= 32
