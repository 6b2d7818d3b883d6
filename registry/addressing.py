"""Who may speak GB/T 26875.3: transmitters by the source address of their frames, and where these may come from."""

from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_network
from typing import Any

from registry.days import day_of
from registry.enrolment import EnrolmentError, NewTransmitter, record
from runtime.database import Connection
from signals.gb26875.addresses import number_of, read_address
from signals.gb26875.profiles import PROFILES
from sql.queries import load

_SQL = load("registry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a transmitter comes.

    Attributes:
        address: six bytes as on the wire, hexadecimal.
        network: in CIDR notation; None: from anywhere.
        profile: a name of `signals.gb26875.profiles`.
    """

    transmitter: NewTransmitter
    address: str
    network: str | None
    profile: str

    @property
    def place(self) -> str:
        """Its address and network for people."""
        return f"{self.address} (number {number_of(self.address)}) from {self.network or 'anywhere'}"


def read_way(transmitter: NewTransmitter, *, address: str, network: str | None, profile: str) -> Way:
    """A way as people write it.

    Raises:
        EnrolmentError: a part of it cannot be read; says which, and what is allowed.
    """
    if profile not in PROFILES:
        raise EnrolmentError(f"there is no profile {profile!r}; there are {', '.join(PROFILES)}")
    try:
        read = read_address(address)
        found = None if network is None else str(ip_network(network))
    except ValueError as error:
        raise EnrolmentError(str(error)) from None
    return Way(transmitter=transmitter, address=read, network=found, profile=profile)


async def enrol_by_address(connection: Connection, way: Way, *, at: datetime, replace: bool = False) -> None:
    """Take frames from this address as the transmitter's, in one transaction. Repeatable, with another way too.

    Args:
        connection: as the role that writes the register.
        way: how it comes.
        at: now.
        replace: it may have spoken MQTT till now; the caller takes its credentials away (`registry.enrolment.bar`).

    Raises:
        EnrolmentError: see `registry.enrolment.record`; the address is another's; the transmitter is enrolled for MQTT, and
            `replace` was not said.
    """
    name = way.transmitter.transmitter_id
    async with connection.transaction():
        known = await record(connection, way.transmitter, today=day_of(at))
        if known is not None and _speaks_mqtt(known) and not replace:
            raise EnrolmentError(
                f"{name} is enrolled for MQTT; with --replace it changes its wire: it keeps id and points, and loses its password"
            )
        await _refuse_taken(connection, way)
        row = {"transmitter_id": name, "address": way.address, "source_network": way.network, "profile": way.profile}
        await connection.execute(_SQL["put_gb26875_device"], row)
        if known is None or known["enrolled_at"] is None:
            await connection.execute(_SQL["mark_enrolled"], {"transmitter_ids": [name], "at": at})


def _speaks_mqtt(known: dict[str, Any]) -> bool:
    return known["enrolled_at"] is not None and known["address"] is None


async def _refuse_taken(connection: Connection, way: Way) -> None:
    wanted = {"address": way.address, "source_network": way.network}
    cursor = await connection.execute(_SQL["gb26875_device_at"], wanted)
    row = await cursor.fetchone()
    if row is not None and row[0] != way.transmitter.transmitter_id:
        raise EnrolmentError(
            f"{way.place} is {row[0]} already: `wanghuo registry revoke {row[0]}` frees it; two devices with one address need a"
            " --network each"
        )
