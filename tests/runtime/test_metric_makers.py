"""Metrics: every label set is there from the start, under the names that Prometheus expects."""

from enum import StrEnum

import pytest
from prometheus_client import REGISTRY, generate_latest

from runtime.metrics import counter, gauge, latency


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


@pytest.fixture
def made():
    """Metrics of this test, taken out of the registry again."""
    kept = []
    yield lambda metric: kept.append(metric) or metric
    for metric in kept:
        REGISTRY.unregister(metric)


def test_label_sets_start_at_0(made):
    made(counter("things_under_test", "Things.", colour=Colour))
    made(gauge("stock_under_test", "Stock.", colour=Colour))
    shown = generate_latest().decode()
    for colour in Colour:
        assert f'wanghuo_things_under_test_total{{colour="{colour}"}} 0.0' in shown
        assert f'wanghuo_stock_under_test{{colour="{colour}"}} 0.0' in shown


def test_without_labels_they_start_at_0(made):
    made(counter("alone_under_test", "Alone."))
    made(latency("way_under_test", "A way."))
    shown = generate_latest().decode()
    assert "wanghuo_alone_under_test_total 0.0" in shown
    assert "wanghuo_way_under_test_seconds_count 0.0" in shown
    assert 'wanghuo_way_under_test_seconds_bucket{le="0.1"} 0.0' in shown
