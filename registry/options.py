"""Arguments and options that several commands share."""

from datetime import UTC, date, datetime
from typing import Annotated

import typer

from registry.cells import CellError, day
from registry.days import day_of


def read_day(text: str) -> date:
    """A date as the tables of the register take it."""
    try:
        return day(text)
    except CellError as error:
        raise typer.BadParameter(str(error)) from None


def now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


def today() -> date:
    """The day in Asia/Shanghai."""
    return day_of(now())


Day = Annotated[
    date | None, typer.Option("--on", parser=read_day, metavar="DATE", help="A day in Asia/Shanghai; today where not said.")
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, for programs.")]
Village = Annotated[str | None, typer.Option("--village", metavar="ID", help="Only this village.")]
TransmitterId = Annotated[str, typer.Argument(metavar="ID", help="The transmitter.")]
