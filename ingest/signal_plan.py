"""What the database must be told of a batch of the signal lane, given what it knows. Pure: any order gives the same rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ingest.facts import Fact, key_conflict
from ingest.gaps import Counter, Gap, Head, give_up, take
from ingest.signal_batch import Item

Identity = tuple[str, bytes]
"""Transmitter and key of a fact."""


class PageGroup(NamedTuple):
    """The pages of one snapshot: `first_seq` is the number of page 1."""

    transmitter_id: str
    boot: int
    first_seq: int
    pages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is stored already, as far as a batch touches it.

    Attributes:
        counted: keys of the facts that have one of the batch's numbers.
        heads: of the batch's counters.
        gaps: those that hold one of the batch's numbers or that a reply gives up.
        pages: of each snapshot of the batch, the pages stored and whether one of them holds a fire.
    """

    counted: Mapping[tuple[Counter, int], frozenset[bytes]] = field(default_factory=dict)
    heads: Mapping[Counter, Head] = field(default_factory=dict)
    gaps: Mapping[Counter, Sequence[Gap]] = field(default_factory=dict)
    pages: Mapping[PageGroup, Mapping[int, bool]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Rows to be written.

    None of the facts that have a counter was stored when `Known` was read; whether one of the others is, the database finds as it
    takes them. Heads and gaps are new or changed.
    """

    facts: list[Fact]
    heads: dict[Counter, Head]
    gaps: list[tuple[Counter, Gap]]


def plan(items: Iterable[Item], known: Known, *, at: datetime) -> Plan:
    """What to write for these items, in their order. Those without a counter came in one window (`signals.origin`)."""
    items = list(items)
    facts = _new_facts((fact for item in items for fact in item.facts), known)
    heads, gaps = _sequences(items, known, at=at)
    return Plan(facts=[*_handed_over(facts, known), *_conflicts(facts, known)], heads=heads, gaps=gaps)


def group_of(fact: Fact) -> PageGroup | None:
    """The snapshot that a page belongs to; None for everything else."""
    if fact.pages is None or fact.boot is None or fact.seq is None:
        return None
    page, pages = fact.pages
    return PageGroup(fact.transmitter_id, fact.boot, fact.seq - page + 1, pages)


def _new_facts(facts: Iterable[Fact], known: Known) -> list[Fact]:
    """Those that are not known to be stored, each once."""
    new: dict[Identity, Fact] = {}
    for fact in facts:
        counter = fact.counter
        if counter is None or fact.seq is None or fact.key not in known.counted.get((counter, fact.seq), ()):
            new.setdefault((fact.transmitter_id, fact.key), fact)
    return list(new.values())


def _conflicts(facts: list[Fact], known: Known) -> list[Fact]:
    """The centre's statement for every counter that another fact has already."""
    keys: dict[tuple[Counter, int], set[bytes]] = {}
    statements: dict[Identity, Fact] = {}
    for fact in facts:
        counter = fact.counter
        if counter is None or fact.seq is None:
            continue
        number = (counter, fact.seq)
        found = keys.setdefault(number, set(known.counted.get(number, ())))
        found.add(fact.key)
        if len(found) > 1:
            statement = key_conflict(fact)
            statements.setdefault((statement.transmitter_id, statement.key), statement)
    return list(statements.values())


def _handed_over(facts: list[Fact], known: Known) -> list[Fact]:
    """The facts, with the page that completes a snapshot handed over for all its pages."""
    pages: dict[PageGroup, dict[int, bool]] = {}
    completing: dict[PageGroup, Fact] = {}
    for fact in facts:
        group = group_of(fact)
        if group is None or fact.pages is None:
            continue
        found = pages.setdefault(group, dict(known.pages.get(group, {})))
        complete_before, said_before = len(found) == group.pages, fact.pages[0] in found
        found[fact.pages[0]] = found.get(fact.pages[0], False) or fact.urgent
        # A page whose number was used for another content belongs to a device that counts anew: its snapshot counts too.
        if len(found) == group.pages and (not complete_before or said_before):
            completing[group] = fact
    handed = {(fact.transmitter_id, fact.key): any(pages[group].values()) for group, fact in completing.items()}
    return [
        fact._replace(handed_over=True, urgent=handed[fact.transmitter_id, fact.key])
        if (fact.transmitter_id, fact.key) in handed
        else fact
        for fact in facts
    ]


def _sequences(items: list[Item], known: Known, *, at: datetime) -> tuple[dict[Counter, Head], list[tuple[Counter, Gap]]]:
    """What has arrived closes gaps and opens others; what a reply gives up closes the rest of them."""
    arrived: dict[Counter, list[int]] = {}
    for item in items:
        if item.counted is not None:
            arrived.setdefault(item.counted[0], []).append(item.counted[1])
    heads: dict[Counter, Head] = {}
    changed: dict[Counter, dict[int, Gap]] = {}
    for counter, seqs in arrived.items():
        head, gaps = take(seqs, head=known.heads.get(counter), gaps=known.gaps.get(counter, ()), at=at)
        if head != known.heads.get(counter):
            heads[counter] = head
        changed[counter] = {gap.first: gap for gap in gaps}
    for item in items:
        if item.gone is not None:
            counter, ranges = item.gone
            rows = {gap.first: gap for gap in known.gaps.get(counter, ())} | changed.get(counter, {})
            given_up = give_up(ranges, gaps=rows.values(), at=at)
            changed.setdefault(counter, {}).update({gap.first: gap for gap in given_up})
    return heads, [(counter, gap) for counter, gaps_ in changed.items() for gap in gaps_.values()]
