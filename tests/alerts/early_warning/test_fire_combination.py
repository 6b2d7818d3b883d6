"""What deviates strengthens what else does."""

from alerts.early_warning.combination import Combination
from alerts.early_warning.findings import Level
from signals.metrics import METRIC_INDEX

TEMPERATURE = METRIC_INDEX["temperature_celsius"]
SMOKE = METRIC_INDEX["smoke_obscuration_db_per_m"]
CO = METRIC_INDEX["co_ppm"]


def verdicts(*takes, zones=(0, 0, 1)):
    combination = Combination(lambda point: zones[point])
    return [
        combination.take(point, metric=metric, time=at, evidence=evidence, hint=hint) for point, metric, at, evidence, hint in takes
    ]


def test_quantities_of_a_point_strengthen_each_other():
    alone, both = verdicts((0, TEMPERATURE, 0.0, 0.85, 0.0), (0, CO, 1.0, 0.75, 0.0))
    assert (alone.level, both.level) == (Level.WATCH, Level.WARNING)
    assert both.companions == (TEMPERATURE,)
    assert both.confidence > 0.5


def test_little_adds_nothing():
    assert verdicts((0, TEMPERATURE, 0.0, 0.65, 0.0), (0, CO, 1.0, 0.65, 0.0), (0, SMOKE, 2.0, 0.65, 0.0)) == [None, None, None]


def test_one_strong_quantity_is_enough():
    assert verdicts((0, SMOKE, 0.0, 1.0, 0.0))[0].level is Level.WARNING


def test_a_neighbour_strengthens_and_one_of_another_zone_does_not():
    _, beside = verdicts((0, TEMPERATURE, 0.0, 0.8, 0.0), (1, TEMPERATURE, 5.0, 0.8, 0.0))
    assert (beside.level, beside.neighbour) == (Level.WARNING, 0)
    _, apart = verdicts((0, TEMPERATURE, 0.0, 0.8, 0.0), (2, TEMPERATURE, 5.0, 0.8, 0.0))
    assert (apart.level, apart.neighbour) == (Level.WATCH, None)
    _, stale = verdicts((0, TEMPERATURE, 0.0, 0.8, 0.0), (1, TEMPERATURE, 500.0, 0.8, 0.0))
    assert stale.level is Level.WATCH


def test_a_hint_is_watched_until_the_next_reading_says_so_too():
    alone, then = verdicts((0, TEMPERATURE, 0.0, 0.1, 3.0), (0, TEMPERATURE, 60.0, 0.7, 1.2))
    assert (alone.level, then.level) == (Level.WATCH, Level.WARNING)


def test_a_strong_hint_warns_at_once():
    (alone,) = verdicts((0, TEMPERATURE, 0.0, 0.0, 4.0))
    assert alone.level is Level.WARNING
