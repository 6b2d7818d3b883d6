"""What conclusions are drawn from and what they are about: observations, conditions, places, alarms. Pure data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from alerts.machine import AlarmState, Disposition, Effect, EventName, Outcome
from signals.kinds import Kind


class Actor(StrEnum):
    """Who observes. None of these names may be an operator's."""

    DEVICE = "device"
    CENTRE = "centre"
    LIVENESS = "liveness"
    EARLY_WARNING = "early_warning"


class ConditionKey(NamedTuple):
    """What at most one open alarm is about. `raw_kind`: the device's own word where `kind` is unclassified, else empty."""

    transmitter_id: str
    point: str
    kind: Kind
    raw_kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A word about a condition: it began (active) or it is over.

    Attributes:
        boot: the device's counter, with `seq`; both None where either cannot be read, and for all that the centre observes
            itself: such a word is the newest there is.
        reason: what was observed, in words and numbers; empty: put together from `detail`.
        detail: members of the signal (text, level, code, cause, confidence, evidence, values), and `defects`.
        origin_key: of the signal it stands in; None where it stands in none.
    """

    transmitter_id: str
    point: str
    kind: Kind
    raw_kind: str = ""
    active: bool
    boot: int | None = None
    seq: int | None = None
    occurred_at: datetime
    received_at: datetime
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    origin_key: bytes | None = None
    actor: Actor

    @property
    def key(self) -> ConditionKey:
        """The condition it is about."""
        return ConditionKey(self.transmitter_id, self.point, self.kind, self.raw_kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteSnapshot:
    """Everything that a transmitter says is active, all pages together.

    `taken_at`: the earliest `occurred_at` of its pages; `received_at`: when the last page came.
    """

    transmitter_id: str
    boot: int | None
    taken_at: datetime
    received_at: datetime
    active: frozenset[ConditionKey]
    origin_key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """All that a device says of one point at once (GB/T 26875.3): of the conditions it covers, the active ones are there.

    `serial`: of its frame; the same one again, when it is stored anew, is a device that restarted.
    """

    transmitter_id: str
    serial: int | None
    occurred_at: datetime
    received_at: datetime
    active: frozenset[ConditionKey]
    covers: tuple[ConditionKey, ...]
    detail: Mapping[str, Any] = field(default_factory=dict)
    origin_key: bytes | None = None

    @property
    def has_device_time(self) -> bool:
        """Whether `occurred_at` is by the device's clock."""
        return self.occurred_at != self.received_at


Fact = Observation | CompleteSnapshot | StateReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """The newest word applied about a condition."""

    key: ConditionKey
    boot: int | None
    seq: int | None
    occurred_at: datetime
    received_at: datetime
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the register knows of a point. Empty texts and None: nothing."""

    village_id: str | None = None
    village_name: str = ""
    key_unit_id: str | None = None
    key_unit_name: str = ""
    address: str = ""
    telephone: str = ""
    transmitter_name: str = ""
    transmitter_place: str = ""
    point_name: str = ""
    point_place: str = ""
    registered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alarm. `alarm_id` is negative until the database has given it its own."""

    alarm_id: int
    key: ConditionKey
    state: AlarmState
    place: Place
    reason: str
    detail: Mapping[str, Any]
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an operator asks for. `re_alarmed_at`: when the alarm last re-alarmed, if it ever did."""

    request_id: UUID
    alarm_id: int
    operator_id: str
    action: EventName
    disposition: Disposition | None
    cause: str | None
    requested_at: datetime
    re_alarmed_at: datetime | None = None


class Ineffective(StrEnum):
    """Why a word or an order changed nothing; the journal's word for it."""

    OLDER = "older"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step, or one that was not taken: a line of the journal, and what has to be done besides.

    Attributes:
        alarm: as it is afterwards; None where there is none.
        told_at: when the fact behind it occurred, by the device's clock where it has one.
        detail: for the journal: the fact's own detail, or why an order was refused.
    """

    key: ConditionKey
    alarm: Alarm | None
    event: EventName
    outcome: Outcome | Ineffective
    effects: frozenset[Effect] = frozenset({Effect.JOURNAL})
    actor: str
    told_at: datetime
    detail: Mapping[str, Any] = field(default_factory=dict)
    origin_key: bytes | None = None
    request_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What came of a fact for one alarm."""

    key: ConditionKey
    alarm_id: int | None
    event: EventName
    outcome: Outcome | Ineffective
    origin_key: bytes | None
