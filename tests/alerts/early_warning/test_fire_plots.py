"""Plots and tables of the protocol say what was found, the same each time."""

import re

import pytest

from alerts.early_warning import plots, report


@pytest.fixture(scope="module")
def data():
    read = report.read(None)
    return report.Data(fires=read.fires[:2], rooms=[])


def test_a_run_is_drawn_with_its_warnings_and_thresholds(data):
    drawn = plots.plot_run(data.fires[0])
    assert drawn == plots.plot_run(data.fires[0])
    for words in (data.fires[0].name, "58 °C", "K/min over 15 s", "seconds from ignition", "detector A", "detector D"):
        assert words in drawn
    # A dashed line for each detector's warning, in both halves.
    assert len(re.findall(r"stroke-dasharray: 3\.\d+", drawn)) == 8
    assert len(drawn) < 150_000


def test_the_curve_and_its_table(data):
    trades = report.trades(data, sensitivities=[0.5, 1.0, 22.0])
    assert "before ignition, of 8 detector-runs" in plots.plot_curve(trades)
    head, low, in_force, high = report.curve_table(trades)
    assert head.split()[0] == "sensitivity"
    assert float(low.split()[1]) < float(in_force.split()[1])
    assert int(high.split()[5]) > 0
    assert in_force.endswith("–")
    assert report.SKIPPED in list(report.table(data, found=trades[1]))
