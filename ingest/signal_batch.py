"""What one transaction of the signal lane stores."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import mqtt5

from ingest.facts import Fact, unreadable
from ingest.gaps import Counter, Range
from ingest.quarantine import Held, Provenance, hold
from ingest.records import Beside
from signals.messages import Reason, Rejected
from signals.payloads import plain


class Item(NamedTuple):
    """All that follows from one object of a message.

    Attributes:
        raw: the object, canonical JSON, or the bytes that could not be read.
        counted: its counter and number, where both can be read.
        confirmed: whether its transmitter is told once it is stored.
        facts: rows of `signal`: what was said, or the centre's statement that it could not be read.
        held: its row of the quarantine.
        gone: numbers that the transmitter says it no longer has.
    """

    provenance: Provenance
    raw: bytes
    counted: tuple[Counter, int] | None = None
    confirmed: bool = False
    facts: tuple[Fact, ...] = ()
    held: Held | None = None
    gone: tuple[Counter, tuple[Range, ...]] | None = None


@dataclass(slots=True, kw_only=True)
class SignalBatch:
    """Items and what goes with them. `parked`: messages of transmitters of whom nothing is known yet, and when they came."""

    items: list[Item] = field(default_factory=list)
    beside: Beside = field(default_factory=Beside)
    parked: list[tuple[mqtt5.PublishPacket, datetime]] = field(default_factory=list)
    probes: list[bytes] = field(default_factory=list)
    redelivered: int = 0

    def __len__(self) -> int:
        return len(self.items) + len(self.parked)


def poisoned(item: Item, *, why: str) -> Item:
    """The item as what is left of it where the database refuses it: its bytes, and the centre's statement."""
    boot, seq = (item.counted[0].boot, item.counted[1]) if item.counted else (None, None)
    rejected = Rejected(reason=Reason.DATABASE, detail=plain(why), raw=item.raw, boot=boot, seq=seq)
    held = hold(rejected, provenance=item.provenance)
    return Item(
        provenance=item.provenance,
        raw=item.raw,
        counted=item.counted,
        confirmed=item.confirmed,
        held=held,
        facts=(unreadable(held),),
    )
