"""Ordinary days, from seeds fixed in advance: cooking, heaters, doors, odd readings. No fire is warned of."""

from itertools import pairwise

import numpy as np
import pytest

from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Level
from alerts.early_warning.quantities import QUANTITIES
from simulator.ordinary_days import ordinary, sampling

ROWS_AT_ONCE = 1000


@pytest.mark.parametrize(
    ("every", "days", "seeds", "watches_most"),
    # A month of rarely read points; where they are read often, as many days of more points: it takes its time by the row.
    [(600.0, 30.0, 20, 5), (60.0, 3.0, 200, 80), (5.0, 1 / 12, 240, 5)],
)
def test_no_warning(every, days, seeds, watches_most):
    columns = range(1, seeds + 1)
    times = np.stack([sampling(seed, every_seconds=every, days=days) for seed in columns], axis=1)
    engine = Engine()
    slots = np.array([engine.slot("T1", str(seed), metric=quantity.metric) for quantity in QUANTITIES for seed in columns])
    values = np.stack(
        [ordinary(quantity.metric, seed=seed, seconds=times[:, seed - 1]) for quantity in QUANTITIES for seed in columns], axis=1
    )
    at = np.tile(times, len(QUANTITIES))
    found = []
    for begin, end in pairwise([*range(0, len(times), ROWS_AT_ONCE), len(times)]):
        rows = slice(begin, end)
        found += engine.feed(np.tile(slots, end - begin), times=at[rows].ravel(), values=values[rows].ravel())
    assert [finding for finding in found if finding.level is Level.WARNING] == []
    assert sum(finding.active for finding in found) <= watches_most
