"""What docs/early-warning.md says in figures: made from the code, and measured by it."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType

import numpy as np

from alerts.early_warning import band, bounds, combination, course, facilities, fire, plots, refill, report, stuck, supply, trend
from alerts.early_warning import quantities as known
from alerts.early_warning.findings import Detector
from alerts.early_warning.report import Data, Trade
from signals.facilities import ASKED
from stack.markdown import table

PAGE = "early-warning.md"
IMAGES = "images"
SHOWN_RUNS = ("RedAccent_Open_Center_2", "RedAccent_Open_Corner_3")
"""The run of the longest lead over 58 °C and the one of the shortest."""
_WORDS = {"KIND", "words", "unit", "decimals", "remark"}
_COMMENTED = re.compile(r"((?:    # .*\n)+)    (\w+)=")
_BLOCK = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def documents(folder: Path) -> dict[str, str]:
    """The page and its images, by name. Without the ordinary rooms, what was measured with them stays as it stands."""
    data = report.read(None)
    made = {
        "quantities": quantities(),
        "parameters": parameters(fire, combination),
        "buildings": buildings(),
        "detectors": detectors(),
        "facility_parameters": parameters(trend, course, band, refill, stuck, bounds, supply),
    }
    images = {run.name: plots.plot_run(run) for run in data.fires if run.name in SHOWN_RUNS}
    if data.rooms:
        trades = report.trades(data)
        made |= {"score": score(data, trades=trades), "curve": curve(trades)}
        images["early-warning-curve"] = plots.plot_curve(trades)
    page = (folder / PAGE).read_text(encoding="utf-8")
    text = _BLOCK.sub(lambda block: f"{block[1]}{made.get(block[2]) or block[0][len(block[1]) : -len(block[3])]}{block[3]}", page)
    return {PAGE: text} | {f"{IMAGES}/{name}.svg": svg for name, svg in images.items()}


def quantities() -> str:
    """What the kernel knows of each quantity, each figure with the comment above it."""
    rows: list[tuple[str, str, str, str]] = []
    source = inspect.getsource(known)
    for quantity in known.QUANTITIES:
        block = source.partition(f'metric="{quantity.metric}"')[2].partition("\n)\n")[0]
        for why, name in _COMMENTED.findall(block):
            rate = "/min" if name.endswith("rate") else ""
            unit = quantity.unit if name == "threshold" else quantity.step_unit + rate
            words = " ".join(line.strip(" #") for line in why.splitlines())
            rows.append((quantity.words, f"`{name}`", f"{getattr(quantity, name):g} {unit}", words))
    return table(("quantity", "parameter", "value", "why"), rows)


def buildings() -> str:
    """What GB 50974 asks of the water of each kind of building, as the register names it."""
    rows = [
        (
            f"`{facility}`",
            asked.chinese,
            f"{asked.static_least:g}",
            f"{asked.dynamic_least:g}…{asked.dynamic_most:g}" if asked.dynamic_least else "",
        )
        for facility, asked in ASKED.items()
    ]
    return table(("`facility`", "中文", "at rest, MPa at least", "flowing, MPa"), rows)


def detectors() -> str:
    """Every detector of a facility with its figures."""
    rows = [
        (f"`{metric}`", name, f"`{detector.KIND}`", _figures(detector))
        for metric, named in facilities.DETECTORS.items()
        for name, detector in named.items()
    ]
    return table(("metric", "detector", "states", "figures"), rows)


def _figures(detector: Detector) -> str:
    """What differs from the detector's defaults, in its own names."""
    told = [field for field in dataclasses.fields(detector) if field.name not in _WORDS]  # type: ignore[arg-type]
    values = {field.name: getattr(detector, field.name) for field in told}
    defaults = {field.name: field.default for field in told}
    return ", ".join(f"{name} {_value(value)}" for name, value in values.items() if value not in (defaults[name], np.inf))


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " / ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else f"{value:g}"


def parameters(*modules: ModuleType) -> str:
    """Every number of the modules with its reason."""
    return table(("parameter", "value", "why"), [row for module in modules for row in _constants(module)])


def _constants(module: ModuleType) -> Iterator[tuple[str, str, str]]:
    """Numbers named in capitals, each with the words that follow it, or that follow the group it stands in."""
    group: list[str] = []
    room = module.__name__.rpartition(".")[2]
    for statement in ast.parse(inspect.getsource(module)).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)]) if isinstance(getattr(module, name), int | float):
                group.append(name)
            case ast.Expr(value=ast.Constant(value=str(why))):
                yield from ((f"`{room}.{name}`", f"{getattr(module, name):g}", " ".join(why.split())) for name in group)
                group = []
            case _:
                group = []


def score(data: Data, *, trades: Sequence[Trade]) -> str:
    """The table of `wanghuo early-warning score`."""
    in_force = next(each for each in trades if each.sensitivity == 1.0)
    return "\n".join(("```", *report.table(data, found=in_force), "```", ""))


def curve(trades: Sequence[Trade]) -> str:
    """Leads and false warnings over the sensitivity."""
    head = ("sensitivity", "L4 median, s", "L4 worst, s", "L3 worst, s", "missed", "before ignition, of 56", "in 7.5 ordinary days")
    return table(head, [_traded(each) for each in trades])


def _traded(each: Trade) -> Sequence[str]:
    leads: Mapping[str, float] = {
        "L4 median": float(np.median(each.fires.leads[:, 2])),
        "L4 worst": float(each.fires.leads[:, 2].min()),
        "L3 worst": float(each.fires.leads[:, 1].min()),
    }
    told = (f"{lead:.1f}" if np.isfinite(lead) else "none" for lead in leads.values())
    ambient = "" if each.ambient is None else str(each.ambient.warnings)
    return (f"{each.sensitivity:g}", *told, str(each.fires.missed), str(each.fires.early), ambient)
