"""Who was heard when, and what of it must be written: bookkeeping without clock or database.

A row is written in the transaction of the fact when a message opens a new minute, or comes 10 s or more after the last write; what
is left over when a transmitter falls silent follows within 10 s. Instants are microseconds since 2000-01-01 UTC
(`signals.instants.EPOCH`): they are compared for every message.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from signals.instants import EPOCH

WRITE_EVERY_SECONDS = 10
MINUTE = 60_000_000
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset: China has kept no summer time since 1991, and a slim image has no time zone data."""
MINUTES_OF_DAY = 1440
DEVICES_MAXIMUM = 10_000
"""Devices behind one transmitter that are watched one by one."""

_WRITE_EVERY = WRITE_EVERY_SECONDS * 1_000_000
_SWEEP_EVERY = 2_000_000
_SHANGHAI = 8 * 60 * MINUTE
_FIRST_DAY = date(2000, 1, 1).toordinal()
_NO_OFFSET = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceRow:
    """What is known of a transmitter, or of a device behind it. None: not said since the last row."""

    transmitter_id: str
    point: str
    last_heard_at: datetime
    clock_offset_seconds: float | None
    interval_seconds: int | None
    heartbeat: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """Messages of a transmitter in one minute (0…1439) of a day in Asia/Shanghai, to be added to what is stored."""

    transmitter_id: str
    day: date
    minute: int
    first_heard_at: datetime
    last_heard_at: datetime
    messages: int


class Heard:
    """What a transmitter (point "") or a device behind it has said in this lane. Made by `Presence`."""

    __slots__ = (
        "count",
        "due_at",
        "heartbeat",
        "interval_seconds",
        "last_at",
        "offset",
        "offset_before",
        "opened_at",
        "point",
        "transmitter_id",
    )

    def __init__(self, transmitter_id: str, point: str) -> None:
        self.transmitter_id = transmitter_id
        self.point = point
        self.count = 0
        self.last_at = 0
        self.due_at = 0
        self.opened_at = 0
        self.offset = _NO_OFFSET
        self.offset_before = _NO_OFFSET
        self.interval_seconds: int | None = None
        self.heartbeat: str | None = None

    def note_clock(self, clock: int, *, at: int) -> None:
        """A live message, newer than all before, says that it was `clock` when it came at `at`."""
        self.offset = min(self.offset, at - clock)


class Presence:
    """The bookkeeping of one lane.

    For every message, at the instant `at`:

        if at >= heard.due_at:
            presence.open(heard, at)
        heard.count += 1
        heard.last_at = at
    """

    def __init__(self) -> None:
        self._all: dict[tuple[str, str], Heard] = {}
        self._devices: dict[str, int] = {}
        self._opened: dict[Heard, None] = {}
        self._days: list[DayRow] = []
        self._swept_at = 0

    def __getitem__(self, name: tuple[str, str]) -> Heard:
        """The bookkeeping of (transmitter, point)."""
        heard = self._all.get(name)
        if heard is None:
            heard = self._all[name] = Heard(*name)
        return heard

    def device(self, transmitter_id: str, point: str) -> Heard | None:
        """The bookkeeping of a device behind a transmitter; None where that has too many already."""
        known = self._all.get((transmitter_id, point))
        if known is None and self._devices.get(transmitter_id, 0) < DEVICES_MAXIMUM:
            self._devices[transmitter_id] = self._devices.get(transmitter_id, 0) + 1
            known = self[transmitter_id, point]
        return known

    def heard(self, heard: Heard, at: int) -> None:
        """Note a message that came at `at`."""
        if at >= heard.due_at:
            self.open(heard, at)
        heard.count += 1
        heard.last_at = at

    def open(self, heard: Heard, at: int) -> None:
        """A row is due with the message that came at `at`."""
        self._close_minute(heard)
        heard.opened_at = at
        heard.due_at = next_due(at)
        self._opened[heard] = None

    def rows(self, at: int) -> tuple[list[PresenceRow], list[DayRow]]:
        """What must be written with the facts that came until `at`. It is handed out once: keep it until it is stored."""
        if not self._swept_at <= at < self._swept_at + _SWEEP_EVERY:
            self._sweep(at)
        for heard in self._opened:
            self._close_minute(heard)
        rows = [_row(heard) for heard in self._opened]
        days, self._days = self._days, []
        self._opened = {}
        return rows, days

    def _sweep(self, at: int) -> None:
        clock_went_back = at < self._swept_at
        self._swept_at = at
        for heard in self._all.values():
            if heard.count and (heard.due_at <= at or clock_went_back):
                self.open(heard, heard.last_at)
            if clock_went_back:
                heard.due_at = 0

    def _close_minute(self, heard: Heard) -> None:
        if heard.count and not heard.point:
            minute = (heard.last_at + _SHANGHAI) // MINUTE
            self._days.append(
                DayRow(
                    transmitter_id=heard.transmitter_id,
                    day=date.fromordinal(_FIRST_DAY + minute // MINUTES_OF_DAY),
                    minute=minute % MINUTES_OF_DAY,
                    # What was opened in an earlier minute is written already; only what came since is added.
                    first_heard_at=instant(max(heard.opened_at, heard.last_at // MINUTE * MINUTE)),
                    last_heard_at=instant(heard.last_at),
                    messages=heard.count,
                )
            )
        heard.count = 0


def next_due(at: int) -> int:
    """When the next row is due after one that was written at `at`, if messages keep coming."""
    return min(at + _WRITE_EVERY, (at // MINUTE + 1) * MINUTE)


def instant(at: int) -> datetime:
    """The instant of microseconds since EPOCH."""
    return EPOCH + timedelta(microseconds=at)


def _row(heard: Heard) -> PresenceRow:
    offset = min(heard.offset, heard.offset_before)
    row = PresenceRow(
        transmitter_id=heard.transmitter_id,
        point=heard.point,
        last_heard_at=instant(heard.last_at),
        clock_offset_seconds=None if offset == _NO_OFFSET else offset / 1e6,
        interval_seconds=heard.interval_seconds,
        heartbeat=heard.heartbeat,
    )
    heard.offset, heard.offset_before = _NO_OFFSET, heard.offset
    heard.interval_seconds = heard.heartbeat = None
    return row
