"""The registry's metrics. The figures of one measurement are shown together or not at all, and leave with their village."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from registry.measuring import Measurement
from registry.plan import Milestone, milestone, units_missing
from registry.ratio import Denominator, Figures, figures, figures_by_village
from runtime.metrics import counter


class Duty(StrEnum):
    """What the service does over and over."""

    FIGURES = "figures"
    SNAPSHOTS = "snapshots"
    POINTS = "points"


FAILURES = counter("registry_failures", "Rounds of a duty that ended in an error; it is tried again.", duty=Duty)
SNAPSHOTS = counter("registry_daily_snapshots", "Daily snapshots of the connection ratio taken.")
POINTS = counter("registry_unregistered_points", "Points added because a signal named them and the register did not.")

Value = Callable[[Figures, Milestone], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A figure: its name without prefix, for villages and, under another name, for the township."""

    name: str
    township_name: str
    purpose: str
    value: Value


def _missing(counted: Figures, target: Milestone) -> float:
    return units_missing(units=counted.units, connected=counted.connected, percent=target.percent)


FAMILIES = (
    Family(
        name="key_units",
        township_name="township_key_units",
        purpose="Key units in the register today",
        value=lambda counted, _: counted.units,
    ),
    Family(
        name="key_units_connected",
        township_name="township_key_units_connected",
        purpose="Key units connected today by definition 1 (docs/connection-ratio.md)",
        value=lambda counted, _: counted.connected,
    ),
    Family(
        name="key_units_online",
        township_name="township_key_units_online",
        purpose="Connected key units heard from within the look-back of their transmitter's class",
        value=lambda counted, _: counted.online,
    ),
    Family(
        name="connection_ratio",
        township_name="township_connection_ratio",
        purpose="Connected key units over key units, 0 to 1; absent where there are none",
        value=lambda counted, _: counted.ratio,
    ),
    Family(
        name="connection_target_ratio",
        township_name="township_connection_target_ratio",
        purpose="The plan's target that is due next, 0 to 1",
        value=lambda _, target: target.percent / 100,
    ),
    Family(
        name="connection_units_missing",
        township_name="township_connection_units_missing",
        purpose="Key units still to be connected to reach that target; villages do not add up to the township",
        value=_missing,
    ),
)


class ConnectionCollector(Collector):
    """Shows the last measurement until there is a newer one; `wanghuo_connection_measured_at_seconds` tells its age."""

    def __init__(self) -> None:
        self._families: list[GaugeMetricFamily] = list(_empty())

    def show(self, measured: Measurement, *, measured_at: datetime) -> None:
        """Replace what is shown."""
        self._families = list(_filled(measured, measured_at=measured_at))

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What is shown."""
        return self._families

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Names and purposes."""
        return _empty()


def _empty() -> Iterator[GaugeMetricFamily]:
    for family in FAMILIES:
        yield GaugeMetricFamily(f"wanghuo_{family.name}", f"{family.purpose}; by village.", labels=["village", "denominator"])
        yield GaugeMetricFamily(f"wanghuo_{family.township_name}", f"{family.purpose}; the whole township.", labels=["denominator"])
    yield GaugeMetricFamily("wanghuo_connection_measured_at_seconds", "When the figures above were measured, Unix time.", labels=[])


def _filled(measured: Measurement, *, measured_at: datetime) -> Iterator[GaugeMetricFamily]:
    target = milestone(measured.moment.on)
    made = {family.name: family for family in _empty()}
    for denominator in Denominator:
        villages = figures_by_village(measured.evidence, villages=measured.villages, denominator=denominator)
        township = figures(measured.evidence, denominator=denominator)
        for family in FAMILIES:
            for village, counted in villages.items():
                _add(made[f"wanghuo_{family.name}"], [village, denominator], value=family.value(counted, target))
            _add(made[f"wanghuo_{family.township_name}"], [denominator], value=family.value(township, target))
    made["wanghuo_connection_measured_at_seconds"].add_metric([], measured_at.timestamp())
    yield from made.values()


def _add(family: GaugeMetricFamily, labels: list[str], *, value: float | None) -> None:
    if value is not None:
        family.add_metric([str(label) for label in labels], value)


CONNECTION = ConnectionCollector()
REGISTRY.register(CONNECTION)
