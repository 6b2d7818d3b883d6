"""`wanghuo nuisances …` on the shell: points that ring for nothing, and what an officer does about their early warnings."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="False alarms that were verified, and points made less sensitive for it.")
    group.command("list")(list_nuisances)
    group.command()(quieten)
    group.command()(orders)
    app.add_typer(group, name="nuisances")


def list_nuisances(
    *, days: Annotated[int, typer.Option("--days", min=1, max=366, help="How far back.")] = 30, json: Json = False
) -> None:
    """Show verified false alarms by point and day; more than 5 a day in a unit are flagged."""
    from alerts import nuisances

    nuisances.list_nuisances(days=days, json=json)


def quieten(
    transmitter: Annotated[str, typer.Argument(metavar="TRANSMITTER", help="Its id.")],
    point: Annotated[str, typer.Argument(metavar="POINT", help='One of its points; "" for itself.')],
    *,
    sensitivity: Annotated[float, typer.Option("--sensitivity", min=0.2, max=1, help="1: ordinary; 0.5: twice as much is needed.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept.")],
    days: Annotated[float, typer.Option("--days", min=0.01, max=90, help="How long; then it is ordinary again.")] = 7,
    operator: Annotated[
        str | None, typer.Option("--operator", metavar="NAME", help="Who orders it; else who is logged in.")
    ] = None,
) -> None:
    """Let a point warn early with less sensitivity for a while. Its fixed threshold and its own alarms ring as ever."""
    from alerts import nuisances

    wish = nuisances.Quieter(transmitter_id=transmitter, point=point, sensitivity=sensitivity, reason=reason, days=days)
    nuisances.quieten(wish, operator=operator)


def orders(*, most: Annotated[int, typer.Option("--most", min=1, help="How many.")] = 50, json: Json = False) -> None:
    """Show the orders about points' sensitivity, newest first."""
    from alerts import nuisances

    nuisances.orders(most=most, json=json)
