"""`wanghuo commands …` on the shell: what transmitters are told."""

from typing import Annotated

import typer

from signals.commands import Name

Operator = Annotated[str | None, typer.Option("--operator", metavar="NAME", help="Who asks; else who is logged in.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands = typer.Typer(
        no_args_is_help=True, help="Commands to transmitters: clock, duty check, queries; and what came of them."
    )
    commands.command()(send)
    commands.command("list")(list_commands)
    commands.command()(show)
    app.add_typer(commands, name="commands")


def send(
    transmitter: Annotated[str, typer.Argument(metavar="TRANSMITTER", help="Its id.")],
    command: Annotated[Name, typer.Argument(metavar="COMMAND", help=", ".join(Name))],
    *,
    members: Annotated[list[str] | None, typer.Argument(metavar="[MEMBER=VALUE]...", help="e.g. what=snapshot")] = None,
    expires: Annotated[float | None, typer.Option("--expires", min=1, metavar="SECONDS", help="How long it is worth.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for what comes of it.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Initialise without being asked again.")] = False,
    operator: Operator = None,
    json: Json = False,
) -> None:
    """Tell a transmitter something, and wait for its answer."""
    from alerts.downward import shell

    if command is Name.INITIALISE and not yes:
        question = (
            f"{transmitter} forgets what it holds when it is initialised, alarms that it has not reported too. Initialise it?"
        )
        typer.confirm(question, abort=True)
    wish = shell.Wish(transmitter_id=transmitter, name=command, content=shell.content_of(members or []), expires_seconds=expires)
    shell.send(wish, operator=operator, wait=wait, json=json)


def list_commands(
    *,
    transmitter: Annotated[str | None, typer.Option("--transmitter", metavar="ID", help="Only to this one.")] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many.")] = 50,
    json: Json = False,
) -> None:
    """Show the commands issued last, newest first."""
    from alerts.downward import shell

    shell.list_commands(transmitter_id=transmitter, most=most, json=json)


def show(
    command: Annotated[str, typer.Argument(metavar="COMMAND", help="Its id, as `wanghuo commands list` shows it.")],
    *,
    json: Json = False,
) -> None:
    """Show a command, how far it came, and its answer."""
    from alerts.downward import shell

    shell.show(command, json=json)
