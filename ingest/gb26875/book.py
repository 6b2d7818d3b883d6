"""Who may speak GB/T 26875.3 with us: the enrolled devices by their source address and where they may come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address

from ingest.presence import SHANGHAI
from ingest.store import Store
from signals.gb26875.profiles import PROFILES, STANDARD, Profile
from sql.queries import load

REFRESH_SECONDS = 2.0
Network = IPv4Network | IPv6Network

_SQL = load("ingest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An enrolled device."""

    transmitter_id: str
    address: bytes
    profile: Profile


class Book:
    """The register's word, at most `REFRESH_SECONDS` old."""

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._devices: Mapping[bytes, list[tuple[Network | None, Device]]] = {}
        self._by_name: Mapping[str, Device] = {}

    def find(self, address: bytes, *, peer: str) -> Device | None:
        """The device of a source address that comes from `peer` (an IP address); the narrowest network that fits decides."""
        found = self._devices.get(address, ())
        for network, device in found:
            if network is None or ip_address(peer) in network:
                return device
        return None

    def __getitem__(self, transmitter_id: str) -> Device:
        """The device of a transmitter.

        Raises:
            KeyError: it is not enrolled here.
        """
        return self._by_name[transmitter_id]

    async def refresh(self, store: Store) -> None:
        """Read all of them anew.

        Raises:
            Unavailable: the database does not answer; what is known stays.
        """
        today = self._now().astimezone(SHANGHAI).date()
        async with store.transaction() as connection:
            cursor = await connection.execute(_SQL["gb26875_devices"], {"today": today})
            rows = await cursor.fetchall()
        devices: dict[bytes, list[tuple[Network | None, Device]]] = {}
        for transmitter_id, address, network, profile in rows:
            device = Device(
                transmitter_id=str(transmitter_id),
                address=bytes.fromhex(str(address)),
                profile=PROFILES.get(str(profile), STANDARD),
            )
            assert network is None or isinstance(network, IPv4Network | IPv6Network)
            devices.setdefault(device.address, []).append((network, device))
        for found in devices.values():
            found.sort(key=lambda pair: -1 if pair[0] is None else pair[0].prefixlen, reverse=True)
        self._devices = devices
        self._by_name = {device.transmitter_id: device for found in devices.values() for _, device in found}
