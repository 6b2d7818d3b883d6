"""What one transaction of the telemetry lane stores."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import compress
from typing import NamedTuple, Protocol

import mqtt5

from ingest.records import Beside
from signals.packing import Packer

CHUNK_SECONDS = 7 * 86_400
CHUNKS_MAXIMUM = 50
"""Chunks of the hypertable that one transaction touches: it locks each, and a server grants 6,400 locks unless told otherwise."""


class HasOrigin(Protocol):
    """What a reading came in: a message of the broker, or whatever can be quarantined in its place."""

    @property
    def topic(self) -> str:
        """Where it came."""
        ...

    @property
    def payload(self) -> bytes:
        """Its bytes."""
        ...


class Origin(NamedTuple):
    """Of what did not come through the broker."""

    topic: str
    payload: bytes


@dataclass(slots=True, kw_only=True)
class Readings:
    """Rows of `telemetry`; in step with them the same readings packed, their receive times, and the messages they came in."""

    rows: list[bytes] = field(default_factory=list)
    packer: Packer = field(default_factory=Packer)
    received: list[float] = field(default_factory=list)
    origins: list[HasOrigin] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, kept: list[bool]) -> "Readings":
        """Those whose place in `kept` is True."""
        return Readings(
            rows=list(compress(self.rows, kept)),
            packer=self.packer.only(kept),
            received=list(compress(self.received, kept)),
            origins=list(compress(self.origins, kept)),
        )

    def halves(self) -> tuple["Readings", "Readings"]:
        """The first and the second half."""
        first = [place < len(self) // 2 for place in range(len(self))]
        return self.only(first), self.only([not kept for kept in first])

    def by_chunks(self) -> list["Readings"]:
        """Parts that touch at most `CHUNKS_MAXIMUM` chunks each; nearly always there is but one."""
        times = self.packer.times
        if not times or max(times) - min(times) < CHUNKS_MAXIMUM * CHUNK_SECONDS:
            return [self]
        weeks = [time // CHUNK_SECONDS for time in times]
        distinct = sorted(set(weeks))
        starts = range(0, len(distinct), CHUNKS_MAXIMUM)
        groups = [frozenset(distinct[start : start + CHUNKS_MAXIMUM]) for start in starts]
        return [self.only([week in group for week in weeks]) for group in groups]


@dataclass(slots=True, kw_only=True)
class TelemetryBatch:
    """Readings and what goes with them. `parked`: messages of transmitters of whom nothing is known yet, and when they came."""

    readings: Readings = field(default_factory=Readings)
    beside: Beside = field(default_factory=Beside)
    parked: list[tuple[mqtt5.PublishPacket, datetime]] = field(default_factory=list)
    probes: list[bytes] = field(default_factory=list)
    redelivered: int = 0

    def __len__(self) -> int:
        return len(self.readings) + len(self.beside.held) + len(self.parked)
