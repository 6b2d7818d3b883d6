"""`wanghuo connection …`: the figures, the evidence, the record."""

from typing import Annotated

import typer

from registry.options import Day, Json, Village

HISTORY_DAYS = 31


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("show")(show)
    app.command("units")(units)
    app.command("snapshot")(snapshot)
    app.command("history")(history)


def show(*, on: Day = None, village: Village = None, json: Json = False) -> None:
    """Measure the connection ratio on a day, by the register as it is now."""
    from registry import connection_tasks as tasks

    tasks.show(on=on, village=village, json=json)


def units(
    *,
    on: Day = None,
    village: Village = None,
    everybody: Annotated[bool, typer.Option("--all", help="Connected key units too.")] = False,
    json: Json = False,
) -> None:
    """Show which key units are not connected on a day, and why."""
    from registry import connection_tasks as tasks

    tasks.units(on=on, village=village, everybody=everybody, json=json)


def snapshot(*, json: Json = False) -> None:
    """Put the connection ratio of this moment on record, with the evidence for every key unit."""
    from registry import connection_tasks as tasks

    tasks.snapshot(json=json)


def history(
    *,
    on: Day = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days, the last included.")] = HISTORY_DAYS,
    json: Json = False,
) -> None:
    """Show the snapshots on record up to a day."""
    from registry import connection_tasks as tasks

    tasks.history(on=on, days=days, json=json)
