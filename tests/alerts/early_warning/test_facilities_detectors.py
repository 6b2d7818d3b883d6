"""The detectors of facilities one by one: what begins a finding and what ends it, odd clocks, restarts, what the register asks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.early_warning.bounds import Bounds
from alerts.early_warning.course import Course
from alerts.early_warning.engine import Engine
from alerts.early_warning.facilities import DETECTORS
from alerts.early_warning.findings import Level
from signals.facilities import Facility, limits
from signals.kinds import Kind
from signals.metrics import METRICS

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def said(engine, *readings):
    """(metric, time, value) of one point, fed in this order one by one; the findings."""
    found = []
    for metric, time, value in readings:
        found += engine.feed([engine.slot("T1", "2-1-1", metric=metric)], times=[time], values=[value])
    return found


def pressures(values, *, begin=0.0, every=MINUTE, flow=None):
    for number, value in enumerate(values):
        if flow is not None:
            yield "flow_l_per_s", begin + number * every, flow
        yield "water_pressure_mpa", begin + number * every, value


def asked(facility, **own):
    engine = Engine()
    number = engine.book.number("T1", "2-1-1")
    engine.ask({number: facility} if facility else {}, limits={metric: {number: value} for metric, value in own.items()})
    return engine


def test_water_at_rest_is_held_to_what_its_building_asks():
    engine = asked(Facility.HIGH_RISE_PUBLIC)
    assert said(engine, *pressures([0.12] * 30)) == []
    (low,) = said(engine, *pressures([0.08 + 0.001 * (n % 2) for n in range(30)], begin=HOUR))
    assert (low.kind, low.active, low.level) == (Kind.FACILITY_FAILING, True, Level.WARNING)
    assert "at rest less than 0.1 MPa" in low.reason
    assert "GB 50974" in low.reason
    (over,) = said(engine, *pressures([0.12 + 0.001 * (n % 2) for n in range(30)], begin=2 * HOUR))
    assert not over.active


def test_a_draw_and_a_single_reading_are_no_want_of_water():
    engine = asked(Facility.HIGH_RISE_PUBLIC)
    assert said(engine, *pressures([0.12] * 10 + [0.05] * 10 + [0.12] * 10 + [0.01] + [0.12] * 10)) == []


def test_flowing_water_is_held_to_its_own_figures():
    engine = asked(Facility.HIGH_RISE)
    assert said(engine, *pressures([0.40, 0.41] * 10, flow=5.0)) == []
    (weak,) = said(engine, *pressures([0.30, 0.31] * 5, begin=HOUR, flow=5.0))
    assert "flowing not within 0.35…0.5 MPa" in weak.reason
    # At rest again: 0.30 MPa is plenty, and what was found stands until the water flows well.
    assert said(engine, *pressures([0.30, 0.31] * 20, begin=2 * HOUR, flow=0.0)) == []
    (over,) = said(engine, *pressures([0.40, 0.41] * 10, begin=3 * HOUR, flow=5.0))
    assert not over.active


def test_nothing_is_asked_of_a_point_that_the_register_does_not_name():
    engine = asked(Facility.SUPER_HIGH_RISE)
    assert said(engine, *pressures([0.08, 0.081] * 20)) != []
    engine.ask({}, limits={})
    (over,) = said(engine, *pressures([0.08, 0.081], begin=HOUR))
    assert not over.active


def test_a_limit_of_its_own_replaces_everybodys():
    rising = [("residual_current_ma", number * 10 * MINUTE, 320.0 + number % 3) for number in range(40)]
    assert [finding.level for finding in said(asked(None), *rising)] == [Level.WARNING]
    engine = asked(None, residual_current_ma=500.0)
    assert said(engine, *rising) == []
    engine.ask({}, limits={})
    later = [("residual_current_ma", DAY + number * 10 * MINUTE, 320.0 + number % 3) for number in range(40)]
    (found,) = said(engine, *later)
    assert "300 mA" in found.reason


def test_a_level_of_its_own_is_not_learnt_away():
    engine = asked(None, water_level_m=2.0)
    falling = [("water_level_m", number * 10 * MINUTE, 2.5 - 0.002 * number + 0.001 * (number % 2)) for number in range(400)]
    found = said(engine, *falling)
    assert any("2.00 m" in finding.reason for finding in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [("", {}), ("residual_current_ma=500 water_level_m=2.1", {"residual_current_ma": 500.0, "water_level_m": 2.1})],
)
def test_limits_read(text, found):
    assert limits(text) == found


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("500", "500"),
        ("co_ppm=3", "co_ppm"),
        ("water_level_m=x", "'x'"),
        ("water_level_m=0", "'0'"),
        ("battery_ratio=nan", "'nan'"),
    ],
)
def test_a_limit_that_is_none_is_named(text, named):
    with pytest.raises(ValueError, match=named):
        limits(text)


def test_two_limits_for_one_metric_are_refused():
    with pytest.raises(ValueError, match="two limits"):
        limits("water_level_m=1 water_level_m=2")


def test_a_dead_sensor_is_told_from_an_odd_reading():
    dead = Bounds(words="temperature", unit="°C", decimals=1, lowest=-55.0)
    state, levels, words = dead.begin(1), [], ""
    for number, value in enumerate([21.0, -127.0, 21.0, -127.0, -127.0, -127.0, -127.0, *[21.0] * 12]):
        row = dead.step(state, time=np.array([float(number)]), value=np.array([value]))
        levels.append(int(row["level"][0]))
        words = words or (dead.reason(row[0]) if row["level"][0] else "")
    assert levels[:4] == [0, 0, 0, 0]
    assert Level.WARNING in levels[4:7]
    assert levels[-1] == Level.NONE
    assert "-127.0 °C" in words
    assert "possible again" in dead.reason(row[0])


def test_a_stuck_sensor_moves_again():
    generator = np.random.default_rng(3)
    engine = Engine()
    moving = [("humidity_ratio", number * MINUTE, float(value)) for number, value in enumerate(generator.normal(0.6, 0.01, 2000))]
    assert said(engine, *moving) == []
    (stuck,) = said(engine, *(("humidity_ratio", (2000 + number) * MINUTE, 0.61) for number in range(200)))
    assert (stuck.kind, stuck.active) == (Kind.SENSOR_SUSPECT, True)
    assert "exactly the same" in stuck.reason
    (over,) = said(engine, ("humidity_ratio", 2300 * MINUTE, 0.62))
    assert not over.active
    assert "moves again" in over.reason


def test_what_left_its_band_comes_back():
    generator = np.random.default_rng(4)
    engine = Engine()
    calm = generator.normal(0.4, 0.002, 3 * 1440)
    assert said(engine, *pressures(calm.tolist())) == []
    begin = len(calm) * MINUTE
    low = said(engine, *pressures(generator.normal(0.2, 0.002, 30).tolist(), begin=begin))
    assert low[-1].level is Level.WARNING
    assert "below the lowest" in low[-1].reason
    (over,) = said(engine, *pressures(generator.normal(0.4, 0.002, 60).tolist(), begin=begin + HOUR))
    assert "within its usual band" in over.reason


@pytest.mark.parametrize("metric", DETECTORS)
def test_every_detector_says_why_and_takes_late_readings(metric):
    for detector in DETECTORS[metric].values():
        state = detector.begin(2)
        for time, value in ((10.0, 1.0), (5.0, 2.0), (20.0, 1.5), (np.nextafter(20.0, 0), 3.0)):
            row = detector.step(state, time=np.array([time, 2 * time]), value=np.array([value, value]))
        assert detector.reason(row[0])
        assert state["time"].tolist() == [20.0, 40.0]
        assert row["confidence"].dtype == np.float32


@given(
    st.lists(
        st.tuples(
            st.sampled_from(METRICS),
            st.floats(-1e9, 4e9),
            st.floats(-1e9, 1e9) | st.sampled_from([0.0, 85.0, -127.0, 1e-12]),
        ),
        max_size=60,
    )
)
@settings(max_examples=60, deadline=None)
def test_nothing_that_is_finite_raises_and_any_cut_gives_the_same(readings):
    whole, single = Engine(), Engine()
    slots = [whole.slot("T1", "p", metric=metric) for metric, _, _ in readings]
    at_once = whole.feed(slots, times=[time for _, time, _ in readings], values=[value for *_, value in readings])
    single.slot("T1", "p", metric=METRICS[0])
    one_by_one = []
    for slot, (_, time, value) in zip(slots, readings, strict=True):
        one_by_one += single.feed([slot], times=[time], values=[value])
    assert at_once == one_by_one


def test_a_restart_forgets_nothing():
    generator = np.random.default_rng(5)
    readings = [*pressures(generator.normal(0.4, 0.002, 1440).tolist()), *pressures([0.2] * 30, begin=DAY)]
    steady = Engine()
    expected = said(steady, *readings)
    first, second = Engine(), Engine()
    found = said(first, *readings[:1000])
    second.load(0, first.dump(0))
    assert found + said(second, *readings[1000:]) == expected
    assert expected != []


def test_a_falling_course_turns_the_words():
    course = DETECTORS["battery_ratio"]["course"]
    assert isinstance(course, Course)
    state = course.begin(1)
    for day in range(40):
        row = course.step(state, time=np.array([day * DAY]), value=np.array([0.9 - 0.012 * day]))
    assert row["level"][0] == Level.WARNING
    assert "falling 0.01" in course.reason(row[0])
    assert "days" in course.reason(row[0])
