"""The protocol of the measured fires: what the engine promises, with room on both sides."""

import numpy as np
import pytest

from alerts.early_warning import measured, report, scoring
from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Level
from runtime.errors import ConfigurationError

NO_ROOMS = "the ordinary rooms are not beside the project: shared/data/fires/ambient_uci_7days.csv.gz (licence to be confirmed)"


@pytest.fixture(scope="module")
def data():
    return report.read(None)


@pytest.fixture(scope="module")
def trades(data):
    """By sensitivity, those about the one in force."""
    sensitivities = [0.7, 1.0, 1.4]
    return dict(zip(sensitivities, report.trades(data, sensitivities=sensitivities), strict=True))


def altered(data, change):
    """The fires with what `change` makes of what was felt."""
    runs = [measured.Series(name=run.name, seconds=run.seconds, celsius=change(run.celsius)) for run in data.fires]
    return scoring.score_fires(scoring.watch_all(runs, sensitivities=[1.0] * len(runs)))


def test_every_fire_is_warned_of_in_time(trades):
    found = trades[1.0].fires
    assert (len(found.names), found.detectors, found.missed) == (14, 56, 0)
    assert np.median(found.leads[:, 2]) >= 25
    assert (found.leads[:, 1] > 0).all()
    assert (found.leads[:, 0] > 0).all()


def test_nothing_is_said_before_ignition(trades):
    found = trades[1.0].fires
    assert (found.early, found.early_watches) == (0, 0)


@pytest.mark.skipif(not measured.AMBIENT.exists(), reason=NO_ROOMS)
def test_ordinary_rooms_are_quiet(trades):
    found = trades[1.0].ambient
    assert found.days == pytest.approx(7.5, abs=0.1)
    assert (found.warnings, found.watches) == (0, 0)
    assert found.upper_a_day == pytest.approx(0.40, abs=0.01)


@pytest.mark.parametrize("sensitivity", [0.7, 1.4])
def test_the_targets_do_not_hang_on_the_last_tenth(trades, sensitivity):
    found = trades[sensitivity]
    assert np.median(found.fires.leads[:, 2]) >= 20
    assert (found.fires.leads[:, 1] > 0).all()
    assert (found.fires.early, found.fires.missed) == (0, 0)
    assert found.ambient is None or found.ambient.warnings == 0


def test_rows_one_by_one_say_the_same(data):
    run = data.fires[3]
    engine = Engine()
    slots = [engine.slot("0", str(detector), metric=scoring.METRIC) for detector in range(4)]
    said = [
        finding
        for second, row in zip(run.seconds, run.celsius, strict=True)
        for finding in engine.feed(slots, times=np.full(4, second), values=row)
    ]
    assert said == [finding for _, finding in scoring.watch(run).findings] != []


@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
def test_coarse_sensors_do_not_cry_wolf(data, step):
    found = altered(data, lambda celsius: np.round(celsius / step) * step)
    assert (found.early, found.missed) == (0, 0)
    assert (found.leads[:, 1] > 0).all()


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.5])
def test_noisy_sensors_do_not_cry_wolf(data, noise):
    generator = np.random.default_rng(7)
    found = altered(data, lambda celsius: celsius + generator.normal(0, noise, celsius.shape))
    assert (found.early, found.missed) == (0, 0)
    assert (found.leads[:, 0] > 0).all()


@pytest.mark.parametrize("every", [5, 10, 30, 60])
def test_rare_readings_warn_before_58_degrees_too(data, every):
    thinned = []
    for run in data.fires:
        seconds = np.concatenate((np.arange(run.seconds[0] - 1800, run.seconds[0]), run.seconds))[::every]
        celsius = np.concatenate((np.broadcast_to(run.celsius[0], (1800, 4)), run.celsius))[::every]
        thinned.append(measured.Series(name=run.name, seconds=seconds, celsius=celsius))
    for warned in scoring.watch_all(thinned, sensitivities=[1.0] * len(thinned)):
        fixed = measured.fixed_alarm(warned.series)
        # Between two readings a minute apart one of the 56 leaps above 58 °C.
        assert (warned.warning >= 0).all()
        assert (warned.warning <= fixed if every == 60 else warned.warning < fixed).all()


