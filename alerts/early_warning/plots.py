"""Plots of the protocol, as SVG. matplotlib is a development tool: it is imported only when a plot is asked for."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from alerts.early_warning import measured, scoring
from alerts.early_warning.findings import Floats
from alerts.early_warning.measured import Series
from alerts.early_warning.report import Trade
from runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATE_SPAN_SECONDS = 15.0
SENSITIVITIES_MARKED = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red")


def plot_run(series: Series) -> str:
    """A run: what each detector felt, when it was watched and warned of, its rate of rise, and 58 °C."""
    figure = _figure(height=6.0)
    curves, rates = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    warned = scoring.watch(series)
    for detector, colour in zip(range(series.celsius.shape[1]), COLOURS, strict=False):
        celsius = series.celsius[:, detector]
        curves.plot(series.seconds, celsius, color=colour, label=f"detector {measured.QUADRANTS[detector]}")
        rates.plot(series.seconds, _rate(series.seconds, celsius), color=colour)
        if np.isfinite(warned.warning[detector]):
            for axes in (curves, rates):
                axes.axvline(warned.warning[detector], color=colour, linestyle="--", linewidth=0.9)
    curves.axhline(measured.FIXED_CELSIUS, color="black", linewidth=0.8)
    curves.text(series.seconds[0], measured.FIXED_CELSIUS + 1, "58 °C")
    rates.axhline(measured.RATE_KELVIN_PER_MINUTE, color="black", linewidth=0.8)
    end = float(np.max(measured.fixed_alarm(series)[np.isfinite(measured.fixed_alarm(series))], initial=0)) + 30
    curves.set(title=f"{series.name}: dashed, the warnings", ylabel="felt, °C", ylim=(15, 80), xlim=(series.seconds[0], end))
    rates.set(xlabel="seconds from ignition", ylabel="K/min over 15 s", ylim=(-5, 60))
    curves.legend(loc="center left")
    return _svg(figure)


def plot_curve(trades: Sequence[Trade]) -> str:
    """Lead and false alarms over the sensitivity."""
    figure = _figure(height=6.0)
    leads, false = figure.subplots(2, 1, sharex=True)
    at = [each.sensitivity for each in trades]
    for column, words in ((2, "ΔT 5 K (L4)"), (1, "rate of rise (L3)")):
        values = np.array([each.fires.leads[:, column] for each in trades])
        leads.plot(at, np.median(values, axis=1), marker="o", label=f"before {words}, median")
        leads.plot(at, values.min(axis=1), linestyle=":", marker=".", label=f"before {words}, worst run")
    detectors = trades[0].fires.detectors
    false.plot(at, [each.fires.early for each in trades], marker="o", label=f"before ignition, of {detectors} detector-runs")
    if all(each.ambient for each in trades):
        false.plot(at, [each.ambient.warnings if each.ambient else 0 for each in trades], marker="s", label="in ordinary rooms")
    _mark(leads)
    _mark(false)
    leads.axhline(20, color="black", linewidth=0.8, linestyle="--")
    leads.set(ylabel="lead, s", title="Lead and false warnings over the sensitivity (1 is in force)", ylim=(-20, 80))
    false.set(xlabel="sensitivity", ylabel="false warnings")
    return _svg(figure)


def _mark(axes: "Axes") -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(SENSITIVITIES_MARKED, labels=[f"{each:g}" for each in SENSITIVITIES_MARKED])
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")


def _rate(seconds: Floats, celsius: Floats) -> Floats:
    """K/min over the last 15 s."""
    ago = np.searchsorted(seconds, seconds - RATE_SPAN_SECONDS)
    rate: Floats = (celsius - celsius[ago]) / np.maximum(seconds - seconds[ago], 1.0) * 60.0
    return rate


def _figure(*, height: float) -> "Figure":
    try:
        import matplotlib as mpl  # noqa: PLC0415
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError("plots need matplotlib, which belongs to the development extra") from error
    mpl.rcParams.update({"svg.hashsalt": "wanghuo", "svg.fonttype": "none"})
    return Figure(figsize=(8.0, height), layout="constrained")


def _svg(figure: "Figure") -> str:
    """The same bytes for the same figures."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in drawn.getvalue().splitlines()) + "\n"
