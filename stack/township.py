"""A simulated township comes to a private stack: its register is imported, its transmitters are enrolled."""

from collections.abc import Mapping
from datetime import UTC, datetime

from registry.addressing import enrol_by_address, read_way
from registry.enrolment import Desk, NewTransmitter, admit
from registry.measuring import Measurement, measure_now
from registry.options import today
from registry.ratio import moment
from registry.register_store import import_files
from registry.session import session
from registry.settings import EnrolmentSettings
from registry.sheets import Table
from signals.gb26875.profiles import STANDARD
from simulator.village import Township
from stack.private import PrivateStack

NAME = "wanghuo stack"


async def settle(township: Township, stack: PrivateStack) -> Mapping[str, str]:
    """Import the register and enrol every transmitter that is there; returns their passwords by id.

    Raises:
        WanghuoError: the register is refused, or the broker does not take the passwords.
    """
    settings = EnrolmentSettings(
        registry_database_url=stack.database_url("wanghuo_registry"),
        broker_url=stack.broker.url,
        broker_password_file=stack.broker.passwords,
    )
    files = {Table(name): path for name, path in township.write_csv(stack.folder / "register").items()}
    credentials = township.credentials()
    async with session(settings.registry_database_url, name=NAME) as connection:
        await import_files(connection, files, today=today())
        desk = Desk(connection=connection, settings=settings, now=lambda: datetime.now(UTC))
        await admit(desk, credentials)
    return credentials


async def enrol_panel(transmitter: NewTransmitter, stack: PrivateStack, *, address: bytes) -> None:
    """Enrol a control room that speaks GB/T 26875.3; it is written into the register where it is not in it.

    Raises:
        WanghuoError: the register refuses it.
    """
    way = read_way(transmitter, address=address.hex(), network=None, profile=STANDARD.name)
    async with session(stack.database_url("wanghuo_registry"), name=NAME) as connection:
        await enrol_by_address(connection, way, at=datetime.now(UTC))


async def connection_ratio(stack: PrivateStack) -> Measurement:
    """The connection ratio now, with its evidence."""
    async with session(stack.database_url("wanghuo_reader"), name=NAME) as connection:
        return await measure_now(connection, moment=moment(now=datetime.now(UTC)))
