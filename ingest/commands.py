"""`wanghuo ingest signal` and `wanghuo ingest telemetry`: the two lanes, a process each."""

import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    lanes = typer.Typer(
        no_args_is_help=True, help="Take the devices' messages from the broker, store them, and confirm what is stored."
    )
    lanes.command("signal")(signal)
    lanes.command("telemetry")(telemetry)
    app.add_typer(lanes, name="ingest")


def signal() -> None:
    """Run the signal lane: signals, snapshots, replies and connection states."""
    from ingest.service import run_signal
    from ingest.settings import SignalSettings
    from runtime.service import run

    sys.exit(run("ingest signal", SignalSettings, port=lambda settings: settings.ingest_signal_http_port, main=run_signal))


def telemetry() -> None:
    """Run the telemetry lane: measured values and heartbeats."""
    from ingest.service import run_telemetry
    from ingest.settings import TelemetrySettings
    from runtime.service import run

    sys.exit(
        run("ingest telemetry", TelemetrySettings, port=lambda settings: settings.ingest_telemetry_http_port, main=run_telemetry)
    )
