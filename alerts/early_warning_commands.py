"""`wanghuo early-warning …`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Early warnings from telemetry.", no_args_is_help=True)
    group.command("run")(run)
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
