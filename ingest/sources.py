"""What the telemetry lane remembers of a transmitter, so that a message costs it few look-ups."""

from ingest.copying import head
from ingest.presence import Heard, Presence

POINTS_MAXIMUM = 10_000
"""Points of one transmitter that are remembered; beyond, they cost a little more."""
BRIDGE = "bridge"


class Track:
    """The last number of one counter. Telemetry and heartbeats that are missing are counted, never asked for again."""

    __slots__ = ("boot", "seq")

    def __init__(self) -> None:
        self.boot = -1
        self.seq = -1

    def missing_before(self, boot: int, seq: int) -> int:
        """Note a number. Returns how many are missing between it and the last one, or -1 where it is not newer."""
        if boot == self.boot:
            step = seq - self.seq
            if step > 0:
                self.seq = seq
                return step - 1
            return -1
        if boot < self.boot:
            return -1
        self.boot, self.seq = boot, seq
        return 0


class Source:
    """One enrolled transmitter.

    `point`, `beginning` and `series` are of its last reading: the beginning of its rows, and its name for `signals.packing`. Nearly
    every transmitter has but one.
    """

    __slots__ = (
        "_points",
        "_presence",
        "beginning",
        "bridge",
        "heard",
        "heartbeats",
        "point",
        "series",
        "telemetry",
        "transmitter_id",
    )

    def __init__(self, transmitter_id: str, *, transmitter_class: str, presence: Presence) -> None:
        self.transmitter_id = transmitter_id
        self.bridge = transmitter_class == BRIDGE
        self.heard = presence[transmitter_id, ""]
        self._points: dict[str, tuple[bytes, str]] = {}
        self.point: str | None = None
        self.beginning = b""
        self.series = ""
        self.telemetry = Track()
        self.heartbeats = Track()
        self._presence = presence

    def turn_to(self, point: str) -> None:
        """Make it the point of the last reading."""
        found = self._points.get(point)
        if found is None:
            if len(self._points) >= POINTS_MAXIMUM:
                self._points.clear()
            found = self._points[point] = (head(self.transmitter_id, point), f"{self.transmitter_id}\0{point}")
        self.point = point
        self.beginning, self.series = found

    def device(self, point: str) -> Heard | None:
        """The bookkeeping of a device behind the transmitter; None for the transmitter itself, and where there are too many."""
        return self._presence.device(self.transmitter_id, point) if point else None
