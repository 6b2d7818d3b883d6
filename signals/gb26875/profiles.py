"""How devices in the field depart from the standard, and which departures each is forgiven: a profile a device."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from signals.gb26875 import clock, content, vendors
from signals.gb26875.frames import Frame
from signals.gb26875.statements import AddressOrder, Found, statements
from signals.gb26875.tables import Command

VERSION_MAJOR = 1
_UPLOADS = frozenset({Command.SEND_DATA, Command.ANSWER})


class Departure(StrEnum):
    """How a frame departs from the standard."""

    CHECKSUM = "checksum"  # stale, zero, or the frame was damaged on its way (6.6)
    VERSION = "version"  # the major number is not 1
    CLOCK = "clock"  # the time of sending is absent or no date
    COMMAND = "command"  # a command byte that the standard reserves or leaves to users
    TYPE = "type"  # a type that it reserves or leaves to users
    SIZE = "size"  # objects do not fit the length
    COUNT = "count"  # more objects than the type may have
    EMPTY = "empty"  # an upload without data: a heartbeat, which the standard does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One way to speak GB/T 26875.3.

    Attributes:
        name: as it stands in the register.
        order: of a component's address.
        accepts: departures that are counted and taken all the same; what else departs is quarantined and denied.
        heartbeats: data of uploads that only say that the device is there, besides the empty one.
        objects: reads what the vendor sends in the place of the standard's objects; None where it is the standard's.
        swaps_addresses: whether a confirm goes to the source it came from; some expect their own frame's addresses unchanged.
    """

    name: str
    order: AddressOrder = AddressOrder.ZONE_FIRST
    accepts: frozenset[Departure] = frozenset(Departure) - {Departure.CHECKSUM}
    heartbeats: frozenset[bytes] = frozenset()
    objects: Callable[[bytes], list[Found] | None] | None = None
    swaps_addresses: bool = True

    def statements(self, data: bytes) -> list[Found]:
        """What the data of an upload or answer states. Nothing raises."""
        found = self.objects(data) if self.objects is not None else None
        return statements(data, order=self.order) if found is None else found

    def departures(self, frame: Frame) -> list[Departure]:
        """All of a frame's departures, in the order of `Departure`."""
        return list(_departures(frame))

    def trusts(self, frame: Frame) -> bool:
        """Whether the frame is what the device said: its checksum is right, or never is."""
        return frame.checksum_ok or Departure.CHECKSUM in self.accepts

    def is_heartbeat(self, frame: Frame) -> bool:
        """Whether the frame only says that the device is there, and departs in nothing that this profile does not forgive."""
        beats = frame.command == Command.SEND_DATA and (not frame.data or frame.data in self.heartbeats)
        return beats and all(departure in self.accepts for departure in self.departures(frame))


STANDARD = Profile(name="standard")
"""What most devices do: forgiven is all but a wrong checksum, which may hide a damaged fire."""

_PROFILES = (
    STANDARD,
    Profile(name="strict", accepts=frozenset()),
    Profile(name="point_first", order=AddressOrder.POINT_FIRST),
    Profile(name="whole_address", order=AddressOrder.WHOLE),
    Profile(name="stale_checksum", accepts=frozenset(Departure)),
    Profile(name="tanda_tx3016a", heartbeats=frozenset({b"\x09\x00"}), objects=vendors.tanda_tx3016a, swaps_addresses=False),
    Profile(name="untimed", objects=vendors.untimed),
    Profile(name="handshake_16", heartbeats=frozenset({b"\x16"})),
)

PROFILES: Mapping[str, Profile] = {profile.name: profile for profile in _PROFILES}
"""By name."""


def _departures(frame: Frame) -> Iterator[Departure]:
    if not frame.checksum_ok:
        yield Departure.CHECKSUM
    if frame.version[0] != VERSION_MAJOR:
        yield Departure.VERSION
    if clock.read(frame.time) is None:
        yield Departure.CLOCK
    if not Command.CONTROL <= frame.command <= Command.DENY:
        yield Departure.COMMAND
    if frame.command in _UPLOADS:
        yield from _departures_of_data(frame.data)


def _departures_of_data(data: bytes) -> Iterator[Departure]:
    layout = content.LAYOUTS.get(data[0]) if len(data) > 1 else None
    if layout is not None:
        if not content.fits(data):
            yield Departure.SIZE
        if data[1] > layout.maximum:
            yield Departure.COUNT
    else:
        yield Departure.TYPE if data else Departure.EMPTY
