"""What `wanghuo registry enrol-gb26875` does. Nothing is secret in it; everything is said on standard error."""

import asyncio

import typer

from registry.addressing import Way, enrol_by_address, read_way
from registry.enrolment import Desk, NewTransmitter, bar
from registry.options import now
from registry.session import session
from registry.settings import EnrolmentSettings, RegisterSettings
from runtime.settings import load

NAME = "wanghuo registry"

__all__ = ["NewTransmitter", "enrol", "read_way"]


def enrol(way: Way, *, replace: bool) -> None:
    """Enrol by address; the broker is asked only where credentials are to be taken away."""
    settings = load(RegisterSettings)
    broker = load(EnrolmentSettings) if replace else None

    async def run() -> None:
        async with session(settings.registry_database_url, name=NAME) as connection:
            await enrol_by_address(connection, way, at=now(), replace=replace)
            if broker is not None:
                await bar(Desk(connection=connection, settings=broker, now=now), [way.transmitter.transmitter_id])

    asyncio.run(run())
    typer.echo(f"{way.transmitter.transmitter_id} is enrolled: {way.place}, profile {way.profile}", err=True)
