"""The alarm machine: what follows from a word about an alarm. Pure; the table below is all of it.

An alarm has two states that know nothing of each other. *Device*: is the condition there (active) or not any more (restored)?
Devices say so. *Handling*: has nobody looked (open), has a person taken notice (acknowledged), said what it is (verified),
ended it (closed)? Persons say so, but for one thing: an alarm that restores itself is closed when its device says over.

- *Latching* (fire, and whatever asks a person to look even after it has gone): only a person closes it, and only once verified.
- *Self-restoring* (fault, supervisory, offline, early warning): over closes it, however it was handled.
- *Informing* kinds raise no alarm; they have no row here.

Active again after a restore, a reset, an acknowledgement or a verification is a **re-alarm**: counted, handling back to open,
what was acknowledged and verified taken from the alarm (the journal keeps it), people called anew: a point judged false at 14:00
still rings at 03:00. Said again while nobody has looked, it is counted and calls nobody twice. A reset at the panel ends device
states and never closes a fire. A word that is older than what was applied already may still have been a fire: `began_late` raises
like `began`, but leaves the device state to the newer word.

A closed alarm and none at all are the same state: what begins then raises a new alarm.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class Behaviour(StrEnum):
    """Who ends an alarm of a kind: a person, its device, or nobody because there is none."""

    LATCHING = "latching"
    SELF_RESTORING = "self_restoring"
    INFORMING = "informing"


class Device(StrEnum):
    """Whether the condition is there."""

    ACTIVE = "active"
    RESTORED = "restored"


class Handling(StrEnum):
    """How far persons have come with it."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    VERIFIED = "verified"
    CLOSED = "closed"


class EventName(StrEnum):
    """What can happen to an alarm: the first four are said by devices or by the centre, the others by persons."""

    BEGAN = "began"
    BEGAN_LATE = "began_late"
    OVER = "over"
    DEVICE_RESET = "device_reset"
    ACKNOWLEDGE = "acknowledge"
    VERIFY = "verify"
    CLOSE = "close"


class Disposition(StrEnum):
    """What a person found it to be."""

    REAL_FIRE = "real_fire"
    FALSE_ALARM = "false_alarm"
    TEST = "test"
    DRILL = "drill"
    FAULT_CAUSED = "fault_caused"
    UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What an event made of the alarm; the journal's word for it."""

    RAISED = "raised"
    COUNTED = "counted"
    RE_ALARMED = "re_alarmed"
    RESTORED = "restored"
    NOTED = "noted"
    ACKNOWLEDGED = "acknowledged"
    VERIFIED = "verified"
    CLOSED = "closed"


class Effect(StrEnum):
    """What has to be done besides keeping the new state."""

    JOURNAL = "journal"
    PUBLISH = "publish"
    NOTIFY = "notify"


DEVICE = "device"
"""Who closed an alarm that restored itself; no operator may bear this name."""

CAUSE_MISSING = "a false alarm is verified with its cause (GB 25201-2010 5.3)"

