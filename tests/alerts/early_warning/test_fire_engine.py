"""The engine as a whole: what it finds does not hang on how readings reach it, nor on a restart."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Level
from signals.kinds import Kind
from signals.metrics import METRIC_INDEX

POINTS = 5
TEMPERATURE = METRIC_INDEX["temperature_celsius"]
SMOKE = METRIC_INDEX["smoke_obscuration_db_per_m"]
FOLLOWED = ("temperature_celsius", "smoke_obscuration_db_per_m", "co_ppm", "humidity_ratio", "water_level_m")


class Above:
    """A detector that stands while its value lies above 5."""

    KIND = Kind.HYDRANT_ABNORMAL
    STATE = np.dtype([("seen", "<f4")])

    def begin(self, count):
        return np.zeros(count, self.STATE)

    def step(self, state, *, time, value):
        found = np.zeros(len(state), [("level", "u1"), ("confidence", "f4"), ("value", "f4")])
        state["seen"] += 1
        found["level"] = 2 * (value > 5)
        found["value"] = value
        return found

    def reason(self, row):
        return f"level {row['value']:.1f}"


def engine():
    made = Engine(detectors={"water_level_m": {"above": Above()}})
    for point in range(POINTS):
        made.slot("T1", f"P{point}", metric="temperature_celsius")
        made.book.place(point, zone=point // 3)
    return made


@dataclass(frozen=True)
class Scene:
    """Readings in order of arrival: slots, times, values."""

    slots: np.ndarray
    times: np.ndarray
    values: np.ndarray

    def fed(self, to, *, cuts=(), restart=None):
        """What an engine finds when the readings come in pieces; `restart`: the cut at which it is dumped and loaded."""
        found = []
        edges = [0, *sorted(cuts), len(self.slots)]
        for number, (begin, end) in enumerate(pairwise(edges)):
            if number == restart:
                to = restarted(to)
            found += to.feed(self.slots[begin:end], times=self.times[begin:end], values=self.values[begin:end])
        return found


def restarted(old):
    new = Engine(detectors={"water_level_m": {"above": Above()}})
    for block in range(old.blocks()):
        new.load(block, old.dump(block))
    return new


def scene(seed, *, readings=600):
    """Points with noise, some of which heat up; late and doubled readings, gaps, a clock set back."""
    generator = np.random.default_rng(seed)
    points = generator.integers(0, POINTS, readings)
    metrics = np.array([METRIC_INDEX[name] for name in FOLLOWED])[generator.integers(0, len(FOLLOWED), readings)]
    times = np.cumsum(generator.exponential(2.0, readings))
    times += np.where(generator.random(readings) < 0.03, generator.normal(0, 60, readings), 0)
    times = np.where(np.arange(readings) > readings * 0.9, times - generator.choice([0.0, 5000.0]), times)
    heats = generator.uniform(200, 1200, POINTS)[points]
    growth = np.maximum(times - heats, 0.0) ** 2 * generator.choice([0.0, 0.001, 0.01], POINTS)[points]
    scale = np.choose(np.isin(metrics, [SMOKE]).astype(int), [1.0, 0.01])
    level = np.where(metrics == TEMPERATURE, 20.0, 0.0)
    return Scene(
        slots=points << 5 | metrics,
        times=np.round(times, 1),
        values=level + scale * (growth + generator.normal(0, 0.1, readings)),
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), cuts=st.lists(st.integers(0, 600), max_size=8), restart=st.integers(0, 8))
def test_findings_do_not_hang_on_batches_nor_on_a_restart(seed, cuts, restart):
    made = scene(seed)
    whole = made.fed(engine())
    assert made.fed(engine(), cuts=cuts) == whole
    assert made.fed(engine(), cuts=cuts, restart=restart) == whole


def test_one_by_one_is_the_same():
    found = []
    for seed in range(3):
        made = scene(seed)
        whole = made.fed(engine())
        assert made.fed(engine(), cuts=range(1, 600)) == whole
        found += whole
    assert {finding.kind for finding in found} == {Kind.EARLY_WARNING, Kind.HYDRANT_ABNORMAL}
    assert {finding.level for finding in found} == set(Level)


def test_what_is_dumped_is_dumped_again_the_same():
    made = engine()
    scene(1).fed(made)
    assert restarted(made).dump(0) == made.dump(0)


def burning(*, begins=300.0, ends=420.0, every=1.0, rate=8.0):
    """A point's temperature that begins to rise by `rate` K/min."""
    times = np.arange(0.0, ends, every)
    return times, 20.0 + np.maximum(times - begins, 0.0) * rate / 60.0


