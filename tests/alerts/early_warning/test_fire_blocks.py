"""What an engine remembers goes out and comes in by blocks, and is small."""

import numpy as np
import pytest

from alerts.early_warning import blocks, fire
from alerts.early_warning.engine import Engine
from alerts.early_warning.quantities import QUANTITIES
from signals.metrics import METRIC_INDEX, METRICS

TEMPERATURE = METRIC_INDEX["temperature_celsius"]


def burning():
    """A point's temperature that begins to rise by 8 K/min."""
    times = np.arange(0.0, 420.0)
    return times, 20.0 + np.maximum(times - 300.0, 0.0) * 8.0 / 60.0


def feed(to, times, celsius):
    slot = to.slot("T1", "P0", metric="temperature_celsius")
    return to.feed(np.full(len(times), slot), times=times, values=celsius)


def test_memory_of_a_point_is_small():
    assert fire.STATE.itemsize <= 100
    assert len(QUANTITIES) * (fire.STATE.itemsize + 5) + 40 <= 1024
    made = Engine()
    numbers = np.array([made.book.number("T1", f"P{point}") for point in range(20_000)])
    made.feed(made.slots(numbers, metrics=np.full(20_000, TEMPERATURE)), times=np.zeros(20_000), values=np.full(20_000, 20.0))
    assert made.bytes / 20_000 < 300


def test_blocks_that_do_not_fit_are_refused():
    made = Engine()
    feed(made, *burning())
    packed = made.dump(0)
    for wrong, words in ((b"nothing", "begins with"), (packed[:-1], "not whole"), (packed[:4] + b"\x07" + packed[5:], "version 7")):
        with pytest.raises(ValueError, match=words):
            Engine().load(0, wrong)
    with pytest.raises(ValueError, match="block 0, not of block 1"):
        Engine().load(1, packed)
    with pytest.raises(ValueError, match="load all blocks in order"):
        made.load(0, packed)


def test_a_state_that_gained_or_lost_a_field_still_reads(monkeypatch):
    made = Engine()
    times, celsius = burning()
    feed(made, times[:350], celsius[:350])
    packed = made.dump(0)
    kept = [name for name in fire.STATE.names if name != "near"]
    monkeypatch.setattr(fire, "STATE", np.dtype([*((name, fire.STATE[name]) for name in kept), ("more", "<f4"), ("near", "<f4")]))
    new = Engine()
    new.load(0, packed)
    assert feed(new, times[350:], celsius[350:]) == feed(made, times[350:], celsius[350:])


def test_many_blocks():
    made = Engine()
    count = 3 * blocks.POINTS - 5
    numbers = np.array([made.book.number(f"T{point % 7}", f"P{point}") for point in range(count)])
    slots = made.slots(numbers, metrics=np.full(count, TEMPERATURE))
    made.feed(slots, times=np.zeros(count), values=np.linspace(0, 40, count))
    assert made.take_changed() == [0, 1, 2]
    made.feed(slots[:5], times=np.ones(5), values=np.full(5, 20.0))
    assert made.take_changed() == [0]
    assert made.take_changed() == []
    new = Engine()
    for block in range(made.blocks()):
        new.load(block, made.dump(block))
    assert [new.dump(block) for block in range(3)] == [made.dump(block) for block in range(3)]
    assert made.served(5.0, within_seconds=600.0) == 5
    assert made.served(5000.0, within_seconds=600.0) == 0
    assert made.served(5.0, within_seconds=0.5) == 0
    assert made.book.find("T1", "P1") == 1
    assert made.book.find("T1", "P2") is None


def test_metrics_that_nobody_follows_cost_nothing():
    made = Engine()
    slots = [made.slot("T1", "P0", metric=metric) for metric in METRICS if not made.follows(metric)]
    assert slots
    assert made.feed(slots, times=np.zeros(len(slots)), values=np.full(len(slots), 1e6)) == []
    assert made.follows("co_ppm")
    assert not made.follows("power_watts")
