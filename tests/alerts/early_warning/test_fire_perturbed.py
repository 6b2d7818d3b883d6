"""The measured fires as other rooms, sensors and samplings would have felt them: nothing before ignition, everything before 58 °C."""

import numpy as np
import pytest

from alerts.early_warning import measured, scoring
from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Level
from alerts.early_warning.quantities import CARBON_MONOXIDE, SMOKE

RUNS = {lag: measured.fires(lag_seconds=lag) for lag in (10.0, 47.0, 200.0)}


def felt(run, *, every=1.0, quiet=0.0, stretched=1.0, grown=1.0, warmer=0.0, drift=0.0, step=0.0, noise=0.0):
    """The run after a quiet phase, read every so often, with a fire that takes `stretched` times as long and grows `grown` as high.

    `drift` of the room in K/h; `step` and `noise` of the sensor.
    """
    seconds = np.arange(run.seconds[0] - quiet, run.seconds[-1] * stretched, every)
    before = np.median(run.celsius[run.seconds < 0], axis=0)
    at = np.where(seconds < 0, seconds, seconds / stretched)
    rise = np.stack([np.interp(at, run.seconds, celsius) for celsius in (run.celsius - before).T], axis=1) * grown
    celsius = before + warmer + rise + drift * (seconds[:, None] - seconds[0]) / 3600
    celsius += np.random.default_rng(11).normal(0, noise, celsius.shape)
    if step:
        celsius = np.round(celsius / step) * step
    return measured.Series(name=run.name, seconds=seconds, celsius=celsius)


@pytest.mark.parametrize(
    ("lag", "change"),
    [
        (10.0, {}),
        (200.0, {}),
        (47.0, {"stretched": 4.0}),
        (47.0, {"stretched": 0.5}),
        (47.0, {"stretched": 8.0, "grown": 0.15, "every": 5.0}),
        (47.0, {"grown": 0.25}),
        (47.0, {"grown": 2.0}),
        (47.0, {"warmer": -25.0}),
        (47.0, {"warmer": 20.0}),
        (47.0, {"quiet": 7200.0, "every": 5.0, "drift": 4.0}),
        (47.0, {"quiet": 7200.0, "every": 5.0, "drift": -4.0}),
        (47.0, {"quiet": 3600.0, "every": 2.0, "step": 1.0, "noise": 0.1}),
        (47.0, {"quiet": 3600.0, "every": 30.0, "step": 0.5, "noise": 0.2, "grown": 0.5, "drift": 2.0}),
        (10.0, {"quiet": 7200.0, "every": 10.0, "step": 0.5, "stretched": 2.0}),
    ],
)
def test_a_fire_is_warned_of_in_time_and_nothing_before_it(lag, change):
    runs = [felt(run, **change) for run in RUNS[lag]]
    found = scoring.score_fires(scoring.watch_all(runs, sensitivities=[1.0] * len(runs)))
    assert (found.early, found.missed) == (0, 0)
    assert (found.leads[:, 0] > 0).all()


def told_on_change(seconds, celsius, *, step, report):
    """The readings of a device that reports so often, and at once when it has moved by a step."""
    told = [0]
    for index in range(1, len(seconds)):
        if seconds[index] - seconds[told[-1]] >= report or abs(celsius[index] - celsius[told[-1]]) >= step:
            told.append(index)
    return measured.Series(name="on change", seconds=seconds[told], celsius=celsius[told, None])


@pytest.mark.parametrize("step", [0.5, 1.0, 2.0])
def test_a_burst_on_change_is_enough(step):
    runs = [felt(run, quiet=4 * 3600.0) for run in RUNS[47.0]]
    series = [told_on_change(run.seconds, celsius, step=step, report=3600.0) for run in runs for celsius in run.celsius.T]
    warned = [each.warning[0] for each in scoring.watch_all(series, sensitivities=[1.0] * len(series))]
    fixed = np.concatenate([measured.fixed_alarm(run) for run in runs])
    assert all(0 <= at < burnt for at, burnt in zip(warned, fixed, strict=True))


@pytest.mark.parametrize(("quantity", "of_a_kelvin", "clean"), [(SMOKE, 0.01, 0.01), (CARBON_MONOXIDE, 1.0, 2.0)])
@pytest.mark.parametrize("every", [2.0, 10.0])
def test_smoke_and_gas_that_grow_as_the_heat_does(quantity, of_a_kelvin, clean, every):
    engine = Engine()
    for number, run in enumerate(RUNS[47.0]):
        read = felt(run, every=every, quiet=1800.0)
        true = clean + np.maximum(read.celsius - np.median(read.celsius[read.seconds < 0], axis=0), 0) * of_a_kelvin
        shown = true + np.random.default_rng(number).normal(0, quantity.noise, true.shape)
        slots = [engine.slot(run.name, str(detector), metric=quantity.metric) for detector in range(4)]
        found = engine.feed(
            np.tile(slots, len(shown)), times=np.repeat(read.seconds, 4), values=np.round(shown, quantity.decimals).ravel()
        )
        first = {int(each.point): each.time for each in reversed(found) if each.level is Level.WARNING}
        above = read.seconds[(true >= quantity.threshold).argmax(axis=0)]
        assert all(0 <= first[detector] < above[detector] for detector in range(4))


def test_few_readings_do_not_tell_how_noisy_a_point_is():
    """Of points with a noise that no good sensor has, not one in twenty is warned of in its first ten minutes."""
    seconds = np.arange(0.0, 600.0, 10.0)
    celsius = 20 + np.random.default_rng(3).normal(0, 1.0, (len(seconds), 1000))
    warned = scoring.watch(measured.Series(name="noisy", seconds=seconds, celsius=celsius))
    assert np.isfinite(warned.warning).sum() < 50


def test_a_noisy_smoke_sensor_does_not_wear_its_slow_sum_out():
    seconds = np.arange(0.0, 3600.0)
    smoke = 0.01 + np.random.default_rng(3).normal(0, 0.03, (len(seconds), 50))
    engine = Engine()
    slots = [engine.slot("T1", str(point), metric=SMOKE.metric) for point in range(50)]
    found = engine.feed(np.tile(slots, len(seconds)), times=np.repeat(seconds, 50), values=smoke.ravel())
    assert [each for each in found if each.level is Level.WARNING] == []
