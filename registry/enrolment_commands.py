"""`wanghuo registry enrol` and what follows from it."""

from datetime import date
from typing import Annotated

import typer

from registry.options import Day, TransmitterId, read_day
from registry.ratio import TransmitterClass
from signals.gb26875.profiles import STANDARD

Unit = Annotated[str | None, typer.Option("--unit", metavar="ID", help="Its key unit.")]
VillageOfNone = Annotated[str | None, typer.Option("--village", metavar="ID", help="Its village, where it stands in no key unit.")]
Class = Annotated[TransmitterClass | None, typer.Option("--class", help="What kind of transmitter it is.")]
AcceptedOn = Annotated[date | None, typer.Option(parser=read_day, metavar="DATE", help="Day of its acceptance on site.")]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Take the password from standard input; print none.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("enrol")(enrol)
    app.command("enrol-gb26875")(enrol_gb26875)
    app.command("enrol-all")(enrol_all)
    app.command("rotate")(rotate)
    app.command("accept")(accept)
    app.command("withdraw")(withdraw)
    app.command("revoke")(revoke)


def enrol(
    transmitter_id: TransmitterId,
    *,
    unit: Unit = None,
    village: VillageOfNone = None,
    transmitter_class: Class = None,
    accepted_on: AcceptedOn = None,
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


def enrol_gb26875(
    transmitter_id: TransmitterId,
    *,
    address: Annotated[
        str, typer.Option(help="Source of its frames: six bytes as on the wire (12 hexadecimal digits), or the number they are.")
    ],
    unit: Unit = None,
    village: VillageOfNone = None,
    transmitter_class: Class = None,
    accepted_on: AcceptedOn = None,
    network: Annotated[str | None, typer.Option(metavar="CIDR", help="Take its frames from there alone: 10.1.0.0/16.")] = None,
    profile: Annotated[str, typer.Option(help="How it departs from the standard (docs/gb26875.md).")] = STANDARD.name,
    replace: Annotated[bool, typer.Option("--replace", help="It spoke MQTT till now: its credentials are taken away.")] = False,
) -> None:
    """Take frames of GB/T 26875.3 from this address as this transmitter's; repeated, it changes address, network and profile.

    Written into the register where it is not in it, as `enrol` does. Id and points stay when a panel changes its wire.
    """
    from registry import addressing_tasks as tasks

    wanted = tasks.NewTransmitter(
        transmitter_id=transmitter_id,
        key_unit_id=unit,
        village_id=village,
        transmitter_class=transmitter_class,
        accepted_on=accepted_on,
    )
    tasks.enrol(tasks.read_way(wanted, address=address, network=network, profile=profile), replace=replace)


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
    """Take a transmitter out of the count from a day on, and what lets it in away at once."""
    from registry import enrolment_tasks as tasks

    tasks.withdraw(transmitter_id, on=on)


def revoke(transmitter_id: TransmitterId) -> None:
    """Take away a transmitter's password or address; in the register it stays as it is, and lapses if it stays silent."""
    from registry import enrolment_tasks as tasks

    tasks.revoke(transmitter_id)
