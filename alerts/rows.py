"""Rows of the alarm tables become what the desk works on, and back. Instants travel as RFC 3339 text inside JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from alerts import wording
from alerts.facts import Alarm, Change, Condition, ConditionKey, Place
from alerts.machine import AlarmState, Behaviour, Device, Disposition, Effect, Handling, Mark, Verdict
from alerts.policy import POLICY
from signals.kinds import Kind

NOTIFICATIONS = UUID("6d0a2b0e-1f0c-5c86-9c53-0d2f6c9f7d11")
"""Name space of notification ids."""

Row = Sequence[Any]
Written = dict[str, Any]


def key_of(row: Row) -> ConditionKey:
    """From (transmitter, point, kind, raw kind)."""
    return ConditionKey(row[0], row[1], Kind(row[2]), row[3])


def condition_of(row: Row) -> Condition:
    """From a row of `load_conditions`."""
    boot, seq, occurred_at, received_at, active = row[4:]
    return Condition(key=key_of(row), boot=boot, seq=seq, occurred_at=occurred_at, received_at=received_at, active=active)


def place_of(row: Row) -> Place:
    """From a row of `load_places`, without its address."""
    village_id, village_name, key_unit_id, key_unit_name, address, telephone, *rest = (word or "" for word in row)
    transmitter_name, transmitter_place, point_name, point_place, registered = rest
    return Place(
        village_id=village_id or None,
        village_name=village_name,
        key_unit_id=key_unit_id or None,
        key_unit_name=key_unit_name,
        address=address,
        telephone=telephone,
        transmitter_name=transmitter_name,
        transmitter_place=transmitter_place,
        point_name=point_name,
        point_place=point_place,
        registered=bool(registered),
    )


def alarm_of(row: Row, *, places: Mapping[tuple[str, str], Place]) -> Alarm:
    """From a row of `load_alarms`."""
    reason, detail, occurred_at, received_at = row[18:]
    return Alarm(
        alarm_id=row[0],
        key=key_of(row[1:5]),
        state=_state_of(row[5:18]),
        place=places.get((row[1], row[2]), Place()),
        reason=reason,
        detail=detail,
        occurred_at=occurred_at,
        received_at=received_at,
    )


def _state_of(row: Row) -> AlarmState:
    behaviour, active, handling, occurrences, re_alarms, *marks = row
    acknowledged_by, acknowledged_at, verified_by, verified_at, disposition, cause, closed_by, closed_at = marks
    verdict = None
    if verified_by is not None:
        verdict = Verdict(by=verified_by, at=verified_at, disposition=Disposition(disposition), cause=cause)
    return AlarmState(
        behaviour=Behaviour(behaviour),
        device=Device.ACTIVE if active else Device.RESTORED,
        handling=Handling(handling),
        occurrences=occurrences,
        re_alarms=re_alarms,
        acknowledged=Mark(by=acknowledged_by, at=acknowledged_at) if acknowledged_by is not None else None,
        verified=verdict,
        closed=Mark(by=closed_by, at=closed_at) if closed_by is not None else None,
    )


def condition_row(condition: Condition) -> Written:
    """For `put_conditions`."""
    return {
        **condition.key._asdict(),
        "boot": condition.boot,
        "seq": condition.seq,
        "occurred_at": condition.occurred_at.isoformat(),
        "received_at": condition.received_at.isoformat(),
        "active": condition.active,
    }


def alarm_row(alarm: Alarm, *, at: datetime) -> Written:
    """For `insert_alarms` and `update_alarms`, each of which takes the columns it knows."""
    return {
        "alarm_id": alarm.alarm_id,
        **alarm.key._asdict(),
        "priority": POLICY[alarm.key.kind].priority,
        "village_id": alarm.place.village_id,
        "key_unit_id": alarm.place.key_unit_id,
        "registered": alarm.place.registered,
        "reason": alarm.reason,
        "detail": alarm.detail,
        "occurred_at": alarm.occurred_at.isoformat(),
        "received_at": alarm.received_at.isoformat(),
        "changed_at": at.isoformat(),
        **_state_row(alarm.state),
    }


def _state_row(state: AlarmState) -> Written:
    verified = state.verified
    return {
        "behaviour": state.behaviour,
        "device_active": state.device is Device.ACTIVE,
        "handling": state.handling,
        "occurrences": state.occurrences,
        "re_alarms": state.re_alarms,
        "disposition": verified.disposition if verified else None,
        "cause": verified.cause if verified else None,
        **_mark_row("acknowledged", state.acknowledged),
        **_mark_row("verified", verified),
        **_mark_row("closed", state.closed),
    }


def _mark_row(name: str, mark: Mark | None) -> Written:
    return {f"{name}_by": mark.by if mark else None, f"{name}_at": mark.at.isoformat() if mark else None}


def journal_row(change: Change, *, at: datetime) -> Written:
    """For `insert_journal`."""
    return {
        "alarm_id": change.alarm.alarm_id if change.alarm else None,
        "transmitter_id": change.key.transmitter_id,
        "at": at.isoformat(),
        "event": change.event,
        "actor": change.actor,
        "effect": change.outcome,
        "detail": change.detail if change.alarm else {**change.detail, **change.key._asdict()},
        "origin_key": change.origin_key.hex() if change.origin_key else None,
        "request_id": str(change.request_id) if change.request_id else None,
    }


def notification_rows(change: Change, *, recipients: Callable[[str | None, int], Sequence[str]], at: datetime) -> Iterator[Written]:
    """For `insert_notifications`: one for each recipient by village and priority, where people are called."""
    alarm = change.alarm
    if Effect.NOTIFY not in change.effects or alarm is None:
        return
    occasion = alarm.state.re_alarms
    for recipient in recipients(alarm.place.village_id, POLICY[alarm.key.kind].priority):
        yield {
            "notification_id": str(uuid5(NOTIFICATIONS, f"{alarm.alarm_id}/{occasion}/{recipient}")),
            "alarm_id": alarm.alarm_id,
            "occasion": occasion,
            "recipient": recipient,
            "title": wording.title(alarm),
            "body": wording.body(alarm, told_at=change.told_at),
            "due_at": at.isoformat(),
        }


def publication_rows(change: Change, *, at: datetime) -> Iterator[Written]:
    """For `insert_publications`, where others are told."""
    alarm = change.alarm
    if Effect.PUBLISH in change.effects and alarm is not None:
        yield {
            "alarm_id": alarm.alarm_id,
            "priority": POLICY[alarm.key.kind].priority,
            "village_id": alarm.place.village_id,
            "content": wording.publication(change, alarm, at=at),
        }
