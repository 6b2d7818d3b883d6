"""What must and what may follow from what was said: expectations drawn from the profile and the glossary alone, not from alerts."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from signals.kinds import FIRE_KINDS, Kind, classify
from signals.topics import MessageClass
from simulator.entries import FRAME, Entry
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
        said: every entry by its identity, the last where frames of several starts are the same.
        times: how often it was said anew.
        rows: facts that it may have made.
        owed: facts that it must have made.
        fires: each fire that must ring, as the words that said it: one of them must have made it ring. By MQTT every word counts;
            by GB/T 26875.3 a state that says again what is known does not.
        burning: of `fires` the last of each condition that a state reported.
        caused: conditions that were said to be active at any time.
        active: conditions that are active by the device's last word.
        conflicts: transmitters that said two different things under the same counter; their last word cannot be told.
    """

    said: dict[Identity, Entry] = field(default_factory=dict)
    times: Counter[Identity] = field(default_factory=Counter)
    rows: Counter[Identity] = field(default_factory=Counter)
    owed: Counter[Identity] = field(default_factory=Counter)
    fires: list[list[Identity]] = field(default_factory=list)
    burning: dict[Condition, list[Identity]] = field(default_factory=dict)
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
    counters: set[tuple[str, str, int, int]] = set()
    frames: dict[tuple[str, int, int], Identity] = {}
    for entry in entries:
        found = identity(entry.transmitter_id, entry.message_class, members=entry.members)
        _count(entry, found, expected=expected)
        expected.caused.update(_conditions(entry))
        if entry.message_class == FRAME:
            frames[entry.transmitter_id, entry.boot, entry.seq] = found
            _follow_frame(entry, found, expected=expected, frames=frames)
            continue
        if found[:4] in counters:
            expected.conflicts.add(entry.transmitter_id)
        if not entry.forgotten:
            counters.add(found[:4])
            if entry.message_class == MessageClass.SIGNAL:
                _follow(entry, found, expected=expected)
    return expected


def _count(entry: Entry, found: Identity, *, expected: Expected) -> None:
    is_frame = entry.message_class == FRAME
    expected.said[found] = entry
    rows = entry.members["rows"] if is_frame else 1
    if is_frame or not expected.times[found]:  # by MQTT the same counter with the same content is the same object
        expected.times[found] += 1
        expected.rows[found] += rows
    if entry.forgotten and not is_frame:
        expected.owed[found] = 0
    elif not entry.forgotten:
        expected.owed[found] = expected.owed[found] + rows if is_frame else rows


def _conditions(entry: Entry) -> Iterator[Condition]:
    """Conditions that the entry says are active."""
    name = entry.transmitter_id
    match entry.message_class:
        case MessageClass.SIGNAL:
            if entry.members["active"]:
                yield condition(name, entry.members["point"], raw_kind=entry.members["kind"])
        case MessageClass.SNAPSHOT:
            for listed in entry.members["active"]:
                yield condition(name, listed["point"], raw_kind=listed["kind"])
        case _ if entry.message_class == FRAME:
            for stated in entry.members["says"]:
                kinds = [stated["operation"]] if "operation" in stated else stated["active"]
                yield from (condition(name, stated["point"], raw_kind=kind) for kind in kinds)
        case _:
            return


def _follow(entry: Entry, found: Identity, *, expected: Expected) -> None:
    about = condition(entry.transmitter_id, entry.members["point"], raw_kind=entry.members["kind"])
    if not entry.members["active"]:
        expected.active.discard(about)
        return
    if about.kind in FIRE_KINDS:
        expected.fires.append([found])
    if about.kind is Kind.RESET:
        expected.active -= {other for other in expected.active if other.transmitter_id == about.transmitter_id}
    elif about.kind not in MOMENTARY_KINDS:
        expected.active.add(about)


def _follow_frame(entry: Entry, found: Identity, *, expected: Expected, frames: Mapping[tuple[str, int, int], Identity]) -> None:
    """What a frame states. Also of a frame that the device gave up: another takes its place, and says nothing new."""
    if entry.members["in_place_of"] is None:
        for stated in entry.members["says"]:
            _follow_statement(entry.transmitter_id, found, stated=stated, expected=expected)
        return
    boot, seq = entry.members["in_place_of"]
    before = frames[entry.transmitter_id, boot, seq]
    for words in expected.fires:
        if before in words:
            words.append(found)


def _follow_statement(name: str, found: Identity, *, stated: Mapping[str, Any], expected: Expected) -> None:
    point = stated["point"]
    if "operation" in stated:
        about = condition(name, point, raw_kind=stated["operation"])
        if about.kind is Kind.RESET:
            expected.active -= {other for other in expected.active if _is_within(other, name, host=point)}
        elif about.kind in FIRE_KINDS:
            expected.fires.append([found])
            expected.active.add(about)
        return
    now_active = {condition(name, point, raw_kind=kind) for kind in stated["active"]}
    before = {about for about in expected.active if (about.transmitter_id, about.point) == (name, point)}
    for about in now_active:
        if about.kind in FIRE_KINDS and about in before:
            expected.burning.setdefault(about, []).append(found)
        elif about.kind in FIRE_KINDS:
            expected.burning[about] = [found]
            expected.fires.append(expected.burning[about])
    expected.active -= before
    expected.active |= now_active


def _is_within(other: Condition, transmitter_id: str, *, host: str) -> bool:
    inside = not host or other.point == host or other.point.startswith(f"{host}-")
    return other.transmitter_id == transmitter_id and inside
