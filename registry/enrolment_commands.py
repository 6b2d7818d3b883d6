"""`wanghuo registry enrol` and what follows from it."""

from datetime import date
from typing import Annotated

import typer

from registry.options import Day, TransmitterId, read_day
from registry.ratio import TransmitterClass

PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Take the password from standard input; print none.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("enrol")(enrol)
    app.command("enrol-all")(enrol_all)
    app.command("rotate")(rotate)
    app.command("accept")(accept)
    app.command("withdraw")(withdraw)
    app.command("revoke")(revoke)


def enrol(
    transmitter_id: TransmitterId,
    *,
    unit: Annotated[str | None, typer.Option(metavar="ID", help="Its key unit.")] = None,
    village: Annotated[str | None, typer.Option(metavar="ID", help="Its village, where it stands in no key unit.")] = None,
    transmitter_class: Annotated[TransmitterClass | None, typer.Option("--class", help="What kind of transmitter it is.")] = None,
    accepted_on: Annotated[
        date | None, typer.Option(parser=read_day, metavar="DATE", help="Day of its acceptance on site.")
    ] = None,
    password_stdin: PasswordStdin = False,
) -> None:
    """Let a transmitter sign in, and write it into the register where it is not in it; prints its password, once.

    Name, place and path come by an import. Returns when the broker has taken the password.
    """
    from registry import enrolment_tasks as tasks

    wanted = tasks.NewTransmitter(
        transmitter_id=transmitter_id,
        key_unit_id=unit,
        village_id=village,
        transmitter_class=transmitter_class,
        accepted_on=accepted_on,
    )
    tasks.enrol(wanted, password_stdin=password_stdin)


def enrol_all() -> None:
    """Let every transmitter sign in that is not withdrawn and not enrolled yet; prints a line `id,password` for each."""
    from registry import enrolment_tasks as tasks

    tasks.enrol_all()


def rotate(transmitter_id: TransmitterId, *, password_stdin: PasswordStdin = False) -> None:
    """Give a transmitter a new password in place of the old one; the broker ends its connection."""
    from registry import enrolment_tasks as tasks

    tasks.rotate(transmitter_id, password_stdin=password_stdin)


def accept(transmitter_id: TransmitterId, *, on: Day = None) -> None:
    """Write down that a transmitter was accepted on site: from that day on it counts."""
    from registry import enrolment_tasks as tasks

    tasks.accept(transmitter_id, on=on)


def withdraw(transmitter_id: TransmitterId, *, on: Day = None) -> None:
    """Take a transmitter out of the count from a day on, and its credentials away at once."""
    from registry import enrolment_tasks as tasks

    tasks.withdraw(transmitter_id, on=on)


def revoke(transmitter_id: TransmitterId) -> None:
    """Take a transmitter's credentials away; in the register it stays as it is, and lapses if it stays silent."""
    from registry import enrolment_tasks as tasks

    tasks.revoke(transmitter_id)