def feed(to, times, celsius, *, point="P0", metric="temperature_celsius"):
    slot = to.slot("T1", point, metric=metric)
    return to.feed(np.full(len(times), slot), times=times, values=celsius)


def test_late_and_doubled_readings_are_passed_over():
    times, celsius = burning()
    once = feed(engine(), times, celsius)
    assert once[-1].level is Level.WARNING
    late = np.repeat(np.arange(len(times)), 2)
    late[1::2] = np.maximum(late[1::2] - 7, 0)
    assert feed(engine(), times[late], np.where(np.arange(len(late)) % 2, 99.0, celsius[late])) == once


def test_a_clock_set_back_keeps_a_warning_and_what_it_rests_on():
    made = engine()
    times, celsius = burning()
    assert [finding.level for finding in feed(made, times, celsius)][-1] is Level.WARNING
    later = times + (times[-1] + 1)
    hot = np.full(len(times), celsius[-1] + 10)
    assert feed(made, later - 100_000, hot) == []


def test_a_clock_set_back_does_not_blind():
    made = engine()
    feed(made, *burning(begins=1e9))
    times, celsius = burning()
    found = feed(made, times - 100_000, celsius)
    assert found[-1].level is Level.WARNING


def test_a_gap_is_no_rise():
    made = engine()
    times = np.arange(0.0, 600.0)
    assert feed(made, times, np.full(600, 20.0)) == []
    assert feed(made, times + 4 * 3600, np.full(600, 27.0)) == []


def test_a_burst_after_a_rare_reading_is_no_leap():
    made = engine()
    rare = np.arange(0.0, 12_000.0, 600.0)
    assert feed(made, rare, np.full(len(rare), 20.0)) == []
    burst = np.arange(12_000.0, 12_060.0)
    assert feed(made, burst, np.full(len(burst), 22.0)) == []


def test_a_warning_is_over_when_all_is_quiet_and_can_come_again():
    made = engine()
    times, celsius = burning()
    cool = np.arange(420.0, 3000.0)
    feed(made, times, celsius)
    over = feed(made, cool, np.full(len(cool), 20.0))
    assert [(finding.active, finding.level) for finding in over] == [(False, Level.NONE)]
    assert "quiet for 300 s" in over[0].reason
    assert feed(made, times + 3000, celsius)[-1].level is Level.WARNING


def test_a_fire_is_told_where_something_else_of_its_point_stands():
    class Slow(Above):
        KIND = Kind.EARLY_WARNING

    made = Engine(detectors={"water_level_m": {"slow": Slow()}})
    first = feed(made, np.array([0.0]), np.array([9.0]), metric="water_level_m")
    times, celsius = burning()
    second = feed(made, times + 1, celsius)
    assert first[0].reason == "level 9.0"
    assert second[-1].level is Level.WARNING
    assert second[-1].reason.startswith("temperature")
    cool = np.arange(500.0, 3000.0)
    assert feed(made, cool, np.full(len(cool), 20.0)) == []
    assert [finding.active for finding in feed(made, np.array([3001.0]), np.array([0.0]), metric="water_level_m")] == [False]


def test_a_point_that_is_less_sensitive_needs_more_but_not_above_its_threshold():
    ordinary, lowered = Engine(), Engine()
    for made in (ordinary, lowered):
        made.slot("T1", "P0", metric="temperature_celsius")
    lowered.book.desensitise(0, sensitivity=0.2)
    times, celsius = burning(ends=700.0)
    first, second = (feed(made, times, celsius)[-1] for made in (ordinary, lowered))
    assert first.time < second.time
    slow = np.arange(0.0, 40_000.0, 10.0)
    found = feed(lowered, 1000 + slow, 40.0 + slow * 0.0005)
    assert [finding.level for finding in found if finding.active] == [Level.WARNING]
    assert found[-1].reason.startswith("temperature 58.0 °C")
    with pytest.raises(ValueError, match="sensitivity"):
        lowered.book.desensitise(0, sensitivity=0.0)
