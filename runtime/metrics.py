"""How metrics are made: prefix `wanghuo_`, base units, labels from enums and villages only,
every label set present from the start.
"""

from collections.abc import Iterable
from importlib.metadata import version

from prometheus_client import Counter, Gauge, Histogram

LATENCY_BUCKETS_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)

BUILD = Gauge("wanghuo_build_info", "The version that runs; always 1.", ["version"])
BUILD.labels(version("wanghuo")).set(1)


def counter(name: str, purpose: str, **labels: Iterable[str]) -> Counter:
    """A counter `wanghuo_{name}_total`; with one label, every one of its values starts at 0."""
    made = Counter(f"wanghuo_{name}", purpose, list(labels))
    for values in labels.values():
        if len(labels) == 1:
            for value in values:
                made.labels(str(value))
    return made


def gauge(name: str, purpose: str, **labels: Iterable[str]) -> Gauge:
    """A gauge `wanghuo_{name}`; with one label, every one of its values starts at 0."""
    made = Gauge(f"wanghuo_{name}", purpose, list(labels))
    for values in labels.values():
        if len(labels) == 1:
            for value in values:
                made.labels(str(value))
    return made


def latency(name: str, purpose: str) -> Histogram:
    """A histogram `wanghuo_{name}_seconds`."""
    return Histogram(f"wanghuo_{name}_seconds", purpose, buckets=LATENCY_BUCKETS_SECONDS)
