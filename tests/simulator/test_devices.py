"""What devices say as a matter of routine follows from seed and time alone."""

import math
from dataclasses import replace
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from signals.border import read_heartbeats, read_telemetry
from signals.metrics import METRICS
from simulator.devices import INSTRUMENTS, NATURES, DeviceClass, Pace, make_device, measure, next_routine, routine
from simulator.speech import Counters, compose

START = 1_790_000_000.0
CLASSES = st.sampled_from(DeviceClass)
QUICK = Pace(heartbeat_seconds=7, telemetry_seconds=3)


@given(CLASSES, st.integers(0, 5), st.lists(st.floats(0, 300), min_size=2, max_size=6).map(sorted))
def test_adjoining_spans_give_what_their_union_gives(device_class, seed, cuts):
    device = make_device("T1", device_class, seed=seed, points=3, pace=QUICK)
    whole = routine(device, since=START + cuts[0], until=START + cuts[-1])
    parts = [said for a, b in pairwise(cuts) for said in routine(device, since=START + a, until=START + b)]
    assert parts == whole


@given(CLASSES, st.integers(0, 5))
def test_the_same_seed_says_the_same_and_another_something_else(device_class, seed):
    def said(number):
        device = make_device("T1", device_class, seed=number, points=2, pace=QUICK)
        return routine(device, since=START, until=START + 30)

    assert said(seed) == said(seed)
    assert said(seed) != said(seed + 1)


@given(CLASSES, st.floats(0, 1e6), st.integers(1, 10_000))
def test_a_heartbeat_comes_within_the_promise_of_the_one_before(device_class, since, period):
    device = make_device("T1", device_class, seed=1, pace=Pace(heartbeat_seconds=period, telemetry_seconds=0))
    said = routine(device, since=START + since, until=START + since + 5 * period)
    own = [one for one in said if "point" not in one.members]
    assert len(own) >= 4
    assert all(later.time - earlier.time <= earlier.members["interval_seconds"] for earlier, later in pairwise(own))


@given(CLASSES, st.floats(0, 1000))
def test_next_routine_is_when_something_is_said_next(device_class, since):
    device = make_device("T1", device_class, seed=1, points=2, pace=QUICK)
    coming = next_routine(device, since=START + since)
    assert not routine(device, since=START + since, until=coming)
    assert routine(device, since=coming, until=coming + 0.001)


def test_a_device_without_pace_says_nothing():
    device = make_device("T1", DeviceClass.DETECTOR, seed=1, pace=Pace(heartbeat_seconds=0, telemetry_seconds=0))
    assert routine(device, since=START, until=START + 1e6) == []
    assert next_routine(device, since=START) == math.inf


@given(CLASSES, st.integers(0, 3))
@settings(max_examples=20)
def test_the_border_takes_everything_as_it_is(device_class, seed):
    device = make_device("T1", device_class, seed=seed, points=3)
    counters = Counters(1)
    for said in routine(replace(device, pace=QUICK), since=START, until=START + 20):
        body = compose(said.message_class, counters, clock=said.time, members=said.members).body
        if said.message_class == "heartbeat":
            (found,) = read_heartbeats(body)
            assert found.interval_seconds == QUICK.promised_seconds
            assert found.occurred_at is not None
        else:
            (reading,), rejected = read_telemetry(body)
            assert not rejected
            assert reading["values"] == said.members["values"]


def test_rooms_are_warmer_in_the_afternoon_than_at_night():
    device = make_device("T1", DeviceClass.DETECTOR, seed=1)
    midnight = 1_790_006_400 - 1_790_006_400 % 86_400 - 8 * 3600  # in Shanghai
    night, afternoon = (measure(device, "1", metric="temperature_celsius", time=midnight + hour * 3600) for hour in (3, 15))
    assert afternoon - night > 5


def test_every_instrument_reads_a_metric_of_the_profile():
    named = {metric for instruments in INSTRUMENTS.values() for _, metrics in instruments for metric in metrics}
    assert named <= NATURES.keys() <= set(METRICS)
