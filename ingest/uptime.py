"""When a lane could hear: it sends itself a probe through the broker, behind the devices' messages, and notes what comes back.

Once a probe of this connection is committed, everything that reached the broker before it was sent is stored.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

PROBE_EVERY_SECONDS = 1.0
JOINED_WITHIN = timedelta(seconds=5)
"""Probes that lie further apart have an outage between them: a new span begins."""
LATE_SECONDS = 2.5
"""A probe on its way for longer stands behind a backlog."""
OUTSTANDING_MAXIMUM = 30
"""Probes on their way; while a backlog drains, more of them would say nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The lane could hear from `up_from` until `heard_until`. A span that has grown keeps its `up_from`."""

    up_from: datetime
    heard_until: datetime


class Uptime:
    """The probes of one process. Probes of an earlier connection, or of another process, prove nothing and are passed over."""

    def __init__(self) -> None:
        self._connection = ""
        self._outstanding: list[datetime] = []
        self._span: Span | None = None
        self.connected_anew()

    def connected_anew(self) -> None:
        """The connection to the broker is new: what was sent on the old one may be lost."""
        self._connection = secrets.token_hex(8)
        self._outstanding = []
        self._span = None

    def probe(self, *, at: datetime) -> bytes | None:
        """The payload of a probe sent now; None where enough are on their way."""
        if len(self._outstanding) >= OUTSTANDING_MAXIMUM:
            return None
        self._outstanding.append(at)
        return json.dumps({"connection": self._connection, "sent_at": at.astimezone(UTC).isoformat()}).encode()

    def spans(self, payloads: Iterable[bytes]) -> list[Span]:
        """The spans to be written for probes that came back, in order; the last of them is grown by the next call."""
        found: dict[datetime, Span] = {}
        for payload in payloads:
            sent_at = self._read(payload)
            if sent_at is None:
                continue
            self._outstanding = [other for other in self._outstanding if other > sent_at]
            span = self._span
            joined = span is not None and timedelta(0) <= sent_at - span.heard_until <= JOINED_WITHIN
            up_from = span.up_from if span is not None and joined else sent_at
            self._span = found[up_from] = Span(up_from=up_from, heard_until=sent_at)
        return list(found.values())

    def lag_seconds(self, *, at: datetime) -> float:
        """How long the oldest probe has been on its way: how far the lane is behind."""
        return max(0.0, (at - self._outstanding[0]).total_seconds()) if self._outstanding else 0.0

    def caught_up(self, *, at: datetime) -> bool:
        """Whether a probe of this connection has come back and none has been on its way for long: no backlog drains."""
        return self._span is not None and self.lag_seconds(at=at) < LATE_SECONDS

    def _read(self, payload: bytes) -> datetime | None:
        try:
            document = json.loads(payload)
            sent_at = datetime.fromisoformat(document["sent_at"])
        except (ValueError, KeyError, TypeError):
            return None
        return sent_at if document.get("connection") == self._connection else None
