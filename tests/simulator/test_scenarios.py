"""Timetables and scenarios: readable, deterministic, and about what they claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.kinds import FIRE_KINDS, Kind
from simulator import scenarios, timetable
from simulator.devices import DeviceClass, make_device
from simulator.timetable import Action, Step, TimetableError

DEVICES = [
    make_device(f"{device_class[0].upper()}{number}", device_class, seed=number, points=6)
    for device_class in DeviceClass
    for number in range(4)
]
NAMES = st.sampled_from(sorted(scenarios.SCENARIOS))
WORDS = st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=10)


def conditions():
    what = st.builds(
        Step,
        offset_seconds=st.floats(0, 1e5),
        transmitter_id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
        action=st.sampled_from((Action.BEGIN, Action.END)),
        kind=st.sampled_from(Kind).map(str),
        point=st.lists(WORDS, max_size=3).map(" ".join),
    )
    others = st.builds(
        Step,
        offset_seconds=st.floats(0, 1e5),
        transmitter_id=st.just("T1"),
        action=st.sampled_from((Action.SKEW, Action.REPEAT)),
        amount=st.floats(-1e9, 1e9),
    )
    plain = st.builds(
        Step, offset_seconds=st.floats(0, 1e5), transmitter_id=st.just("T1"), action=st.sampled_from((Action.WIPE, Action.ON))
    )
    return st.lists(st.one_of(what, others, plain), max_size=10).map(timetable.in_order)


@given(conditions())
def test_what_is_written_is_read_again(steps):
    assert timetable.read("\n".join(str(step) for step in steps)) == steps


def test_comments_blank_lines_and_order():
    text = "# a fire\n\n2 T1 end fault # over\n1 T1 begin fault a b\n3.5 T-2 begin fire_alarm 1#2\n"
    assert [str(step) for step in timetable.read(text)] == [
        "1.0 T1 begin fault a b",
        "2.0 T1 end fault",
        "3.5 T-2 begin fire_alarm 1#2",
    ]


@pytest.mark.parametrize("line", ["1", "x T1 cut", "1 T1 explode", "1 T1 begin", "1 T1 skew much", "1 T/1 cut"])
def test_a_line_that_cannot_be_read_is_named(line):
    with pytest.raises(TimetableError, match="line 2"):
        timetable.read(f"0 T1 cut\n{line}")


@given(NAMES, st.integers(0, 50), st.sampled_from([20.0, 60.0, 3600.0]))
def test_a_scenario_follows_from_its_seed(name, seed, duration):
    def made(*names):
        return scenarios.timetable(names, DEVICES, seed=seed, duration_seconds=duration)

    steps = made(name)
    assert steps
    assert steps == made(name)
    assert set(steps) <= set(made("fault", name))  # undisturbed by its neighbours
    assert [step.offset_seconds for step in steps] == sorted(step.offset_seconds for step in steps)
    assert all(0 <= step.offset_seconds <= duration + 5 for step in steps)


@given(NAMES, st.integers(0, 50))
def test_a_scenario_speaks_of_what_exists_and_leaves_nobody_behind(name, seed):
    points = {device.transmitter_id: {"", *device.points} for device in DEVICES}
    steps = scenarios.timetable([name], DEVICES, seed=seed, duration_seconds=60)
    assert all(step.point in points[step.transmitter_id] for step in steps)
    for first, last in ((Action.OFF, Action.ON), (Action.HOLD, Action.RELEASE)):
        left = {}
        for step in steps:
            if step.action in {first, last}:
                left[step.transmitter_id] = step.action
        assert set(left.values()) <= {last}


@given(NAMES, st.integers(0, 20))
def test_one_device_is_enough_for_every_scenario(name, seed):
    assert scenarios.timetable([name], DEVICES[:1], seed=seed, duration_seconds=60)


def test_an_unknown_scenario_is_refused_with_the_known_ones():
    with pytest.raises(scenarios.ConfigurationError, match="no scenario flood; there are ordinary_day, fire,"):
        scenarios.timetable(["flood"], DEVICES, seed=1, duration_seconds=1)


@given(st.integers(0, 20))
def test_a_campaign_has_as_many_signals_and_fires_as_asked_for(seed):
    steps = scenarios.campaign(DEVICES, seed=seed, duration_seconds=30, signals=200, fires=20)
    fires = [step for step in steps if step.kind in FIRE_KINDS]
    assert len(steps) == 200
    assert len(fires) == 20
    assert len({(step.transmitter_id, step.point) for step in fires}) == 20
    assert all(0 <= step.offset_seconds <= 30 for step in steps)


@given(st.integers(0, 20))
def test_the_alarm_storm_sets_every_point_of_one_transmitter_alight(seed):
    steps = scenarios.timetable(["alarm_storm"], DEVICES, seed=seed, duration_seconds=60)
    burning = {step.point for step in steps if step.kind == Kind.FIRE_ALARM}
    (transmitter_id,) = {step.transmitter_id for step in steps}
    assert burning == set(next(device.points for device in DEVICES if device.transmitter_id == transmitter_id))
    assert steps[-1].offset_seconds - steps[0].offset_seconds <= scenarios.STORM_SECONDS + 0.001
