"""Commands of the set-up as a whole: migrate, healthy, up, demo."""

import os
import sys
import time
from http.client import HTTPConnection, HTTPException

import typer

WAIT_SECONDS = 300.0
RETRY_SECONDS = 1.0
HEALTH_TIMEOUT_SECONDS = 5.0


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("migrate")(migrate)
    app.command("healthy", hidden=True)(healthy)


def migrate(
    wait: bool = typer.Option(False, help="Wait up to 5 minutes for the database to answer."),
    service_accounts: bool = typer.Option(False, help="Also write the services' accounts into the broker's password file."),
) -> None:
    """Bring the database to the shape this version works with, and let the services' roles log in."""
    import psycopg  # noqa: PLC0415

    from sql import migrate as runner  # noqa: PLC0415
    from stack.service_accounts import write_service_accounts  # noqa: PLC0415

    if service_accounts:
        write_service_accounts()
    url = os.environ.get("WANGHUO_MIGRATE_DATABASE_URL", "")
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
