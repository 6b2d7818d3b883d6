"""Commands of the set-up as a whole: migrate, healthy, up, demo."""

import os
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import typer

WAIT_SECONDS = 300.0
RETRY_SECONDS = 1.0
HEALTH_TIMEOUT_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("demo")(demo)
    app.command("up")(up)
    app.command("migrate")(migrate)
    app.command("certificates")(certificates)
    app.command("healthy", hidden=True)(healthy)


def demo(
    duration: float | None = typer.Option(None, min=20, help="Seconds after which it ends by itself; default: until Ctrl-C."),
) -> None:
    """Run the whole main job on this machine: a simulated township on a private broker and database."""
    from rich.console import Console

    from stack import demo as runner

    raise typer.Exit(runner.run(duration_seconds=duration, console=Console()))


def up(
    roster: Path = typer.Option(Path("deploy/roster.example.toml"), exists=True, help="The duty officers."),
    folder: Path | None = typer.Option(None, help="Where the stack keeps its data; default: .stack/up"),
) -> None:
    """Run the services on a private broker and database, without simulated devices, until Ctrl-C."""
    from stack.up import run

    run(roster=roster.resolve(), folder=folder)


def certificates(
    folder: Path = typer.Argument(help="Where the files go."),
    name: list[str] = typer.Option([], help="A further name or address of the broker."),
) -> None:
    """Make a certificate authority and the broker's certificate, for the TLS listener."""
    from stack.certificates import make_certificates

    made = make_certificates(folder, names=tuple(name))
    typer.echo(f"authority {made.authority}\ncertificate {made.certificate}\nkey {made.key}")


def migrate(
    wait: bool = typer.Option(False, help="Wait up to 5 minutes for the database to answer."),
    service_accounts: bool = typer.Option(False, help="Also write the services' accounts into the broker's password file."),
) -> None:
    """Bring the database to the shape this version works with, and let the services' roles log in."""
    import psycopg

    from sql import migrate as runner
    from stack.service_accounts import write_service_accounts

    if service_accounts:
        write_service_accounts()
    url = os.environ.get(runner.URL, "")
    deadline = time.monotonic() + (WAIT_SECONDS if wait and url else 0)
    while time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            break
        except psycopg.OperationalError:
            time.sleep(RETRY_SECONDS)
    raise typer.Exit(runner.main())


def healthy(port: int, path: str = "/healthz") -> None:
    """Exit with 0 when the service on this machine's PORT says that it is alive: for the health checks of containers."""
    connection = HTTPConnection("127.0.0.1", port, timeout=HEALTH_TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        sys.stdout.write(answer.read().decode())
    except (OSError, HTTPException) as error:
        print(f"nothing answers on port {port}: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    raise typer.Exit(0 if answer.status == 200 else 1)
