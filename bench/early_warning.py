"""The early-warning engine by itself: readings a second on one core, and bytes a point as the fleet grows."""

import time
import tracemalloc

import numpy as np

from alerts.early_warning.engine import Engine
from bench.measured import BenchError, Measured
from signals.metrics import METRIC_INDEX

FLEETS = (1_000, 100_000, 1_000_000)
RATED_POINTS = 100_000
RATED_METRIC = "temperature_celsius"
LARGEST_METRIC = "water_pressure_mpa"
"""Of all metrics the one that most is remembered of."""
READINGS = 2_000_000
BATCH = 20_000
"""Readings of a batch: half a second of the rate that is asked for."""
SECONDS = 1.0
NOISE_KELVIN = 0.03
BURNING = 1_000
BURNING_SECONDS = 200


def measure() -> dict[str, Measured]:
    """The rate at 100,000 points, and the bytes at each size."""
    rate = _rate()
    found = {
        "early_warning_readings_per_second": Measured(
            value=rate,
            unit="1/s",
            note=f"temperatures of {RATED_POINTS:,} points in batches of {BATCH:,}, one core, nothing found",
        ),
        "early_warning_burning_readings_per_second": Measured(
            value=_burning_rate(),
            unit="1/s",
            note=f"{BURNING:,} points that all deviate: the slowest that a reading can be",
        ),
    }
    for metric in (RATED_METRIC, LARGEST_METRIC):
        for points in FLEETS:
            arrays, everything, stored = _bytes(points, metric=metric)
            found[f"early_warning_bytes_per_{metric}_point_{points}"] = Measured(
                value=everything / points,
                unit="B",
                note=f"with its name ({arrays / points:.0f} B of arrays; {stored / points:.0f} B stored); <= 1,024 is due",
            )
    return found


def _filled(points: int, *, metric: str = RATED_METRIC) -> tuple[Engine, np.ndarray]:
    engine = Engine()
    numbers = np.array([engine.book.number(f"T{point // 100:05d}", f"{point % 100}") for point in range(points)], np.int64)
    return engine, engine.slots(numbers, metrics=np.full(points, METRIC_INDEX[metric]))


def _rate() -> float:
    engine, slots = _filled(RATED_POINTS)
    generator = np.random.default_rng(1)
    batches = RATED_POINTS // BATCH
    columns = [np.sort(generator.permutation(RATED_POINTS)[:BATCH]) for _ in range(batches)]
    values = [20.0 + generator.normal(0, NOISE_KELVIN, BATCH) for _ in range(batches)]
    findings = 0
    start = time.perf_counter()
    for number in range(READINGS // BATCH):
        chosen = columns[number % batches]
        times = np.full(BATCH, SECONDS * (1 + number // batches)) + number * 1e-3
        findings += len(engine.feed(slots[chosen], times=times, values=values[number % batches]))
    seconds = time.perf_counter() - start
    if findings:
        raise BenchError(f"the engine found {findings} conditions in plain noise")
    return READINGS / seconds


def _burning_rate() -> float:
    engine, slots = _filled(BURNING)
    for second in range(120):
        engine.feed(slots, times=np.full(BURNING, float(second)), values=np.full(BURNING, 20.0))
    findings = 0
    start = time.perf_counter()
    for second in range(BURNING_SECONDS):
        celsius = 20.0 + second * 0.2
        findings += len(engine.feed(slots, times=np.full(BURNING, 120.0 + second), values=np.full(BURNING, celsius)))
    seconds = time.perf_counter() - start
    if findings < BURNING:
        raise BenchError(f"the engine found {findings} conditions where {BURNING} points burn")
    return BURNING * BURNING_SECONDS / seconds


def _bytes(points: int, *, metric: str) -> tuple[int, int, int]:
    """Bytes of the engine's arrays, of all that it allocated, and of its blocks."""
    tracemalloc.start()
    engine, slots = _filled(points, metric=metric)
    for second in range(2):
        for begin in range(0, points, BATCH):
            part = slots[begin : begin + BATCH]
            engine.feed(part, times=np.full(len(part), float(second)), values=np.full(len(part), 1.0))
    slots = slots[:0].copy()
    everything = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return engine.bytes, everything, sum(len(engine.dump(block)) for block in range(engine.blocks()))
