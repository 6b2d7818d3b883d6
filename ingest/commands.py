"""`wanghuo ingest signal`, `telemetry` and `gb26875`: the lanes of MQTT and the server for control rooms, a process each."""

import sys

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    lanes = typer.Typer(
        no_args_is_help=True,
        help="Take what devices send, from the broker or by GB/T 26875.3; store it, and confirm what is stored.",
    )
    lanes.command("signal")(signal)
    lanes.command("telemetry")(telemetry)
    lanes.command("gb26875")(gb26875)
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


def gb26875() -> None:
    """Run the server for control rooms that speak GB/T 26875.3, over TCP and UDP."""
    from ingest.gb26875.service import run as run_server
    from ingest.settings import Gb26875Settings
    from runtime.service import run

    sys.exit(run("ingest gb26875", Gb26875Settings, port=lambda settings: settings.ingest_gb26875_http_port, main=run_server))
