"""Rows of the table `signal`: what devices say on the signal lane, and what the centre itself states about a message."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ingest.gaps import Counter
from ingest.quarantine import Held
from signals import origin
from signals.kinds import FIRE_KINDS, Kind, classify
from signals.messages import Reply, Signal, Snapshot
from signals.payloads import canonical, plain
from signals.topics import MessageClass

CENTRE = "centre"
"""Class of the centre's own statements."""


class Fact(NamedTuple):
    """One row of `signal`. A tuple, as thousands a second are made: a frozen dataclass of so many members takes thrice as long.

    Attributes:
        key: identity within the transmitter.
        key_before: the key it has if it was first said in the window before; None where boot and seq identify it.
        handed_over: to alerts; a page of a snapshot only where it completes one.
        pages: (page, pages) of a snapshot's page.
        urgent: it is, or holds, a condition that is handled before everything else (GB 26875.1-2011 4.1.2.3).
    """

    transmitter_id: str
    key: bytes
    key_before: bytes | None
    fact_class: str
    boot: int | None
    seq: int | None
    point: str | None
    kind: Kind | None
    raw_kind: str
    active: bool | None
    detail: str
    defects: tuple[str, ...]
    occurred_at: datetime | None
    at_text: str | None
    received_at: datetime
    payload: bytes
    handed_over: bool
    urgent: bool
    pages: tuple[int, int] | None = None

    @property
    def counter(self) -> Counter | None:
        """What counts it; None for the centre's statements and where boot or seq cannot be read."""
        if self.boot is None or self.seq is None or self.fact_class == CENTRE:
            return None
        return Counter(transmitter_id=self.transmitter_id, message_class=MessageClass(self.fact_class), boot=self.boot)


def fact(found: Signal | Snapshot | Reply, *, transmitter_id: str, received_at: datetime) -> Fact:
    """The row for what a device said."""
    identity = (found.message_class, found.boot, found.seq, found.content)
    if found.boot is None or found.seq is None:
        key, key_before = origin.windowed(*identity, received_at=received_at)
    else:
        key, key_before = origin.key(*identity), None
    kind = classify(found.raw_kind) if isinstance(found, Signal) else None
    return Fact(
        transmitter_id=transmitter_id,
        key=key,
        key_before=key_before,
        fact_class=found.message_class,
        boot=found.boot,
        seq=found.seq,
        point=found.point if isinstance(found, Signal) else None,
        kind=kind,
        raw_kind=found.raw_kind if isinstance(found, Signal) and kind is Kind.UNCLASSIFIED else "",
        active=found.active if isinstance(found, Signal) else None,
        detail=json.dumps(_detail(found)),
        defects=found.defects,
        occurred_at=found.occurred_at,
        at_text=found.at_text,
        received_at=received_at,
        payload=found.content,
        handed_over=not isinstance(found, Snapshot),
        urgent=_is_urgent(found),
        pages=(found.page, found.pages) if isinstance(found, Snapshot) else None,
    )


def unreadable(held: Held, *, rest: bool = False) -> Fact:
    """The centre's statement that something of a transmitter could not be read: it may have been a fire.

    Args:
        held: what could not be read.
        rest: it stands for all that comes from this transmitter in the window, because too much does.
    """
    identity = (CENTRE, Kind.UNREADABLE, held.key)
    key, key_before = origin.key(*identity), None
    if held.key_before is not None:
        key_before = origin.key(CENTRE, Kind.UNREADABLE, held.key_before)
    if rest:
        key, key_before = origin.windowed(CENTRE, Kind.UNREADABLE, "rest", received_at=held.received_at)
    rejected = held.rejected
    return _statement(
        held.sender,
        Kind.UNREADABLE,
        keys=(key, key_before),
        detail={"reason": rejected.reason, "detail": plain(rejected.detail), "topic": held.topic},
        received_at=held.received_at,
        payload=held.payload,
    )


def key_conflict(conflicting: Fact) -> Fact:
    """The centre's statement that a counter has named two different facts; one for every (class, boot, seq)."""
    detail = {"class": conflicting.fact_class, "boot": conflicting.boot, "seq": conflicting.seq}
    return _statement(
        conflicting.transmitter_id,
        Kind.KEY_CONFLICT,
        keys=(origin.key(CENTRE, Kind.KEY_CONFLICT, *detail.values()), None),
        detail=detail,
        received_at=conflicting.received_at,
        payload=canonical(detail),  # the evidence is with the facts themselves
    )


def _statement(
    transmitter_id: str,
    kind: Kind,
    *,
    keys: tuple[bytes, bytes | None],
    detail: Mapping[str, Any],
    received_at: datetime,
    payload: bytes,
) -> Fact:
    key, key_before = keys
    return Fact(
        transmitter_id=transmitter_id,
        key=key,
        key_before=key_before,
        fact_class=CENTRE,
        boot=None,
        seq=None,
        point="",
        kind=kind,
        raw_kind="",
        active=True,
        detail=json.dumps(detail),
        defects=(),
        occurred_at=None,
        at_text=None,
        received_at=received_at,
        payload=payload,
        handed_over=True,
        urgent=kind is Kind.UNREADABLE,  # it may have been a fire
    )


def _is_urgent(found: Signal | Snapshot | Reply) -> bool:
    if isinstance(found, Signal):
        return classify(found.raw_kind) in FIRE_KINDS
    return isinstance(found, Snapshot) and any(classify(kind) in FIRE_KINDS for _, kind in found.active)


def _detail(found: Signal | Snapshot | Reply) -> Mapping[str, Any]:
    if isinstance(found, Signal):
        return found.detail
    if isinstance(found, Snapshot):
        conditions = [{"point": point, "kind": kind} for point, kind in found.active]
        return {"page": found.page, "pages": found.pages, "active": conditions}
    return {"to": found.to, "ok": found.ok, "operator": found.operator, "text": found.text, "gone": found.gone}
