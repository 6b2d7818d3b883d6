"""The plain rules on measured fires, on ordinary rooms, and on bad sampling."""

import csv
import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import rules
from simulator import fires

AMBIENT = Path(__file__).parents[3] / "shared" / "data" / "fires" / "ambient_uci_7days.csv.gz"


def found(readings: list[tuple[float, float]]) -> list[rules.Finding]:
    state = rules.begin(*readings[0])
    return [finding for time, celsius in readings[1:] if (finding := rules.feed(state, time, celsius=celsius)) is not None]


@pytest.mark.parametrize("name", sorted(fires.runs()))
def test_every_measured_fire_is_warned_of_before_its_fixed_alarm_and_never_before_ignition(name: str) -> None:
    burning = fires.run_named(name)
    for quadrant in fires.QUADRANTS:
        felt = fires.lagged(burning.seconds, burning.celsius[quadrant])
        first = next(finding for finding in found(list(zip(burning.seconds, felt, strict=True))) if finding.active)
        alarm = fires.crossing(burning.seconds, felt)
        assert alarm is not None
        assert 0 < first.time < alarm
        assert "K above its baseline" in first.reason


def test_no_warning_in_an_ordinary_office() -> None:
    if not AMBIENT.exists():
        pytest.skip("the ordinary rooms are not part of the project: their licence is to be confirmed")
    by_set: dict[str, list[tuple[float, float]]] = {}
    with gzip.open(AMBIENT, "rt") as file:
        for index, row in enumerate(csv.DictReader(file)):
            by_set.setdefault(row["set"], []).append((index * 60.0, float(row["T_C"])))
    assert [finding for readings in by_set.values() for finding in found(readings)] == []


def test_a_warning_ends_when_the_room_is_quiet_again() -> None:
    quiet = [(float(second), 20.0) for second in range(120)]
    hot = [(120.0 + second, 20.0 + second * 0.5) for second in range(60)]
    cool = [(180.0 + second, max(20.0, 50.0 - second * 0.2)) for second in range(1200)]
    began, ended = found(quiet + hot + cool)
    assert began.active
    assert not ended.active
    assert ended.time - began.time > rules.QUIET_SECONDS


def test_drift_draughts_and_noise_raise_nothing() -> None:
    chance = random.Random(1)
    day = [
        (second * 10.0, 20 + 4 * (second / 8640) + chance.gauss(0, 0.3) + (2 if second % 500 == 0 else 0)) for second in range(8640)
    ]
    assert found(day) == []


def test_readings_that_come_late_are_passed_over() -> None:
    state = rules.begin(0.0, 20.0)
    for second in range(1, 100):
        assert rules.feed(state, float(second), celsius=20.0) is None
    for _ in range(100):
        assert rules.feed(state, 50.0, celsius=80.0) is None
    assert state.last == 99.0


def test_a_clock_set_back_begins_anew_and_still_warns() -> None:
    state = rules.begin(1000.0, 20.0)
    for second in range(1, 100):
        rules.feed(state, 1000.0 + second, celsius=20.0)
    later = [rules.feed(state, float(second), celsius=20.0 if second < 200 else 40.0) for second in range(1, 300)]
    assert any(finding is not None and finding.active for finding in later)


@pytest.mark.parametrize("step", [1.0, 7.0, 60.0, 600.0])
def test_any_sampling_sees_a_rise(step: float) -> None:
    quiet = [(index * step, 20.0) for index in range(int(max(12, 70 / step)))]
    start = quiet[-1][0]
    hot = [(start + index * step, 20.0 + index * step * 0.2) for index in range(1, int(max(3, 200 / step)))]
    assert any(finding.active for finding in found(quiet + hot))


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats(-300, 3000)), min_size=1, max_size=200))
def test_nothing_raises_and_memory_is_bounded(readings: list[tuple[float, float]]) -> None:
    state = rules.begin(*readings[0])
    for time, celsius in readings[1:]:
        rules.feed(state, time, celsius=celsius)
    assert len(state.kept) <= 15