OPERATOR_EVENTS = (EventName.ACKNOWLEDGE, EventName.VERIFY, EventName.CLOSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happens to an alarm. `by`: who says so; `disposition` and `cause` belong to `verify`."""

    name: EventName
    by: str = DEVICE
    disposition: Disposition | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Who did something, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Mark):
    """What a person found. `cause` is there wherever it was a false alarm (GB 25201-2010 5.3)."""

    disposition: Disposition
    cause: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmState:
    """An alarm as the machine sees it. `occurrences`: how often it began; `re_alarms`: how often people were called anew."""

    behaviour: Behaviour
    device: Device
    handling: Handling
    occurrences: int = 0
    re_alarms: int = 0
    acknowledged: Mark | None = None
    verified: Verdict | None = None
    closed: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """What `step` found."""

    after: AlarmState
    outcome: Outcome
    effects: frozenset[Effect]


class UnlawfulStep(ValueError):  # noqa: N818
    """The event has no place in this state; nothing was changed. Its text tells the operator why."""


class Row(NamedTuple):
    """A line of the table. `device` and `handling` None: as they were."""

    event: EventName
    behaviours: Iterable[Behaviour]
    devices: Iterable[Device]
    handlings: Iterable[Handling]
    device: Device | None
    handling: Handling | None
    outcome: Outcome
    effects: frozenset[Effect]


_L, _S = (Behaviour.LATCHING,), (Behaviour.SELF_RESTORING,)
_LS = _L + _S
_ON, _OFF = (Device.ACTIVE,), (Device.RESTORED,)
_ANY = _ON + _OFF
_OPEN, _CLOSED, _VERIFIED = (Handling.OPEN,), (Handling.CLOSED,), (Handling.VERIFIED,)
_SEEN = (Handling.ACKNOWLEDGED, *_VERIFIED)
_LIVE = _OPEN + _SEEN
_NOTE = frozenset({Effect.JOURNAL})
_TELL = _NOTE | {Effect.PUBLISH}
_CALL = _TELL | {Effect.NOTIFY}

_B, _BL, _O, _R = EventName.BEGAN, EventName.BEGAN_LATE, EventName.OVER, EventName.DEVICE_RESET
_A, _V, _C = OPERATOR_EVENTS
_D, _H, _X = Device, Handling, Outcome

# fmt: off
TABLE = (
    # event kinds device handling →  device       handling          outcome          effects
    Row(_B,  _LS, _ANY, _CLOSED,     _D.ACTIVE,   _H.OPEN,          _X.RAISED,       _CALL),
    Row(_B,  _LS, _ON,  _OPEN,       None,        None,             _X.COUNTED,      _NOTE),
    Row(_B,  _LS, _ON,  _SEEN,       None,        _H.OPEN,          _X.RE_ALARMED,   _CALL),
    Row(_B,  _L,  _OFF, _LIVE,       _D.ACTIVE,   _H.OPEN,          _X.RE_ALARMED,   _CALL),
    Row(_BL, _L,  _ANY, _CLOSED,     None,        _H.OPEN,          _X.RAISED,       _CALL),
    Row(_BL, _L,  _ANY, _OPEN,       None,        None,             _X.COUNTED,      _NOTE),
    Row(_BL, _L,  _ANY, _SEEN,       None,        _H.OPEN,          _X.RE_ALARMED,   _CALL),
    Row(_O,  _L,  _ON,  _LIVE,       _D.RESTORED, None,             _X.RESTORED,     _TELL),
    Row(_O,  _L,  _OFF, _LIVE,       None,        None,             _X.NOTED,        _NOTE),
    Row(_O,  _S,  _ON,  _LIVE,       _D.RESTORED, _H.CLOSED,        _X.CLOSED,       _TELL),
    Row(_O,  _LS, _ANY, _CLOSED,     _D.RESTORED, None,             _X.NOTED,        _NOTE),
    Row(_R,  _L,  _ON,  _LIVE,       _D.RESTORED, None,             _X.RESTORED,     _TELL),
    Row(_R,  _L,  _OFF, _LIVE,       None,        None,             _X.NOTED,        _NOTE),
    Row(_R,  _S,  _ON,  _LIVE,       _D.RESTORED, _H.CLOSED,        _X.CLOSED,       _TELL),
    Row(_R,  _LS, _ANY, _CLOSED,     _D.RESTORED, None,             _X.NOTED,        _NOTE),
    Row(_A,  _L,  _ANY, _OPEN,       None,        _H.ACKNOWLEDGED,  _X.ACKNOWLEDGED, _TELL),
    Row(_A,  _S,  _ON,  _OPEN,       None,        _H.ACKNOWLEDGED,  _X.ACKNOWLEDGED, _TELL),
    Row(_V,  _L,  _ANY, _LIVE,       None,        _H.VERIFIED,      _X.VERIFIED,     _TELL),
    Row(_V,  _S,  _ON,  _LIVE,       None,        _H.VERIFIED,      _X.VERIFIED,     _TELL),
    Row(_C,  _L,  _ANY, _VERIFIED,   None,        _H.CLOSED,        _X.CLOSED,       _TELL),
    Row(_C,  _S,  _ON,  _LIVE,       None,        _H.CLOSED,        _X.CLOSED,       _TELL),
)
# fmt: on

STEPS = {
    (behaviour, device, handling, row.event): row
    for row in TABLE
    for behaviour in row.behaviours
    for device in row.devices
    for handling in row.handlings
}
"""The table by (behaviour, device, handling, event)."""


def absent(behaviour: Behaviour, *, active: bool) -> AlarmState:
    """The state where there is no alarm. `active`: whether the condition is there by the newest word."""
    return AlarmState(behaviour=behaviour, device=Device.ACTIVE if active else Device.RESTORED, handling=Handling.CLOSED)


def lawful_actions(alarm: AlarmState) -> tuple[EventName, ...]:
    """What an operator may do with the alarm now, in the order of the buttons."""
    return tuple(name for name in OPERATOR_EVENTS if (alarm.behaviour, alarm.device, alarm.handling, name) in STEPS)


def step(alarm: AlarmState, event: Event, *, at: datetime) -> Transition:
    """What becomes of the alarm, and what has to be done.

    Raises:
        UnlawfulStep: the event has no place in this state, or a verification lacks its disposition or cause.
    """
    row = STEPS.get((alarm.behaviour, alarm.device, alarm.handling, event.name))
    if row is None:
        raise UnlawfulStep(_why_not(alarm, event.name))
    moved = replace(alarm, device=row.device or alarm.device, handling=row.handling or alarm.handling)
    return Transition(after=_marked(moved, event, outcome=row.outcome, at=at), outcome=row.outcome, effects=row.effects)


def _marked(alarm: AlarmState, event: Event, *, outcome: Outcome, at: datetime) -> AlarmState:
    mark = Mark(by=event.by, at=at)
    changed: dict[str, Any] = {}
    match outcome:
        case Outcome.RAISED:
            return AlarmState(behaviour=alarm.behaviour, device=alarm.device, handling=alarm.handling, occurrences=1)
        case Outcome.COUNTED:
            changed = {"occurrences": alarm.occurrences + 1}
        case Outcome.RE_ALARMED:
            counts = {"occurrences": alarm.occurrences + 1, "re_alarms": alarm.re_alarms + 1}
            changed = {**counts, "acknowledged": None, "verified": None}
        case Outcome.ACKNOWLEDGED:
            changed = {"acknowledged": mark}
        case Outcome.VERIFIED:
            changed = {"acknowledged": alarm.acknowledged or mark, "verified": _verdict(event, at)}
        case Outcome.CLOSED:
            changed = {"closed": mark if event.name is EventName.CLOSE else Mark(by=DEVICE, at=at)}
        case Outcome.RESTORED | Outcome.NOTED:
            pass
    return replace(alarm, **changed)


def _verdict(event: Event, at: datetime) -> Verdict:
    if event.disposition is None:
        raise UnlawfulStep(f"a verification says what it was: one of {', '.join(Disposition)}")
    cause = (event.cause or "").strip() or None
    if event.disposition is Disposition.FALSE_ALARM and cause is None:
        raise UnlawfulStep(CAUSE_MISSING)
    return Verdict(by=event.by, at=at, disposition=event.disposition, cause=cause)


def _why_not(alarm: AlarmState, name: EventName) -> str:
    if alarm.behaviour is Behaviour.INFORMING:
        return "a kind that only informs has no alarm"
    if name in OPERATOR_EVENTS and alarm.handling is Handling.CLOSED:
        return f"the alarm is closed, it cannot be changed any more ({name})"
    if name is EventName.CLOSE:
        return "a latching alarm is closed only after it was verified: state its disposition first"
    if name is EventName.ACKNOWLEDGE:
        return f"the alarm is {alarm.handling} already"
    return f"{name} has no place in a {alarm.behaviour} alarm that is {alarm.device} and {alarm.handling}"
