"""`wanghuo early-warning score`: the protocol run, its table, and its plots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alerts.early_warning import measured, scoring
from alerts.early_warning.measured import Series
from alerts.early_warning.scoring import AmbientScore, FireScore, Warned
from runtime.errors import ConfigurationError

SENSITIVITIES = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 11.0, 16.0, 22.0)
"""Of the curve; 1 is what is in force."""
LEADS = (
    ("L1", "58 °C"),
    ("L3", "rate of rise 8.3 K/min"),
    ("L4", "ΔT 5 K"),
)
SKIPPED = f"ordinary rooms skipped: {measured.AMBIENT_NAME} is not there"
LIMITS = (
    "Flaming furniture fires in one laboratory room through an assumed lag of 47 s: nothing smoulders, nobody cooks; the ordinary",
    "rooms are sampled every 60 s, the fires every second.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What is scored; `rooms` is empty where the ordinary rooms are not there."""

    fires: Sequence[Series]
    rooms: Sequence[Series]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """What one sensitivity gives."""

    sensitivity: float
    fires: FireScore
    ambient: AmbientScore | None


def read(directory: Path | None) -> Data:
    """The data of the protocol from a directory, or from where the project keeps them.

    Raises:
        ConfigurationError: there are no fires.
    """
    fires = measured.FIRES if directory is None else directory / measured.FIRES.name
    rooms = measured.AMBIENT if directory is None else directory / measured.AMBIENT_NAME
    if not fires.exists():
        raise ConfigurationError(f"there are no measured fires: {fires} is missing")
    return Data(fires=measured.fires(fires), rooms=measured.ambient(rooms) if rooms.exists() else [])


def trades(data: Data, *, sensitivities: Sequence[float] = SENSITIVITIES) -> list[Trade]:
    """The protocol at each sensitivity."""
    fires, rooms = _watched(data.fires, sensitivities=sensitivities), _watched(data.rooms, sensitivities=sensitivities)
    return [
        Trade(
            sensitivity=sensitivity,
            fires=scoring.score_fires(burnt),
            ambient=scoring.score_ambient(quiet) if quiet else None,
        )
        for sensitivity, burnt, quiet in zip(sensitivities, fires, rooms, strict=True)
    ]


def trade(data: Data, *, sensitivity: float = 1.0) -> Trade:
    """The protocol at one sensitivity."""
    return trades(data, sensitivities=[sensitivity])[0]


def _watched(series: Sequence[Series], *, sensitivities: Sequence[float]) -> list[list[Warned]]:
    """What was said of every series, by sensitivity."""
    if not series:
        return [[] for _ in sensitivities]
    together = [(each, sensitivity) for sensitivity in sensitivities for each in series]
    said = scoring.watch_all([each for each, _ in together], sensitivities=[sensitivity for _, sensitivity in together])
    return [said[first : first + len(series)] for first in range(0, len(said), len(series))]


def table(data: Data, *, found: Trade) -> Iterator[str]:
    """The lines of the table."""
    fires, ambient = found.fires, found.ambient
    yield f"{len(fires.names)} fires, {fires.detectors} detectors; leads in seconds, median of a run's detectors"
    yield f"{'run':28}" + "".join(f"{name:>8}" for name, _ in LEADS)
    for name, leads in zip(fires.names, fires.leads, strict=True):
        yield f"{name:28}" + "".join(f"{lead:8.1f}" for lead in leads)
    for words, share in (("median", 0.5), ("P10", 0.1), ("worst", 0.0)):
        yield f"{words:28}" + "".join(f"{lead:8.1f}" for lead in np.quantile(fires.leads, share, axis=0))
    yield "; ".join(f"{name}: before {words}" for name, words in LEADS)
    yield f"missed: {fires.missed}; false before ignition: {fires.early} warnings, {fires.early_watches} watches"
    if ambient is None:
        yield SKIPPED
    else:
        yield (
            f"{len(data.rooms)} ordinary rooms, {ambient.days:.1f} days: {ambient.warnings} warnings, {ambient.watches} watches;"
            f" {ambient.a_day:.2f} warnings a day, 95 % upper bound {ambient.upper_a_day:.2f} (Poisson)"
        )
    yield from LIMITS


def curve_table(trades: Sequence[Trade]) -> Iterator[str]:
    """The lead against false alarms, a line a sensitivity."""
    yield f"{'sensitivity':>11}{'L4 median':>11}{'L4 worst':>10}{'L3 worst':>10}{'missed':>8}{'early':>7}{'ambient':>9}"
    for each in trades:
        ambient = f"{each.ambient.warnings:9d}" if each.ambient else f"{'–':>9}"
        leads = each.fires.leads
        yield (
            f"{each.sensitivity:11g}{np.median(leads[:, 2]):11.1f}{leads[:, 2].min():10.1f}{leads[:, 1].min():10.1f}"
            f"{each.fires.missed:8d}{each.fires.early:7d}{ambient}"
        )
