"""`wanghuo simulator …` and `wanghuo ledger …` on the shell."""

from pathlib import Path
from typing import Annotated

import typer

LedgerFile = Annotated[Path | None, typer.Option("--ledger", metavar="FILE", help="Append what is said to this truth ledger.")]
Seed = Annotated[int, typer.Option(help="The same seed, the same world.")]
Duration = Annotated[float, typer.Option("--duration", min=1, help="Seconds.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    from simulator.panel_commands import panel

    simulator = typer.Typer(no_args_is_help=True, help="Stand in for the world: townships, devices, fires, floods.")
    simulator.command("township")(township)
    simulator.command("scenarios")(scenarios)
    simulator.command("run")(run)
    simulator.command("replay")(replay)
    simulator.command("flood")(flood)
    simulator.command("panel")(panel)
    app.add_typer(simulator, name="simulator")
    ledger = typer.Typer(no_args_is_help=True, help="What was said, against what is stored, alarmed and notified.")
    ledger.command("check")(check)
    app.add_typer(ledger, name="ledger")


def township(
    folder: Annotated[Path, typer.Argument(help="Receives village.csv, key_unit.csv, transmitter.csv and point.csv.")],
    *,
    seed: Seed = 1,
    villages: Annotated[int, typer.Option(min=1, max=5)] = 5,
    key_units: Annotated[int, typer.Option(min=0)] = 40,
    workshops: Annotated[int, typer.Option(min=0, help="Family workshops outside any key unit.")] = 10,
    points: Annotated[int, typer.Option(min=1, help="Points behind a control room.")] = 20,
) -> None:
    """Make a township up, as tables that `wanghuo registry import` takes."""
    from simulator import tasks
    from simulator.village import TownshipSettings

    wanted = TownshipSettings(
        seed=seed, today=tasks.today(), villages=villages, key_units=key_units, workshops=workshops, points=points
    )
    tasks.township(folder, wanted)


def scenarios() -> None:
    """List the scenarios."""
    from simulator.scenarios import SCENARIOS

    for name, scenario in SCENARIOS.items():
        typer.echo(f"{name:16} {scenario.__doc__}")


def run(
    what: Annotated[list[str], typer.Argument(metavar="SCENARIO…", help="Scenarios, or files with timetables.")],
    *,
    duration: Duration = 60,
    seed: Seed = 1,
    heartbeat: Annotated[float, typer.Option(min=0, help="Seconds between heartbeats; 0: none.")] = 10,
    telemetry: Annotated[float, typer.Option(min=0, help="Seconds between readings; 0: none.")] = 2,
    ledger: LedgerFile = None,
) -> None:
    """Let every transmitter of the credentials file speak, and play scenarios on them.

    Ids that `wanghuo simulator township` made up with this seed and the usual sizes are what they are there, and silent where their
    unit is not connected yet; others are detectors.
    Exit status 1: something said was not confirmed 30 s after the end.
    """
    from simulator import tasks

    playing = tasks.Playing(duration_seconds=duration, seed=seed, heartbeat_seconds=heartbeat, telemetry_seconds=telemetry)
    raise typer.Exit(tasks.run(what, playing, ledger_file=ledger))


def replay(
    transmitters: Annotated[list[str], typer.Argument(metavar="ID…", help="Up to four, for the quadrants A to D.")],
    *,
    fire: Annotated[str, typer.Option(help="Which measured fire.")] = "RedAccent_Open_Back_1",
    factor: Annotated[float, typer.Option(min=1, help="Times as fast as it burnt.")] = 10,
    until: Annotated[float, typer.Option(help="End so many seconds after ignition.")] = 240,
    ledger: LedgerFile = None,
) -> None:
    """Replay a measured fire on detectors: telemetry, and each detector's own alarm at 58 °C."""
    from simulator import tasks

    raise typer.Exit(tasks.replay(transmitters, tasks.Burn(fire=fire, factor=factor, until_second=until), ledger_file=ledger))


def flood(
    *,
    rate: Annotated[float, typer.Option(min=1, help="Messages a second.")] = 1000,
    duration: Duration = 10,
    transmitters: Annotated[int, typer.Option(min=1, help="So many take turns.")] = 100,
    prefix: Annotated[str, typer.Option(help="Their ids are PREFIX0001, PREFIX0002 …")] = "F",
    ledger: LedgerFile = None,
) -> None:
    """Send telemetry at a rate, through one connection, as a broker user who may speak for every transmitter."""
    from simulator import tasks

    ids = [f"{prefix}{number:04}" for number in range(1, transmitters + 1)]
    tasks.flood(ids, rate=rate, duration_seconds=duration, ledger_file=ledger)


def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A truth ledger.")],
    *,
    limit: Annotated[float, typer.Option(min=0, help="Seconds from the device to us; outages are subtracted.")] = 10,
    patience: Annotated[float, typer.Option(min=0, help="Wait so many seconds at most for alerts to finish.")] = 10,
    tolerate: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", help="Counted, but no failure: e.g. 'telemetry lost'.")
    ] = None,
) -> None:
    """Compare a ledger with the database. Exit status 1: something is wrong."""
    from simulator import tasks

    raise typer.Exit(tasks.check(file, limit_seconds=limit, patience_seconds=patience, tolerate=tolerate or []))
