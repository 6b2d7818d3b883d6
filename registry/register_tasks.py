"""What the commands on the register do."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import typer
from psycopg.errors import ForeignKeyViolation

from registry import views
from registry.importing import Change
from registry.listing import Details, Listed, details, listing
from registry.options import today
from registry.register_store import Outcome, import_files
from registry.session import session
from registry.settings import ReaderSettings, RegisterSettings
from registry.sheets import Table
from runtime.errors import Refused
from runtime.settings import load
from sql.queries import load as load_queries

NAME = "wanghuo registry"
CHANGES_SHOWN = 50


def import_(paths: Mapping[str, Path | None], *, dry_run: bool) -> None:
    """Import, and say what was added, changed and found unchanged."""
    given = {Table(name): path for name, path in paths.items() if path is not None}
    if not given:
        raise typer.BadParameter("say at least one of --villages, --key-units, --transmitters and --points")
    settings = load(RegisterSettings)

    async def run() -> Outcome:
        async with session(settings.registry_database_url, name=NAME) as connection:
            return await import_files(connection, given, today=today(), dry_run=dry_run)

    _report(asyncio.run(run()), dry_run=dry_run)


def list_(*, village: str | None, json: bool) -> None:
    """Print transmitters."""
    settings = load(ReaderSettings)

    async def run() -> list[Listed]:
        async with session(settings.reader_database_url, name=NAME) as connection:
            return await listing(connection, village_id=village)

    found = asyncio.run(run())
    if json:
        typer.echo(views.as_json([views.plain(one) for one in found]))
    else:
        views.show_listing(found)


def show(transmitter_id: str, *, json: bool) -> None:
    """Print one transmitter."""
    settings = load(ReaderSettings)

    async def run() -> Details | None:
        async with session(settings.reader_database_url, name=NAME) as connection:
            return await details(connection, transmitter_id)

    found = asyncio.run(run())
    if found is None:
        raise Refused(f"{transmitter_id!r} is not in the register")
    if json:
        typer.echo(views.as_json(views.plain(found)))
    else:
        views.show_details(found)


def remove_village(village_id: str) -> None:
    """Remove an empty village."""
    settings = load(RegisterSettings)

    async def run() -> int:
        async with session(settings.registry_database_url, name=NAME) as connection:
            try:
                removed = await connection.execute(load_queries("registry")["remove_village"], {"village_id": village_id})
            except ForeignKeyViolation:
                raise Refused(f"key units or transmitters stand in {village_id}, also past ones: it cannot be removed") from None
            return removed.rowcount

    if asyncio.run(run()) == 0:
        raise Refused(f"there is no village {village_id} in the register")
    typer.echo(f"{village_id} is removed", err=True)


def _report(outcome: Outcome, *, dry_run: bool) -> None:
    out = views.console()
    tallies = [(one.table.replace("_", " "), one.added, one.changed, one.unchanged, one.absent) for one in outcome.done.tallies]
    out.print(views.table(["table", "added", "changed", "unchanged", "not in the file"], tallies))
    changed = [change for change in outcome.done.changes if change.before is not None]
    for change in changed[:CHANGES_SHOWN]:
        typer.echo(_described(change))
    if len(changed) > CHANGES_SHOWN:
        typer.echo(f"… and {len(changed) - CHANGES_SHOWN} more changes")
    for transmitter_id in outcome.still_enrolled:
        typer.echo(f"{transmitter_id} is withdrawn but can still sign in: `wanghuo registry revoke {transmitter_id}`", err=True)
    if dry_run:
        typer.echo("this was a trial: nothing was changed")


def _described(change: Change) -> str:
    differences = ", ".join(f"{name}: {before!s} → {after!s}" for name, (before, after) in change.differences.items())
    return f"{change.table.replace('_', ' ')} {' '.join(change.key)}: {differences}"
