"""`wanghuo watchdog`."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watchdog")(watchdog)


def watchdog() -> None:
    """Run the watchdog: page people when the watch itself is blind."""
    from alerts import watchdog as service
    from alerts.watchdog_settings import WatchdogSettings
    from runtime.service import run

    code = run("watchdog", WatchdogSettings, port=lambda settings: settings.watchdog_http_port, main=service.run)
    raise typer.Exit(code)
