"""`wanghuo registry …` and `wanghuo connection …` on the shell."""

import typer

from registry import connection_commands, enrolment_commands, register_commands


def register(app: typer.Typer) -> None:
    """Add the commands."""
    registry = typer.Typer(no_args_is_help=True, help="Villages, key units, transmitters, points, and who may sign in.")
    registry.command("serve")(serve)
    register_commands.register(registry)
    enrolment_commands.register(registry)
    app.add_typer(registry, name="registry")
    connection = typer.Typer(no_args_is_help=True, help="Which key units are connected, and the plan.")
    connection_commands.register(connection)
    app.add_typer(connection, name="connection")


def serve() -> None:
    """Run the service: figures, daily snapshots, unregistered points."""
    from registry.service import serve as main
    from registry.settings import RegistrySettings
    from runtime.service import run

    code = run("registry", RegistrySettings, port=lambda settings: settings.registry_http_port, main=main)
    raise typer.Exit(code)
