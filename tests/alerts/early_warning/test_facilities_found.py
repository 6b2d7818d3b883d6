"""Failures of facilities, from seeds fixed before any detector was tried on them, are found in time; ordinary days are quiet."""

import numpy as np
import pytest

from alerts.early_warning.facilities import DETECTORS
from bench.days import failed, ordinary_days
from simulator.failing_days import FAILURES

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
STUCK = [name for name in FAILURES if name.startswith("stuck")]


def in_time(name, *, every, history_days=10.0):
    """Of each seed whether it was warned of in time, and whether it was at least noticed; nothing is said before."""
    watched, courses = failed(name, every_seconds=every, history_days=history_days)
    due = np.array([course.due for course in courses])
    assert watched.early_warnings == 0, watched.words
    return watched.warning <= due, watched.watch <= due


def test_a_leak_is_found_within_ten_minutes():
    warned, noticed = in_time("leak", every=MINUTE, history_days=6)
    assert noticed.all()
    assert warned.sum() >= len(warned) - 2, "the others are noticed, and warned of some seconds later"


@pytest.mark.parametrize("name", ["pump_off", "pump_off_suddenly"])
def test_a_pump_that_does_not_come_is_found_within_ten_minutes(name):
    assert in_time(name, every=MINUTE, history_days=4)[0].all()


@pytest.mark.parametrize(
    ("name", "every"),
    [
        ("residual_growth", 10 * MINUTE),
        ("heating_cable", 10 * MINUTE),
        ("tank_leak", 10 * MINUTE),
        ("dying_battery", HOUR),
        ("dying_battery", DAY),
        ("dying_gauge", HOUR),
        ("dying_gauge", DAY),
        ("dusty", HOUR),
    ],
)
def test_what_grows_is_found_before_it_fails(name, every):
    assert in_time(name, every=every)[0].all()


def test_dust_takes_one_reading_more_where_there_is_one_a_day():
    assert in_time("dusty", every=DAY)[0].sum() >= 19


def test_a_contact_that_ages_within_hours_is_found_before_its_threshold():
    assert in_time("heating_cable_hastily", every=MINUTE, history_days=4)[0].all()


@pytest.mark.parametrize("name", STUCK)
def test_a_stuck_sensor_is_found_within_two_hours(name):
    assert in_time(name, every=MINUTE, history_days=1.5)[0].all()


@pytest.mark.parametrize("metric", DETECTORS)
def test_thirty_ordinary_days_are_quiet(metric):
    watched = ordinary_days(metric, every_seconds=600.0)
    assert watched.early_warnings == 0, watched.words
    assert watched.early_watches <= 12, "a watch asks nobody to act"
