"""The connection ratio by definition 1 (docs/connection-ratio.md): facts in, evidence out; no clock, no database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from registry.days import day_of, end_of

DEFINITION_VERSION = 1
LAPSE_DAYS = 30
"""Whole Shanghai days of silence after which a transmitter lapses, where no setting says otherwise."""


class TransmitterClass(StrEnum):
    """What kind of transmitter it is; decides how long its silence is ordinary."""

    CONTROL_ROOM = "control_room"
    DETECTOR = "detector"
    SLEEPY = "sleepy"
    BRIDGE = "bridge"


LOOK_BACK: Mapping[TransmitterClass, timedelta] = {
    TransmitterClass.CONTROL_ROOM: timedelta(hours=2),  # inspection of transmitters every ≤ 2 h: GB 50440 4.2.2
    TransmitterClass.DETECTOR: timedelta(hours=2),
    TransmitterClass.BRIDGE: timedelta(hours=2),
    TransmitterClass.SLEEPY: timedelta(hours=72),  # three daily reports
}
"""A transmitter heard from within this time is online."""


class Reason(StrEnum):
    """Why a unit counts or does not; in the order of their nearness to a connection."""

    CONNECTED = "connected"
    LAPSED = "lapsed"
    NEVER_HEARD = "never_heard"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    NO_TRANSMITTER = "no_transmitter"


_NEARNESS = {reason: rank for rank, reason in enumerate(Reason)}


class Denominator(StrEnum):
    """Which key units are counted."""

    ALL = "all"
    CONTROL_ROOM = "control_room"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUnit:
    """A key unit as the dated register has it: one on day d when listed_on <= d < delisted_on."""

    key_unit_id: str
    village_id: str
    has_control_room: bool
    listed_on: date
    delisted_on: date | None

    def listed(self, on: date) -> bool:
        """Whether it is a key unit on that day."""
        return self.listed_on <= on and (self.delisted_on is None or on < self.delisted_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmitter:
    """A transmitter of a key unit, and when it was last heard at or before the instant that is measured."""

    transmitter_id: str
    key_unit_id: str
    transmitter_class: TransmitterClass
    accepted_on: date | None
    withdrawn_on: date | None
    last_heard_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What is measured: a Shanghai day, up to `at` in it, with the days of silence that end a connection."""

    on: date
    at: datetime
    lapse_days: int = LAPSE_DAYS


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a key unit counted as it did: the transmitter that decided it, and when that was last heard."""

    key_unit_id: str
    village_id: str
    has_control_room: bool
    connected: bool
    online: bool
    reason: Reason
    transmitter_id: str | None
    last_heard_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """How many key units there are, are connected and are online."""

    units: int
    connected: int
    online: int

    @property
    def ratio(self) -> float | None:
        """Connected over all, 0…1; None where there are no units."""
        return self.connected / self.units if self.units else None


def moment(*, now: datetime, on: date | None = None, lapse_days: int = LAPSE_DAYS) -> Moment:
    """The day `on` as a whole, or, where it is today's (the default), up to now.

    Raises:
        ValueError: the day has not begun.
    """
    today = day_of(now)
    day = on or today
    if day > today:
        raise ValueError(f"{day} lies in the future: who is connected can be measured up to today, {today}")
    return Moment(on=day, at=min(now, end_of(day)), lapse_days=lapse_days)


def state(transmitter: Transmitter, *, moment: Moment) -> Reason:
    """What a transmitter adds to its unit: CONNECTED, or why nothing."""
    if transmitter.withdrawn_on is not None and transmitter.withdrawn_on <= moment.on:
        return Reason.WITHDRAWN
    if transmitter.accepted_on is None or transmitter.accepted_on > moment.on:
        return Reason.NOT_ACCEPTED
    heard_on = day_of(transmitter.last_heard_at) if transmitter.last_heard_at else transmitter.accepted_on
    silent_days = (moment.on - max(heard_on, transmitter.accepted_on)).days - 1
    if silent_days < moment.lapse_days:
        return Reason.CONNECTED
    return Reason.LAPSED if transmitter.last_heard_at else Reason.NEVER_HEARD


def online(transmitter: Transmitter, *, moment: Moment) -> bool:
    """Whether it was heard within the look-back of its class."""
    heard = transmitter.last_heard_at
    return heard is not None and moment.at - heard <= LOOK_BACK[transmitter.transmitter_class]


def measure(units: Iterable[KeyUnit], transmitters: Iterable[Transmitter], *, moment: Moment) -> list[Evidence]:
    """The evidence for every key unit listed on the day, by village and id."""
    by_unit: dict[str, list[Transmitter]] = {}
    for transmitter in transmitters:
        by_unit.setdefault(transmitter.key_unit_id, []).append(transmitter)
    listed = sorted((unit for unit in units if unit.listed(moment.on)), key=lambda unit: (unit.village_id, unit.key_unit_id))
    return [_evidence(unit, by_unit.get(unit.key_unit_id, []), moment=moment) for unit in listed]


def _evidence(unit: KeyUnit, transmitters: list[Transmitter], *, moment: Moment) -> Evidence:
    states = {transmitter.transmitter_id: state(transmitter, moment=moment) for transmitter in transmitters}

    def preference(transmitter: Transmitter) -> tuple[int, bool, float, str]:
        # The nearest to a connection; of several, one that is online, then the one heard last, then the first by id.
        heard = transmitter.last_heard_at.timestamp() if transmitter.last_heard_at else float("-inf")
        is_online = online(transmitter, moment=moment)
        return _NEARNESS[states[transmitter.transmitter_id]], not is_online, -heard, transmitter.transmitter_id

    best = min(transmitters, key=preference, default=None)
    reason = states[best.transmitter_id] if best else Reason.NO_TRANSMITTER
    connected = reason is Reason.CONNECTED
    return Evidence(
        key_unit_id=unit.key_unit_id,
        village_id=unit.village_id,
        has_control_room=unit.has_control_room,
        connected=connected,
        online=connected and best is not None and online(best, moment=moment),
        reason=reason,
        transmitter_id=best.transmitter_id if best else None,
        last_heard_at=best.last_heard_at if best else None,
    )


def figures(evidence: Iterable[Evidence], *, denominator: Denominator) -> Figures:
    """Count key units."""
    counted = [one for one in evidence if denominator is Denominator.ALL or one.has_control_room]
    return Figures(units=len(counted), connected=sum(one.connected for one in counted), online=sum(one.online for one in counted))


def figures_by_village(evidence: Iterable[Evidence], *, villages: Iterable[str], denominator: Denominator) -> dict[str, Figures]:
    """Count key units of each village, the villages without any too."""
    parts: dict[str, list[Evidence]] = {village: [] for village in villages}
    for one in evidence:
        parts.setdefault(one.village_id, []).append(one)
    return {village: figures(part, denominator=denominator) for village, part in parts.items()}
