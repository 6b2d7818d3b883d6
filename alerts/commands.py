"""`wanghuo alerts` and `wanghuo alarms …` on the shell."""

from typing import Annotated

import typer

from alerts.machine import Disposition

AlarmId = Annotated[int, typer.Argument(metavar="ALARM", min=1, help="The alarm's number, as `wanghuo alarms list` shows it.")]
Operator = Annotated[str | None, typer.Option("--operator", metavar="NAME", help="Who gives the order; else who is logged in.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="How long to wait for the alerts service.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
TIMEOUT_SECONDS = 10.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("alerts")(alerts)
    alarms = typer.Typer(no_args_is_help=True, help="Alarms: what stands, what happened, and orders about them.")
    for command in (list_alarms, show, acknowledge, verify, close):
        alarms.command(command.__name__.removesuffix("_alarms"))(command)
    app.add_typer(alarms, name="alarms")


def alerts() -> None:
    """Run the service that draws conclusions: alarms, notifications, liveness."""
    from alerts.service import run as main
    from alerts.settings import AlertsSettings
    from runtime.service import run

    raise typer.Exit(run("alerts", AlertsSettings, port=lambda settings: settings.alerts_http_port, main=main))


def list_alarms(
    *,
    village: Annotated[str | None, typer.Option("--village", metavar="ID", help="Only this village.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too, newest first.")] = False,
    most: Annotated[int, typer.Option("--most", min=1, help="How many.")] = 200,
    json: Json = False,
) -> None:
    """Show the alarms that are not closed, the most urgent and oldest first."""
    from alerts import shell

    shell.list_alarms(village=village, everything=everything, most=most, json=json)


def show(alarm: AlarmId, *, json: Json = False) -> None:
    """Show an alarm: place, reason, what happened to it, who was notified, and what may be done."""
    from alerts import shell

    shell.show(alarm, json=json)


def acknowledge(alarm: AlarmId, *, operator: Operator = None, timeout: Timeout = TIMEOUT_SECONDS, json: Json = False) -> None:
    """Take notice of an alarm."""
    from alerts import shell

    shell.give(shell.Request(alarm_id=alarm, action="acknowledge"), operator=operator, timeout_seconds=timeout, json=json)


def verify(
    alarm: AlarmId,
    *,
    disposition: Annotated[Disposition, typer.Option("--disposition", help="What it was.")],
    cause: Annotated[str | None, typer.Option("--cause", help="Why; needed for a false alarm.")] = None,
    operator: Operator = None,
    timeout: Timeout = TIMEOUT_SECONDS,
    json: Json = False,
) -> None:
    """State what an alarm is."""
    from alerts import shell

    request = shell.Request(alarm_id=alarm, action="verify", disposition=disposition, cause=cause or None)
    shell.give(request, operator=operator, timeout_seconds=timeout, json=json)


def close(alarm: AlarmId, *, operator: Operator = None, timeout: Timeout = TIMEOUT_SECONDS, json: Json = False) -> None:
    """End an alarm. One that latches, like a fire, must have been verified."""
    from alerts import shell

    shell.give(shell.Request(alarm_id=alarm, action="close"), operator=operator, timeout_seconds=timeout, json=json)
