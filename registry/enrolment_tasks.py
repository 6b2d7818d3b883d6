"""What the commands of enrolment do. A password goes to standard output, everything else to standard error."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import date

import typer

from registry import enrolment
from registry.enrolment import Desk, EnrolmentError, NewTransmitter
from registry.options import now, today
from registry.session import session
from registry.settings import EnrolmentSettings, RegisterSettings
from runtime.errors import BrokerAway, BrokerRefused
from runtime.settings import load

NAME = "wanghuo registry"

__all__ = ["NewTransmitter", "accept", "enrol", "enrol_all", "revoke", "rotate", "withdraw"]


def enrol(wanted: NewTransmitter, *, password_stdin: bool) -> None:
    """Register where needed, and admit."""
    password, say = _password(password_stdin=password_stdin)

    async def work(desk: Desk) -> None:
        await enrolment.register(desk, wanted)
        await _admit(desk, {wanted.transmitter_id: password}, say=say)

    _at_desk(work)
    typer.echo(f"{wanted.transmitter_id} is enrolled", err=True)


def enrol_all() -> None:
    """Admit everybody who waits."""

    def say(passwords: Mapping[str, str]) -> None:
        for transmitter_id, password in passwords.items():
            typer.echo(f"{transmitter_id},{password}")

    async def work(desk: Desk) -> None:
        names = await enrolment.waiting(desk)
        await _admit(desk, {name: enrolment.new_password() for name in names}, say=say)
        typer.echo(f"{len(names)} transmitters were enrolled", err=True)

    _at_desk(work)


def rotate(transmitter_id: str, *, password_stdin: bool) -> None:
    """Replace a password."""
    password, say = _password(password_stdin=password_stdin)

    async def work(desk: Desk) -> None:
        await enrolment.require_enrolled(desk, transmitter_id)
        await _admit(desk, {transmitter_id: password}, say=say)

    _at_desk(work)
    typer.echo(f"{transmitter_id} has a new password", err=True)


def accept(transmitter_id: str, *, on: date | None) -> None:
    """Write an acceptance down."""
    settings = load(RegisterSettings)
    day = on or today()

    async def run() -> None:
        async with session(settings.registry_database_url, name=NAME) as connection:
            await enrolment.accept(connection, transmitter_id, on=day)

    asyncio.run(run())
    typer.echo(f"{transmitter_id} was accepted on {day}", err=True)


def withdraw(transmitter_id: str, *, on: date | None) -> None:
    """Withdraw."""
    day = on or today()
    _at_desk(lambda desk: enrolment.withdraw(desk, transmitter_id, on=day))
    typer.echo(f"{transmitter_id} is withdrawn from {day} on, and cannot sign in any more", err=True)


def revoke(transmitter_id: str) -> None:
    """Take credentials away."""
    _at_desk(lambda desk: enrolment.revoke(desk, [transmitter_id]))
    typer.echo(f"{transmitter_id} cannot sign in any more", err=True)


Say = Callable[[Mapping[str, str]], None]


def _password(*, password_stdin: bool) -> tuple[str, Say]:
    if not password_stdin:
        return enrolment.new_password(), lambda passwords: typer.echo("\n".join(passwords.values()))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise EnrolmentError("no password came on standard input")
    return given, lambda _: None


async def _admit(desk: Desk, passwords: Mapping[str, str], *, say: Say) -> None:
    try:
        await enrolment.admit(desk, passwords)
    except (BrokerAway, BrokerRefused):
        # They stand in the password file and will be in force sooner or later: if nobody knew them, the device would be locked out.
        say(passwords)
        raise
    say(passwords)


def _at_desk(work: Callable[[Desk], Awaitable[None]]) -> None:
    settings = load(EnrolmentSettings)

    async def run() -> None:
        async with session(settings.registry_database_url, name=NAME) as connection:
            await work(Desk(connection=connection, settings=settings, now=now))

    asyncio.run(run())