def test_one_strong_reading_of_a_rarely_read_point_says_why():
    seconds = np.arange(0.0, 3600.0, 60.0)
    celsius = np.where(seconds < 3000, 20.0, 32.0)[:, None]
    (_, finding), *_ = scoring.watch(measured.Series(name="rare", seconds=seconds, celsius=celsius)).findings
    assert (finding.time, finding.level) == (3000.0, Level.WARNING)
    assert finding.reason.startswith("temperature 32.0 °C, rising 12.0 K/min, 12.0 K above its mean of 20.0 °C")
    assert "by its newest reading alone" in finding.reason


def test_a_reason_has_numbers(data):
    (_, finding), *_ = [each for each in scoring.watch(data.fires[0]).findings if each[1].level is Level.WARNING]
    for words in ("temperature", "K/min", "above its mean of", "own noise", "58 °C in about", "evidence"):
        assert words in finding.reason
    assert 0.5 <= finding.confidence <= 1


def test_the_time_to_the_threshold_is_about_right_if_the_fire_grows(data):
    for warned in scoring.watch_all(data.fires, sensitivities=[1.0] * len(data.fires)):
        fixed = measured.fixed_alarm(warned.series)
        for detector, finding in warned.findings:
            if finding.level is Level.WARNING:
                growing = float(finding.reason.partition("58 °C in about ")[2].partition(" s if it keeps growing")[0])
                assert 0.5 < growing / (fixed[detector] - finding.time) < 1.7


def test_a_steady_warming_of_a_room_is_none():
    seconds = np.arange(0.0, 3600.0)
    celsius = 20.0 + np.minimum(seconds, 600.0)[:, None] / 60.0 * np.array([[0.25, 0.45]])
    warned = scoring.watch(measured.Series(name="heating", seconds=seconds, celsius=celsius))
    assert warned.findings == []


def test_a_door_that_opens_is_none():
    seconds = np.arange(0.0, 3600.0)
    outside = (seconds > 1200) & (seconds < 1500)
    air = np.where(outside, 14.0, 22.0)[:, None]
    room = measured.felt(seconds, measured.felt(seconds, air, lag_seconds=60.0), lag_seconds=47.0)
    assert scoring.watch(measured.Series(name="door", seconds=seconds, celsius=room)).findings == []


def test_one_odd_reading_is_none():
    seconds = np.arange(0.0, 600.0)
    celsius = np.full((600, 2), 21.0)
    celsius[300] = [85.0, -127.0]
    assert scoring.watch(measured.Series(name="odd", seconds=seconds, celsius=celsius)).findings == []


def test_a_slow_rise_is_found_by_its_length():
    seconds = np.arange(0.0, 3600.0, 10.0)
    celsius = 20.0 + np.maximum(seconds - 600.0, 0.0)[:, None] / 60.0 * 0.8
    warned = scoring.watch(measured.Series(name="slow", seconds=seconds, celsius=celsius))
    assert 600 < warned.warning[0] < 600 + 21 * 60


def test_a_point_that_burns_from_the_start_is_warned_of():
    seconds = np.arange(0.0, 10.0)
    warned = scoring.watch(measured.Series(name="late", seconds=seconds, celsius=np.full((10, 1), 70.0)))
    assert warned.warning[0] == 2.0


@pytest.mark.parametrize(("seen", "upper"), [(0, 2.996), (1, 4.744), (5, 10.513)])
def test_the_poisson_bound(seen, upper):
    assert scoring.poisson_upper(seen) == pytest.approx(upper, abs=0.001)


def test_a_directory_without_fires_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="no measured fires"):
        report.read(tmp_path)
