"""`wanghuo simulator panel`: a control room that speaks GB/T 26875.3."""

from typing import Annotated

import typer

from signals.gb26875.profiles import PROFILES, STANDARD
from simulator.commands import Duration, LedgerFile, Seed


def panel(
    transmitter_id: Annotated[str, typer.Argument(metavar="ID", help="Its id in the register, for the ledger.")],
    what: Annotated[list[str] | None, typer.Argument(metavar="SCENARIO…", help="Scenarios, or files with timetables.")] = None,
    *,
    address: Annotated[str, typer.Option(help="Source of its frames, as `wanghuo registry enrol-gb26875` takes it.")],
    to: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the centre listens.")] = "127.0.0.1:26875",
    udp: Annotated[bool, typer.Option("--udp", help="Datagrams in place of TCP.")] = False,
    points: Annotated[int, typer.Option(min=0, max=50_000, help="Components behind it.")] = 100,
    profile: Annotated[str, typer.Option(help=f"How it departs from the standard: {', '.join(PROFILES)}.")] = STANDARD.name,
    captured: Annotated[bool, typer.Option("--captured", help="Say captured frames of real control rooms besides.")] = False,
    duration: Duration = 60,
    seed: Seed = 1,
    ledger: LedgerFile = None,
) -> None:
    """Play a user information transmission device with a panel behind it, by GB/T 26875.3.

    It uploads its state when it connects, answers queries and duty checks, and has its clock set.
    Exit status 1: something said was not confirmed 30 s after the end.
    """
    from simulator import panel_tasks as tasks

    wanted = tasks.PanelTask(
        transmitter_id=transmitter_id,
        address=address,
        to=to,
        udp=udp,
        points=points,
        profile=profile,
        captured=captured,
        duration_seconds=duration,
        seed=seed,
    )
    raise typer.Exit(tasks.play(wanted, what or [], ledger_file=ledger))
