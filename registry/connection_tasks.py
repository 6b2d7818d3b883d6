"""What the commands of `wanghuo connection` do: fetch, measure, print."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import TypeVar

import typer

from registry import views
from registry.measuring import Measurement, Occasion, Snapshot, measure_now, snapshots, take_snapshot
from registry.options import now, today
from registry.ratio import moment
from registry.session import session
from registry.settings import ReaderSettings, RegisterSettings
from runtime.database import Connection
from runtime.errors import Refused
from runtime.settings import load

NAME = "wanghuo connection"

T = TypeVar("T")


def show(*, on: date | None, village: str | None, json: bool) -> None:
    """Print the figures of a day."""
    measured = _measure(on, village=village)
    if json:
        typer.echo(views.as_json(views.measurement_json(measured, village_id=village)))
    else:
        views.show_measurement(measured, village_id=village)


def units(*, on: date | None, village: str | None, everybody: bool, json: bool) -> None:
    """Print the evidence of a day: for units that are not connected, or for all."""
    measured = _measure(on, village=village)
    found = [one for one in measured.evidence if village in {None, one.village_id} and (everybody or not one.connected)]
    if json:
        typer.echo(views.as_json([views.plain(one) for one in found]))
    else:
        views.show_units(found, measured=measured)


def snapshot(*, json: bool) -> None:
    """Take a snapshot and print its figures, or as JSON its evidence too."""
    settings = load(RegisterSettings)
    at = now()
    wanted = moment(now=at, lapse_days=settings.lapse_days)

    async def take(connection: Connection) -> Snapshot | None:
        return await take_snapshot(connection, moment=wanted, occasion=Occasion.ON_DEMAND, now=at)

    taken = _with_database(settings.registry_database_url, take)
    assert taken is not None  # only a daily snapshot can be there already
    if json:
        typer.echo(views.as_json(views.plain(taken)))
    else:
        views.show_snapshots([taken])


def history(*, on: date | None, days: int, json: bool) -> None:
    """Print the snapshots of the days up to `on`."""
    last = on or today()
    first = last - timedelta(days=days - 1)
    found = _with_database(
        load(ReaderSettings).reader_database_url, lambda connection: snapshots(connection, first=first, last=last)
    )
    if json:
        typer.echo(views.as_json([views.plain(one) for one in found]))
    else:
        views.show_snapshots(found)


def _measure(on: date | None, *, village: str | None) -> Measurement:
    settings = load(ReaderSettings)
    try:
        wanted = moment(now=now(), on=on, lapse_days=settings.lapse_days)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    measured = _with_database(settings.reader_database_url, lambda connection: measure_now(connection, moment=wanted))
    if village is not None and village not in measured.villages:
        raise Refused(f"there is no village {village} in the register")
    return measured


def _with_database(url: str, work: Callable[[Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        async with session(url, name=NAME) as connection:
            return await work(connection)

    return asyncio.run(run())
