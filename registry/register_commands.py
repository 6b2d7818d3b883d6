"""`wanghuo registry import`, `list`, `show` and `remove-village`."""

from pathlib import Path
from typing import Annotated

import typer

from registry.options import Json, TransmitterId, Village


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_)
    app.command("list")(list_)
    app.command("show")(show)
    app.command("remove-village")(remove_village)


def import_(
    *,
    villages: Annotated[Path | None, typer.Option(metavar="FILE", help="Villages, CSV.")] = None,
    key_units: Annotated[Path | None, typer.Option(metavar="FILE", help="Key units, CSV.")] = None,
    transmitters: Annotated[Path | None, typer.Option(metavar="FILE", help="Transmitters, CSV.")] = None,
    points: Annotated[Path | None, typer.Option(metavar="FILE", help="Points, CSV.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
) -> None:
    """Bring officials' tables into the register (docs/register.md): all of them, or, when anything is wrong, nothing."""
    from registry import register_tasks as tasks

    tasks.import_({"village": villages, "key_unit": key_units, "transmitter": transmitters, "point": points}, dry_run=dry_run)


def list_(*, village: Village = None, json: Json = False) -> None:
    """List transmitters."""
    from registry import register_tasks as tasks

    tasks.list_(village=village, json=json)


def show(transmitter_id: TransmitterId, *, json: Json = False) -> None:
    """Show everything about one transmitter: dates, last sign of life, clock, points, missing messages."""
    from registry import register_tasks as tasks

    tasks.show(transmitter_id, json=json)


def remove_village(village_id: Annotated[str, typer.Argument(metavar="ID", help="The village.")]) -> None:
    """Remove a village in which nothing stands, written down by mistake or merged into another."""
    from registry import register_tasks as tasks

    tasks.remove_village(village_id)
