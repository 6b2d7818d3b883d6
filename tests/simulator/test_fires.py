"""The replay of measured fires."""

import statistics
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import ConfigurationError
from simulator import fires
from simulator.fires import FIXED_THRESHOLD_CELSIUS, QUADRANTS, Place, crossing, lagged, run_named, runs, schedule
from simulator.speech import stamp

START = 1_790_000_000.0
PLACES = {quadrant: Place(transmitter_id=f"F-{quadrant}", point="1") for quadrant in QUADRANTS}
RUNS = st.sampled_from(sorted(runs()))


def test_there_are_fourteen_fires_with_an_ordinary_room_before_each():
    assert len(runs()) == 14
    for burning in runs().values():
        assert burning.seconds[0] <= -119
        assert burning.seconds[-1] == 300
        assert {len(burning.celsius[quadrant]) for quadrant in QUADRANTS} == {len(burning.seconds)}


def test_the_notice_stands_beside_the_data():
    notice = (fires.FILE.parent / "NOTICE").read_text(encoding="ascii")
    assert "fsri-compartments-2018" in notice
    assert "Copyright (c) 2021 UL FSRI" in notice
    assert "THE SOFTWARE IS PROVIDED" in notice


def test_every_detector_alarms_and_the_median_fire_does_so_after_about_145_seconds():
    by_run = [
        [crossing(burning.seconds, lagged(burning.seconds, burning.celsius[quadrant])) for quadrant in QUADRANTS]
        for burning in runs().values()
    ]
    assert all(second is not None and second > 0 for found in by_run for second in found)
    assert statistics.median(statistics.median(found) for found in by_run) == pytest.approx(145.5, abs=3)


def test_the_lag_follows_a_step_with_its_time_constant():
    seconds = [float(second) for second in range(-1, 480)]
    felt = lagged(seconds, [20.0] + [120.0] * 480)
    assert felt[0] == 20
    assert felt[seconds.index(46)] == pytest.approx(20 + 100 * (1 - 2.718281828**-1), abs=0.1)
    assert felt[-1] == pytest.approx(120, abs=0.01)


@given(RUNS, st.sampled_from([1.0, 2.0, 7.3, 60.0, 1000.0]), st.sampled_from([0.0, 150.0, 300.0]))
def test_clocks_run_ahead_steadily_and_never_into_the_future(name, factor, until):
    readings = schedule(run_named(name), PLACES, starts_at=START, factor=factor, until_second=until)
    assert min(reading.sent_at for reading in readings) == pytest.approx(START)
    assert [reading.sent_at for reading in readings] == sorted(reading.sent_at for reading in readings)
    for place in PLACES.values():
        own = [reading for reading in readings if reading.place == place]
        clocks = [reading.clock for reading in own]
        assert clocks == sorted(set(clocks))
        assert all(datetime.fromisoformat(stamp(reading.clock)).timestamp() <= reading.sent_at for reading in own)
        assert own[-1].clock == pytest.approx(own[-1].sent_at)
        assert clocks[-1] - clocks[0] == pytest.approx(factor * (own[-1].sent_at - own[0].sent_at))


@given(RUNS)
def test_each_detector_alarms_once_when_it_feels_the_threshold(name):
    readings = schedule(run_named(name), PLACES, starts_at=START, factor=10)
    for place in PLACES.values():
        own = [reading for reading in readings if reading.place == place]
        (index,) = [index for index, reading in enumerate(own) if reading.alarms]
        assert own[index].celsius >= FIXED_THRESHOLD_CELSIUS - 0.005
        assert all(reading.celsius < FIXED_THRESHOLD_CELSIUS + 0.005 for reading in own[:index])


def test_a_replay_that_ends_before_the_threshold_has_no_alarm():
    readings = schedule(run_named("RedAccent_Open_Back_1"), PLACES, starts_at=START, factor=10, until_second=60)
    assert not any(reading.alarms for reading in readings)


def test_only_real_fires_at_a_real_pace():
    with pytest.raises(ConfigurationError, match="no measured fire Wembley"):
        run_named("Wembley")
    with pytest.raises(ConfigurationError, match=r"not 0.5 times"):
        schedule(next(iter(runs().values())), PLACES, starts_at=START, factor=0.5)
