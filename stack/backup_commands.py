"""`wanghuo backup` and `wanghuo restore`."""

import os
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(folder: Annotated[Path, typer.Argument(help="Where the backup goes; must not exist.")]) -> None:
    """Copy the whole database into a folder, while everything runs."""
    from stack.backup import backup as task

    made = task(_url(), folder)
    typer.echo(f"{folder}: {sum(made.tables.values())} rows of {len(made.tables)} tables, as of {made.taken_at}")


def restore(folder: Annotated[Path, typer.Argument(help="What `wanghuo backup` made.")]) -> None:
    """Bring a backup into an empty database; all of it, or, after an error, nothing.

    Stop the services first, create an empty database, and let WANGHUO_MIGRATE_DATABASE_URL name it.
    """
    from sql.migrate import ROLES
    from stack.backup import restore as task

    named = {role: os.environ.get(f"{role.upper()}_DATABASE_PASSWORD", "") for role in ROLES}
    made = task(_url(), folder, role_passwords={role: password for role, password in named.items() if password})
    typer.echo(f"{folder}, taken {made.taken_at}, is restored: {sum(made.tables.values())} rows of {len(made.tables)} tables")


def _url() -> str:
    from runtime.settings import load
    from stack.backup import BackupSettings

    return load(BackupSettings).migrate_database_url
