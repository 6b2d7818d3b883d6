"""Days on which something fails: ordinary until then, and as bad as they say afterwards."""

from functools import cache

import numpy as np
import pytest

from simulator.failing_days import FAILURES, failing
from simulator.failures import DRIFTS, LIMITS, RAILS
from simulator.ordinary_days import DRAWN_MPA, INSTRUMENTS, PUMPED_MPA, TRUE, draws, network, ordinary
from simulator.surroundings import DAY, HOUR

ORDINARY_DAYS = 2
BOUNDS = {
    "water_pressure_mpa": (0, 0.6),
    "water_level_m": (0, 3.5),
    "residual_current_ma": (0, 700),
    "cable_temperature_celsius": (-10, 200),
    "temperature_celsius": (0, 55),
    "smoke_obscuration_db_per_m": (0, 1.5),
    "co_ppm": (-1, 30),
    "battery_volts": (1.9, 28),
    "battery_ratio": (0, 1),
    "rsrp_dbm": (-130, -60),
    "rssi_dbm": (-118, -50),
    "sinr_db": (-13, 35),
}


@cache
def courses(name):
    """Of every seed: itself, its times, and its course; the onset is ORDINARY_DAYS after the first."""
    failure = FAILURES[name]
    seconds = np.arange(0, (ORDINARY_DAYS + failure.days) * DAY, 60 if failure.days == 1 else 600)
    return [(seed, seconds, failing(name, seed=seed, seconds=seconds, onset=ORDINARY_DAYS * DAY)) for seed in failure.seeds]


def of(*names):
    return pytest.mark.parametrize("name", [name for name in FAILURES if name.startswith(names)])


@pytest.mark.parametrize("name", FAILURES)
def test_days_are_ordinary_until_it_begins_and_no_longer(name):
    for seed, seconds, course in courses(name):
        usual = ordinary(FAILURES[name].metric, seed=seed, seconds=seconds)
        before = seconds < course.begins
        assert np.array_equal(course.shown[before], usual[before])
        assert not np.array_equal(course.shown[~before], usual[~before])


@pytest.mark.parametrize("name", FAILURES)
def test_a_seed_fails_the_same_way_again(name):
    seed, seconds, course = courses(name)[0]
    again = failing(name, seed=seed, seconds=seconds, onset=ORDINARY_DAYS * DAY)
    assert np.array_equal(course.shown, again.shown)
    assert (course.begins, course.due, course.ends) == (again.begins, again.due, again.ends)


@pytest.mark.parametrize("name", FAILURES)
def test_it_stays_within_what_can_be(name):
    for _, _, course in courses(name):
        metric = FAILURES[name].metric
        least, most = BOUNDS[metric]
        assert least <= course.true.min() <= course.true.max() <= most
        instrument, odd = INSTRUMENTS[metric], [*RAILS.get(metric, ()), 85.0, -127.0]
        assert np.all(((instrument.least <= course.shown) & (course.shown <= instrument.most)) | np.isin(course.shown, odd))


@pytest.mark.parametrize("name", FAILURES)
def test_it_is_due_after_it_begins_and_before_it_is_too_late(name):
    for _, seconds, course in courses(name):
        assert course.begins < course.due <= course.ends
        assert course.due < seconds[-1]
        assert np.isinf(course.ends) or course.ends <= seconds[-1]


@of("tank", "residual", "heating", "dusty", "fading")
def test_its_true_course_passes_the_threshold_when_it_ends(name):
    for _, seconds, course in courses(name):
        limit = LIMITS[FAILURES[name].metric]
        way = 1 if limit > course.true[0] else -1
        assert np.all(way * course.true[seconds < course.ends] < way * limit)
        assert way * course.true[seconds >= course.ends][0] >= way * limit


@of("dying")
def test_a_battery_is_empty_when_it_ends(name):
    for seed, seconds, course in courses(name):
        left = course.true / TRUE[FAILURES[name].metric](seed, seconds)
        empty = 0 if name == "dying_gauge" else 5 / 6 if course.true[0] > 10 else 2 / 3
        assert np.all(np.diff(left) <= 1e-12)
        assert np.all(left[seconds < course.ends] > empty)
        assert left[-1] == pytest.approx(empty)


@of("leak")
def test_a_leak_is_below_the_ordinary_within_ten_minutes_and_stays_there(name):
    for seed, seconds, course in courses(name):
        assert course.true[seconds >= course.begins + 600].max() < network(seed)[0] - PUMPED_MPA / 2 - 0.045


@of("pump_off")
def test_a_network_without_its_pump_only_falls(name):
    for seed, seconds, course in courses(name):
        unused = course.true + DRAWN_MPA * draws(seed, seconds)
        after = unused[seconds >= course.begins]
        assert np.all(np.diff(after) <= 1e-12)
        assert after[-1] < network(seed)[0] - PUMPED_MPA / 2
        if name == "pump_off":
            assert 0 <= course.begins - ORDINARY_DAYS * DAY < network(seed)[1]
            lowest = network(seed)[0] - PUMPED_MPA / 2
            assert 0.006 < lowest - np.interp(course.due, seconds, unused) < 0.03
        else:
            assert unused[seconds >= course.begins + 120].max() <= 0.151


@of("tank_leak")
def test_a_tank_runs_empty_as_through_a_hole(name):
    for seed, seconds, course in courses(name):
        root = np.sqrt(course.true / TRUE[FAILURES[name].metric](seed, seconds))
        falling = root[(seconds >= course.begins) & (root > 0)]
        assert np.diff(falling) == pytest.approx(np.diff(falling).mean())
        assert root[-1] == 0


@of("dusty", "drifting")
def test_dust_and_drift_go_one_way(name):
    for seed, seconds, course in courses(name):
        metric = FAILURES[name].metric
        away = np.abs(course.true - TRUE[metric](seed, seconds))
        assert np.all(np.diff(away) >= -1e-9)
        if metric in DRIFTS:
            far = DRIFTS[metric][1]
            assert np.all(away[seconds < course.ends] < far)
            assert away[-1] == pytest.approx(far)


@of("stuck")
def test_a_stuck_sensor_says_one_thing_which_an_ordinary_one_never_does_for_two_hours(name):
    for _, seconds, course in courses(name):
        assert len(set(course.shown[seconds >= course.begins])) == 1
        usual = course.shown[seconds < course.begins]
        changes = np.flatnonzero(np.diff(usual, prepend=np.nan, append=np.nan))
        assert np.diff(changes).max() < 2 * HOUR / 60


@of("dead")
def test_a_dead_sensor_shows_its_rail_now_and_then_and_at_last_always(name):
    for _, seconds, course in courses(name):
        rail = course.shown[-1]
        assert rail in RAILS[FAILURES[name].metric]
        assert np.all(course.shown[seconds >= course.begins + 4 * HOUR] == rail)
        assert np.any(course.shown[(seconds >= course.begins) & (course.shown != rail)])


@of("tank", "residual", "heating", "dying", "dusty", "fading", "drifting")
def test_seeds_end_at_times_of_their_own(name):
    assert len({course.ends for _, _, course in courses(name)}) > len(courses(name)) / 2
