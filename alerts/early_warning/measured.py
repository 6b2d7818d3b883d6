"""The measured fires and the ordinary rooms of the protocol, as detectors feel them, and what plain rules make of them.

The lag of a detector is an assumption of the protocol, and so is everything that depends on it.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from alerts.early_warning.findings import Floats
from runtime.errors import ConfigurationError

PROJECT = Path(__file__).parents[2]
FIRES = PROJECT / "simulator" / "data" / "fsri_redaccent_14runs.csv.gz"
AMBIENT_NAME = "ambient_uci_7days.csv.gz"
AMBIENT = PROJECT.parent / "shared" / "data" / "fires" / AMBIENT_NAME
QUADRANTS = ("A", "B", "C", "D")
LAG_SECONDS = 47.0
"""RTI 33 (m·s)^0.5 in a ceiling flow of 0.5 m/s: 33 / √0.5."""
FIXED_CELSIUS = 58.0
RISE_KELVIN = 5.0
RATE_KELVIN_PER_MINUTE = 8.3
RATE_KELVIN = 4.0
RATE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What the detectors of a run or of a room felt: `seconds` (from ignition where there was one); `celsius` a column each."""

    name: str
    seconds: Floats
    celsius: Floats


def fires(path: Path = FIRES, *, lag_seconds: float = LAG_SECONDS) -> list[Series]:
    """Every run, its four quadrants through the lag."""
    found = []
    for name, rows in _grouped(path, key="run"):
        seconds = np.array([float(row["t_s"]) for row in rows])
        gas = np.array([[float(row[f"T_ceil_{quadrant}_C"]) for quadrant in QUADRANTS] for row in rows])
        found.append(Series(name=name, seconds=seconds, celsius=felt(seconds, gas, lag_seconds=lag_seconds)))
    return found


def ambient(path: Path) -> list[Series]:
    """Every ordinary room, one detector each."""
    found = []
    for name, rows in _grouped(path, key="set"):
        times = [datetime.fromisoformat(row["time"]).replace(tzinfo=UTC).timestamp() for row in rows]
        celsius = np.array([[float(row["T_C"])] for row in rows])
        found.append(Series(name=name, seconds=np.array(times), celsius=celsius))
    return found


def felt(seconds: Floats, gas: Floats, *, lag_seconds: float) -> Floats:
    """Gas temperatures as a detector with this time constant feels them, at rest with the first sample."""
    shares = 1.0 - np.exp(-np.diff(seconds) / lag_seconds)
    lagged = np.array(gas)
    for index, share in enumerate(shares, start=1):
        lagged[index] = lagged[index - 1] + (gas[index] - lagged[index - 1]) * share
    return lagged


def fixed_alarm(series: Series) -> Floats:
    """When each detector reaches 58 °C; infinite where it never does. As for the other rules: in the series' seconds."""
    return _first(series.seconds, series.celsius >= FIXED_CELSIUS)


def rise_alarm(series: Series) -> Floats:
    """When each is 5 K above the median before ignition."""
    before = np.median(series.celsius[series.seconds < 0], axis=0)
    return _first(series.seconds, series.celsius >= before + RISE_KELVIN)


def rate_alarm(series: Series) -> Floats:
    """When each rose by 8.3 K/min over 60 s, and by 4 K at least."""
    ago = np.searchsorted(series.seconds, series.seconds - RATE_SECONDS)
    minutes = np.maximum(series.seconds - series.seconds[ago], 1e-9)[:, None] / 60.0
    rise = series.celsius - series.celsius[ago]
    whole = (series.seconds - series.seconds[0] >= RATE_SECONDS)[:, None]
    return _first(series.seconds, whole & (rise >= RATE_KELVIN) & (rise / minutes >= RATE_KELVIN_PER_MINUTE))


def _first(seconds: Floats, holds: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    return np.where(holds.any(axis=0), seconds[holds.argmax(axis=0)], np.inf)


def _grouped(path: Path, *, key: str) -> Iterator[tuple[str, list[dict[str, str]]]]:
    groups: dict[str, list[dict[str, str]]] = {}
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                groups.setdefault(row[key], []).append(row)
    except (OSError, KeyError) as error:
        raise ConfigurationError(f"{path} does not read as measured data: {error!r}") from error
    yield from groups.items()
