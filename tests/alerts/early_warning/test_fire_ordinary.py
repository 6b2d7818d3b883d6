"""Ordinary days, from seeds fixed in advance: cooking, heaters, doors, odd readings. No fire is warned of."""

import numpy as np
import pytest

from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Level
from alerts.early_warning.quantities import QUANTITIES
from simulator.ordinary_days import ordinary, sampling

SEEDS = range(1, 21)


@pytest.mark.parametrize(("every", "days", "watches_most"), [(60.0, 30.0, 80), (600.0, 30.0, 5), (5.0, 1.0, 5)])
def test_no_warning(every, days, watches_most):
    times = np.stack([sampling(seed, every_seconds=every, days=days) for seed in SEEDS], axis=1)
    engine = Engine()
    slots, columns = [], []
    for quantity in QUANTITIES:
        slots += [engine.slot("T1", str(seed), metric=quantity.metric) for seed in SEEDS]
        columns.append(np.stack([ordinary(quantity.metric, seed=seed, seconds=times[:, seed - 1]) for seed in SEEDS], axis=1))
    values = np.concatenate(columns, axis=1)
    found = []
    for row, at in zip(values, np.tile(times, len(QUANTITIES)), strict=True):
        found += engine.feed(slots, times=at, values=row)
    assert [finding for finding in found if finding.level is Level.WARNING] == []
    assert sum(finding.active for finding in found) <= watches_most
