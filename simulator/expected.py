"""What must and what may follow from what was said: expectations drawn from the profile and the glossary alone, not from alerts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from signals.kinds import FIRE_KINDS, Kind, classify
from signals.topics import MessageClass
from simulator.entries import Entry
from simulator.speaker import MOMENTARY_KINDS
from simulator.stored import Identity, identity

INFORMING_KINDS = frozenset({Kind.FEEDBACK, Kind.DELAY, Kind.SILENCE, Kind.RESET, Kind.CONFIG_CHANGE, Kind.TEST})
"""Kinds that ask nobody for a response, and raise no alarm."""


class Condition(NamedTuple):
    """What an alarm is about."""

    transmitter_id: str
    point: str
    kind: Kind
    raw_kind: str


@dataclass(slots=True, kw_only=True)
class Expected:
    """What follows from a ledger's entries.

    Attributes:
        said: every entry by its identity.
        fires: active fire signals, each of which must ring.
        caused: conditions that were said to be active at any time.
        active: conditions that are active by the device's last word.
        conflicts: transmitters that said two different things under the same counter; their last word cannot be told.
    """

    said: dict[Identity, Entry] = field(default_factory=dict)
    fires: list[Identity] = field(default_factory=list)
    caused: set[Condition] = field(default_factory=set)
    active: set[Condition] = field(default_factory=set)
    conflicts: set[str] = field(default_factory=set)


def condition(transmitter_id: str, point: str, *, raw_kind: str) -> Condition:
    """The condition that a device's word is about."""
    kind = classify(raw_kind)
    return Condition(transmitter_id, point, kind, raw_kind if kind is Kind.UNCLASSIFIED else "")


def expect(entries: Iterable[Entry]) -> Expected:
    """What follows from entries in the order in which they were said. What a device forgot is not owed, and may have happened."""
    expected = Expected()
    counters: set[tuple[str, MessageClass, int, int]] = set()
    for entry in entries:
        found = identity(entry.transmitter_id, entry.message_class, members=entry.members)
        expected.said[found] = entry
        expected.caused.update(_conditions(entry))
        if found[:4] in counters:
            expected.conflicts.add(entry.transmitter_id)
        if not entry.forgotten:
            counters.add(found[:4])
            if entry.message_class is MessageClass.SIGNAL:
                _follow(entry, found, expected=expected)
    return expected


def _conditions(entry: Entry) -> Iterator[Condition]:
    """Conditions that the entry says are active."""
    match entry.message_class:
        case MessageClass.SIGNAL:
            if entry.members["active"]:
                yield condition(entry.transmitter_id, entry.members["point"], raw_kind=entry.members["kind"])
        case MessageClass.SNAPSHOT:
            for listed in entry.members["active"]:
                yield condition(entry.transmitter_id, listed["point"], raw_kind=listed["kind"])
        case _:
            return


def _follow(entry: Entry, found: Identity, *, expected: Expected) -> None:
    about = condition(entry.transmitter_id, entry.members["point"], raw_kind=entry.members["kind"])
    if not entry.members["active"]:
        expected.active.discard(about)
        return
    if about.kind in FIRE_KINDS:
        expected.fires.append(found)
    if about.kind is Kind.RESET:
        expected.active -= {other for other in expected.active if other.transmitter_id == about.transmitter_id}
    elif about.kind not in MOMENTARY_KINDS:
        expected.active.add(about)
