"""What could not be taken is kept with its bytes and the reason, bounded so that one device cannot push out the others'."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from ingest import metrics
from signals import origin
from signals.border import KEPT_BYTES_MAXIMUM
from signals.messages import PAYLOAD_BYTES_MAXIMUM, Rejected
from signals.payloads import plain
from signals.topics import MessageClass, read_upward

ROWS_MAXIMUM = 100_000
BYTES_MAXIMUM = 256 * 1024 * 1024
TRANSMITTER_BYTES_MAXIMUM = 16 * 1024 * 1024
"""Of one transmitter: it takes 16 broken ones to push out what others sent."""
ROW_OVERHEAD_BYTES = 512

BURST_BYTES = 4 * 1024 * 1024
REFILL_BYTES_PER_SECOND = 500
"""Of one transmitter: an ordinary broken object every 2 s. What comes beyond is counted only."""

SENDER_CHARACTERS_MAXIMUM = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One row of the quarantine.

    `key_before`: the key it has if it was first said in the window before; None where boot and seq identify it.
    """

    key: bytes
    key_before: bytes | None
    received_at: datetime
    topic: str
    transmitter_id: str | None
    message_class: MessageClass | None
    rejected: Rejected
    payload: bytes
    payload_length: int
    payload_digest: bytes

    @property
    def sender(self) -> str:
        """The transmitter, or what stands in its place on a topic that is not of the profile."""
        if self.transmitter_id is not None:
            return self.transmitter_id
        parts = self.topic.split("/")
        return (parts[2] if len(parts) > 2 else self.topic)[:SENDER_CHARACTERS_MAXIMUM]


class Provenance(NamedTuple):
    """Where an object came from. `transmitter_id` and `message_class` are None on a topic that is not of the profile."""

    topic: str
    transmitter_id: str | None
    message_class: MessageClass | None
    received_at: datetime


def hold(rejected: Rejected, *, provenance: Provenance) -> Held:
    """The row for an object. The same object gets the same key again, without a readable counter only within a minute or two."""
    identity = ("quarantine", provenance.topic, rejected.reason, rejected.boot, rejected.seq, rejected.raw)
    if rejected.boot is None or rejected.seq is None:
        key, key_before = origin.windowed(*identity, received_at=provenance.received_at)
    else:
        key, key_before = origin.key(*identity), None
    length = len(rejected.raw)
    return Held(
        key=key,
        key_before=key_before,
        received_at=provenance.received_at,
        topic=plain(provenance.topic),
        transmitter_id=provenance.transmitter_id,
        message_class=provenance.message_class,
        rejected=rejected,
        payload=rejected.raw if length <= PAYLOAD_BYTES_MAXIMUM else rejected.raw[:KEPT_BYTES_MAXIMUM],
        payload_length=length,
        payload_digest=hashlib.sha256(rejected.raw).digest(),
    )


class Gate:
    """The way into quarantine: counts everything, keeps what its transmitter may still put in."""

    def __init__(self) -> None:
        self._spent: dict[str, tuple[float, datetime]] = {}

    def admits(self, held: Held) -> bool:
        """Whether the row is to be written; not where its transmitter has kept us busy enough."""
        metrics.QUARANTINED.labels(held.rejected.reason).inc()
        admitted = self._charge(held.transmitter_id or "", len(held.payload) + ROW_OVERHEAD_BYTES, at=held.received_at)
        if not admitted:
            metrics.QUARANTINE_DROPPED.inc()
        return admitted

    def _charge(self, transmitter_id: str, size_bytes: int, *, at: datetime) -> bool:
        spent, when = self._spent.get(transmitter_id, (0.0, at))
        spent = max(0.0, spent - max(0.0, (at - when).total_seconds()) * REFILL_BYTES_PER_SECOND)
        admitted = spent < BURST_BYTES
        self._spent[transmitter_id] = (spent + (size_bytes if admitted else 0), at)
        return admitted


def provenance_of(topic: str, *, received_at: datetime) -> Provenance:
    """Where an object came from, by its topic."""
    transmitter_id, message_class = read_upward(topic) or (None, None)
    return Provenance(topic=topic, transmitter_id=transmitter_id, message_class=message_class, received_at=received_at)
