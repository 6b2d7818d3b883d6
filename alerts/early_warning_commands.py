"""`wanghuo early-warning …`."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Early warnings from telemetry.", no_args_is_help=True)
    group.command("run")(run)
    group.command("score")(score)
    group.command("replay")(replay)
    app.add_typer(group, name="early-warning")


def run() -> None:
    """Run the service that draws early warnings from telemetry."""
    from alerts import early_warning_service
    from alerts.early_warning_settings import EarlyWarningSettings
    from runtime import service

    code = service.run(
        "early-warning",
        EarlyWarningSettings,
        port=lambda settings: settings.early_warning_http_port,
        main=early_warning_service.run,
    )
    raise typer.Exit(code)


def score(
    *,
    data: Annotated[Path | None, typer.Option(help="directory of the measured fires and ordinary rooms")] = None,
    plots: Annotated[Path | None, typer.Option(help="directory that a plot of each run and of the curve is written to")] = None,
    curve: Annotated[bool, typer.Option(help="print lead and false warnings over the sensitivity too")] = False,
) -> None:
    """Score the engine on measured fires and ordinary rooms, and print the table."""
    from alerts.early_warning import report

    read = report.read(data)
    for line in report.table(read, found=report.trade(read)):
        print(line)
    if not curve and plots is None:
        return
    trades = report.trades(read)
    if curve:
        for line in report.curve_table(trades):
            print(line)
    if plots is not None:
        from alerts.early_warning.plots import plot_curve, plot_run

        plots.mkdir(parents=True, exist_ok=True)
        for series in read.fires:
            (plots / f"{series.name}.svg").write_text(plot_run(series), encoding="utf-8")
        (plots / "curve.svg").write_text(plot_curve(trades), encoding="utf-8")
        print(f"{len(read.fires) + 1} plots written to {plots}")


def replay() -> None:
    """Read CSV run,t_s,point,metric,value in time order on standard input; write CSV run,point,t_s,level,reason.

    Exit status 1 where a line could not be read: it is named on standard error, and the others go on.
    """
    import sys

    from alerts.early_warning.replay import replay as replayed

    raise typer.Exit(replayed(sys.stdin.fileno(), out=sys.stdout, errors=sys.stderr))
