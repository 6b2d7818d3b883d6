"""The desk: facts and orders of one transaction are stepped here, in memory, on what was loaded for them.

Pure but for its own state. What has to be written afterwards stands in `changes`, `new_alarms`, `changed_alarms` and `conditions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts import wording
from alerts.facts import (
    Actor,
    Alarm,
    Change,
    CompleteSnapshot,
    Condition,
    ConditionKey,
    Fact,
    Ineffective,
    Observation,
    Order,
    Place,
    StateReport,
)
from alerts.machine import DEVICE, Behaviour, Event, EventName, Handling, Outcome, Transition, UnlawfulStep, absent, step
from alerts.ordering import compare, in_order, is_behind, is_newer, reconcile, resets_above
from alerts.policy import POLICY
from signals.kinds import Kind

NOWHERE = Place()
_RESERVED_NAMES = frozenset(Actor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the database holds about the conditions in question. `places` by (transmitter, point)."""

    conditions: Iterable[Condition]
    alarms: Iterable[Alarm]
    places: Mapping[tuple[str, str], Place]


class Desk:
    """Steps facts and orders. `at`: the instant of the transaction."""

    def __init__(self, loaded: Loaded, *, at: datetime) -> None:
        self.changes: list[Change] = []
        self._at = at
        self._places = loaded.places
        self._conditions: dict[str, dict[ConditionKey, Condition]] = {}
        for condition in loaded.conditions:
            self._theirs(condition.key.transmitter_id)[condition.key] = condition
        self._words: set[ConditionKey] = set()
        self._alarms = {alarm.alarm_id: alarm for alarm in loaded.alarms}
        self._moved: set[int] = set()
        self._open = {alarm.key: alarm.alarm_id for alarm in loaded.alarms if alarm.state.handling is not Handling.CLOSED}
        self._raised = 0
        self._new: frozenset[int] = frozenset()

    @property
    def raised(self) -> int:
        """How many alarms were raised."""
        return self._raised

    def name_raised(self, alarm_ids: Sequence[int]) -> None:
        """Give the alarms that were raised the database's ids, in their order; nothing may be taken afterwards."""
        names = dict(zip(range(-1, -self._raised - 1, -1), alarm_ids, strict=True))

        def named(alarm: Alarm) -> Alarm:
            return replace(alarm, alarm_id=names.get(alarm.alarm_id, alarm.alarm_id))

        self._new = frozenset(alarm_ids)
        self._alarms = {names.get(number, number): named(alarm) for number, alarm in self._alarms.items()}
        self._moved = {names.get(number, number) for number in self._moved}
        self.changes = [replace(change, alarm=change.alarm and named(change.alarm)) for change in self.changes]

    @property
    def conditions(self) -> list[Condition]:
        """Conditions with a new last word."""
        return [self._theirs(key.transmitter_id)[key] for key in sorted(self._words)]

    @property
    def new_alarms(self) -> list[Alarm]:
        """Alarms that were raised, as they are now. After `name_raised`."""
        return [self._alarms[number] for number in sorted(self._moved & self._new)]

    @property
    def changed_alarms(self) -> list[Alarm]:
        """Alarms that were there before and changed, as they are now."""
        return [self._alarms[number] for number in sorted(self._moved - self._new)]

    def take_all(self, facts: Sequence[Fact]) -> None:
        """Take facts in order of arrival; a transmitter's signals in the order of their counters where that can be told."""
        by_transmitter: dict[str, list[Fact]] = {}
        for fact in facts:
            by_transmitter.setdefault(fact.transmitter_id, []).append(fact)
        for theirs in by_transmitter.values():
            observations = [fact for fact in theirs if isinstance(fact, Observation)]
            ordered = in_order(observations) if len(observations) == len(theirs) else theirs
            for fact in ordered:
                self.take(fact)

    def take(self, fact: Fact) -> None:
        """Take one fact."""
        if isinstance(fact, CompleteSnapshot):
            for observation in reconcile(fact, self._theirs(fact.transmitter_id).values()):
                self._hear(observation)
        elif isinstance(fact, StateReport):
            known = {key: last for key in fact.covers if (last := self._last_word(key)) is not None}
            since = {key: self._alarms[self._open[key]].received_at for key in fact.covers if key in self._open}
            for observation in compare(fact, known, open_since=since):
                self.take(observation)
            self._hear_again(fact)
        elif fact.kind is Kind.RESET and fact.active:
            self._reset(fact)
        else:
            self._hear(fact)

    def obey(self, order: Order) -> None:
        """Take an operator's order about an alarm that was loaded. A refusal is a change without effect."""
        alarm = self._alarms[order.alarm_id]
        event = Event(name=order.action, by=order.operator_id, disposition=order.disposition, cause=order.cause)
        try:
            _refuse_unfit(order)
            found = step(alarm.state, event, at=self._at)
        except UnlawfulStep as refusal:
            self._refuse(order, alarm, reason=str(refusal))
            return
        after = replace(alarm, state=found.after)
        self._put(after)
        self.changes.append(
            Change(
                key=alarm.key,
                alarm=after,
                event=order.action,
                outcome=found.outcome,
                effects=found.effects,
                actor=order.operator_id,
                told_at=order.requested_at,
                detail=wording.order_detail(order),
                request_id=order.request_id,
            )
        )

    def _refuse(self, order: Order, alarm: Alarm, *, reason: str) -> None:
        self.changes.append(
            Change(
                key=alarm.key,
                alarm=alarm,
                event=order.action,
                outcome=Ineffective.REFUSED,
                actor=order.operator_id,
                told_at=order.requested_at,
                detail={"reason": reason},
                request_id=order.request_id,
            )
        )

    def _hear(self, word: Observation) -> None:
        policy = POLICY[word.kind]
        last = self._last_word(word.key)
        newer = is_newer(word, last)
        if newer:
            self._remember(word)
        if policy.behaviour is Behaviour.INFORMING:
            return
        if newer:
            self._step(word, EventName.BEGAN if word.active else EventName.OVER, last=last)
        elif word.active and policy.late_raises:
            self._step(word, EventName.BEGAN_LATE, last=last)
        else:
            self._pass_over(word)

    def _hear_again(self, report: StateReport) -> None:
        """What is still on was heard of at the report: an older word, which it overtook, must not end it."""
        theirs = self._theirs(report.transmitter_id)
        for key in report.active:
            last = theirs.get(key)
            if last is not None and last.active and last.received_at < report.received_at:
                theirs[key] = replace(last, received_at=report.received_at)
                self._words.add(key)

    def _reset(self, word: Observation) -> None:
        theirs = self._theirs(word.transmitter_id)
        if not word.active or not is_newer(word, theirs.get(word.key)):
            return
        self._remember(word)
        for condition in list(theirs.values()):
            key = condition.key
            overtaken = word.boot is None and word.received_at < condition.received_at
            if condition.active and not overtaken and is_behind(word.key, key) and is_newer(replace(word, active=False), condition):
                ended = replace(word, point=key.point, kind=key.kind, raw_kind=key.raw_kind, active=False)
                self._remember(ended)
                if POLICY[key.kind].behaviour is not Behaviour.INFORMING:
                    self._step(ended, EventName.DEVICE_RESET, last=condition)

    def _theirs(self, transmitter_id: str) -> dict[ConditionKey, Condition]:
        return self._conditions.setdefault(transmitter_id, {})

    def _last_word(self, key: ConditionKey) -> Condition | None:
        """The newest of the condition's own last word and the resets above it, which are its end as well."""
        theirs = self._theirs(key.transmitter_id)
        last = theirs.get(key)
        for reset_key in resets_above(key):
            reset = theirs.get(reset_key)
            if reset is not None and reset.seq is not None and (last is None or not is_newer(replace(last, active=True), reset)):
                last = replace(reset, key=key, active=False)
        return last

    def _remember(self, word: Observation) -> None:
        theirs = self._theirs(word.transmitter_id)
        # A word without a counter leaves the counter where it stood.
        counter: Observation | Condition | None = word if word.seq is not None else theirs.get(word.key)
        theirs[word.key] = Condition(
            key=word.key,
            boot=counter.boot if counter else None,
            seq=counter.seq if counter else None,
            occurred_at=word.occurred_at,
            received_at=word.received_at,
            active=word.active,
        )
        self._words.add(word.key)

    def _step(self, word: Observation, name: EventName, *, last: Condition | None) -> None:
        number = self._open.get(word.key)
        before = self._alarms[number] if number is not None else None
        behaviour = POLICY[word.kind].behaviour
        state = before.state if before else absent(behaviour, active=last is not None and last.active)
        found = step(state, Event(name=name, by=DEVICE), at=self._at)
        after = self._after(word, before, found=found)
        if after is not None:
            self._put(after)
        self._note(word, name, outcome=found.outcome, alarm=after, found=found)

    def _after(self, word: Observation, before: Alarm | None, *, found: Transition) -> Alarm | None:
        if found.outcome is Outcome.RAISED:
            self._raised += 1
            return Alarm(
                alarm_id=-self._raised,
                key=word.key,
                state=found.after,
                place=self._places.get((word.transmitter_id, word.point), NOWHERE),
                reason=wording.reason(word),
                detail=word.detail,
                occurred_at=word.occurred_at,
                received_at=word.received_at,
            )
        if before is None:
            return None
        if found.outcome is Outcome.RE_ALARMED:
            return replace(before, state=found.after, reason=wording.reason(word), detail=word.detail)
        return replace(before, state=found.after)

    def _put(self, alarm: Alarm) -> None:
        self._alarms[alarm.alarm_id] = alarm
        self._moved.add(alarm.alarm_id)
        if alarm.state.handling is Handling.CLOSED:
            self._open.pop(alarm.key, None)
        else:
            self._open[alarm.key] = alarm.alarm_id

    def _pass_over(self, word: Observation) -> None:
        number = self._open.get(word.key)
        alarm = self._alarms[number] if number is not None else None
        name = EventName.BEGAN if word.active else EventName.OVER
        self._note(word, name, outcome=Ineffective.OLDER, alarm=alarm, found=None)

    def _note(
        self,
        word: Observation,
        name: EventName,
        *,
        outcome: Outcome | Ineffective,
        alarm: Alarm | None,
        found: Transition | None,
    ) -> None:
        effects: dict[str, Any] = {"effects": found.effects} if found else {}
        self.changes.append(
            Change(
                key=word.key,
                alarm=alarm,
                event=name,
                outcome=outcome,
                actor=word.actor,
                told_at=word.occurred_at,
                detail=wording.word_detail(word),
                origin_key=word.origin_key,
                **effects,
            )
        )


def _refuse_unfit(order: Order) -> None:
    if order.operator_id in _RESERVED_NAMES:
        raise UnlawfulStep(f"no operator may be named {order.operator_id!r}")
    if order.re_alarmed_at is not None and order.re_alarmed_at >= order.requested_at:
        raise UnlawfulStep("the alarm re-alarmed after this was asked for: look at it anew")
