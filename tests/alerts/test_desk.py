"""Every order of deliveries, every split into transactions: a fire rings exactly once and is not lost."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest
from alarm_world import AT, later, observed
from hypothesis import given
from hypothesis import strategies as st

from alerts.desk import Desk, Loaded
from alerts.facts import Alarm, CompleteSnapshot, Condition, ConditionKey, Fact, Ineffective, Observation, Order
from alerts.machine import Behaviour, Device, Disposition, EventName, Handling, Outcome
from alerts.policy import POLICY
from signals.kinds import FIRE_KINDS, Kind

FIRES = tuple(sorted(FIRE_KINDS))


@dataclass
class Memory:
    """What a database would keep between transactions."""

    conditions: dict[ConditionKey, Condition] = field(default_factory=dict)
    alarms: dict[int, Alarm] = field(default_factory=dict)
    changes: list = field(default_factory=list)

    def desk(self) -> Desk:
        return Desk(Loaded(conditions=list(self.conditions.values()), alarms=list(self.alarms.values()), places={}), at=AT)

    def keep(self, desk: Desk) -> None:
        first = len(self.alarms) + 1
        desk.name_raised(range(first, first + desk.raised))
        self.conditions.update({condition.key: condition for condition in desk.conditions})
        self.alarms.update({alarm.alarm_id: alarm for alarm in (*desk.new_alarms, *desk.changed_alarms)})
        self.changes += desk.changes

    def take(self, *facts: Fact) -> None:
        desk = self.desk()
        desk.take_all(facts)
        self.keep(desk)

    def order(self, alarm_id: int, action: EventName, *, by: str = "wang", **more) -> None:
        desk = self.desk()
        verdict = {"disposition": Disposition.FALSE_ALARM, "cause": "steam"} if action is EventName.VERIFY else {}
        order = {"disposition": None, "cause": None, "requested_at": later(100), **verdict, **more}
        desk.obey(Order(request_id=uuid4(), alarm_id=alarm_id, operator_id=by, action=action, **order))
        self.keep(desk)

    def outcomes(self) -> list[str]:
        return [change.outcome for change in self.changes]


@st.composite
def deliveries(draw, kinds=FIRES):
    """A device's life, several boots of it, delivered in any order and in any transactions."""
    words: list[Observation] = []
    boots = sorted(draw(st.lists(st.integers(0, 50), min_size=1, max_size=3, unique=True)))
    kind = draw(st.sampled_from(kinds))
    raw_kind = "huo" if kind is Kind.UNCLASSIFIED else ""
    second = 0
    for boot in boots:
        for seq in range(draw(st.integers(1, 4))):
            second += draw(st.integers(1, 10))
            active = draw(st.booleans())
            words.append(observed(kind, raw_kind=raw_kind, active=active, boot=boot, seq=seq, second=second))
    shuffled = draw(st.permutations(words))
    batches: list[list[Observation]] = [[]]
    for word in shuffled:
        if batches[-1] and draw(st.booleans()):
            batches.append([])
        batches[-1].append(word)
    return words, batches


@given(deliveries())
def test_a_fire_rings_once_and_is_not_lost_in_whatever_order_it_is_told(delivered) -> None:
    words, batches = delivered
    memory, straight = Memory(), Memory()
    for batch in batches:
        memory.take(*batch)
    straight.take(*words)
    began = sum(word.active for word in words)
    for found in (memory, straight):
        assert len(found.alarms) == (1 if began else 0)
        assert found.outcomes().count(Outcome.RAISED) == len(found.alarms)
        for alarm in found.alarms.values():
            assert alarm.state.occurrences == began
            assert alarm.state.handling is Handling.OPEN
            assert alarm.state.device is (Device.ACTIVE if words[-1].active else Device.RESTORED)
    assert memory.conditions == straight.conditions


@given(deliveries(kinds=(Kind.FAULT, Kind.OFFLINE, Kind.PRE_ALARM)))
def test_a_fault_is_open_in_the_end_exactly_when_its_newest_word_says_so(delivered) -> None:
    words, batches = delivered
    memory = Memory()
    for batch in batches:
        memory.take(*batch)
    still_open = [alarm for alarm in memory.alarms.values() if alarm.state.handling is not Handling.CLOSED]
    assert len(still_open) == (1 if words[-1].active else 0)


@given(deliveries(), st.data())
def test_every_beginning_told_after_a_person_looked_rings_again(delivered, data) -> None:
    _, batches = delivered
    memory = Memory()
    for batch in batches:
        before = {number: alarm.state.handling for number, alarm in memory.alarms.items()}
        memory.take(*batch)
        if any(word.active for word in batch):
            assert any(alarm.state.handling is Handling.OPEN for alarm in memory.alarms.values()), before
        for number, alarm in list(memory.alarms.items()):
            if alarm.state.handling is not Handling.CLOSED:
                for action in data.draw(st.sampled_from([(), ("acknowledge",), ("verify",), ("verify", "close")])):
                    memory.order(number, EventName(action))


@given(deliveries(), st.integers(0, 12))
def test_a_reset_anywhere_closes_no_fire(delivered, place) -> None:
    words, batches = delivered
    memory = Memory()
    reset = observed(Kind.RESET, point="", boot=words[0].boot, seq=100, second=200)
    for number, batch in enumerate(batches):
        memory.take(*([reset, *batch] if number == place % len(batches) else batch))
    began = any(word.active for word in words)
    assert [alarm.state.handling for alarm in memory.alarms.values()] == ([Handling.OPEN] if began else [])
    if len({word.boot for word in words}) == 1 and began:
        assert memory.alarms[1].state.device is Device.RESTORED


@pytest.mark.parametrize("kind", Kind)
def test_only_what_informs_raises_nothing(kind: Kind) -> None:
    memory = Memory()
    memory.take(observed(kind))
    informs = POLICY[kind].behaviour is Behaviour.INFORMING
    assert len(memory.alarms) == (0 if informs else 1)
    assert memory.conditions[observed(kind).key].active


def test_an_older_word_without_effect_is_journalled() -> None:
    memory = Memory()
    memory.take(observed(Kind.FAULT, seq=5))
    memory.take(observed(Kind.FAULT, seq=4, active=False), observed(Kind.FAULT, seq=3))
    assert memory.outcomes() == [Outcome.RAISED, Ineffective.OLDER, Ineffective.OLDER]
    assert memory.alarms[1].state.occurrences == 1
    memory.take(observed(Kind.TEST, seq=5))
    memory.take(observed(Kind.TEST, seq=4, active=False))
    assert len(memory.changes) == 3
    assert memory.conditions[observed(Kind.TEST).key].active


def test_a_late_end_of_nothing_is_noted_once() -> None:
    memory = Memory()
    memory.take(observed(Kind.FAULT, active=False))
    assert memory.outcomes() == [Outcome.NOTED]
    assert memory.changes[0].alarm is None


def test_a_reset_restores_fires_and_closes_faults_of_its_points_only() -> None:
    memory = Memory()
    memory.take(observed(point="L1/1", seq=1), observed(Kind.FAULT, point="L1/2", seq=2), observed(Kind.FAULT, point="L2", seq=3))
    memory.take(observed(Kind.OFFLINE, point="", seq=None), observed(Kind.TEST, point="L1/1", seq=4))
    memory.take(observed(Kind.RESET, point="L1", seq=5))
    states = {alarm.key.point: (alarm.state.device, alarm.state.handling) for alarm in memory.alarms.values()}
    assert states == {
        "L1/1": (Device.RESTORED, Handling.OPEN),
        "L1/2": (Device.RESTORED, Handling.CLOSED),
        "L2": (Device.ACTIVE, Handling.OPEN),
        "": (Device.ACTIVE, Handling.OPEN),
    }
    assert not memory.conditions[ConditionKey("T1", "L1/1", Kind.TEST, "")].active
    assert Outcome.RE_ALARMED not in memory.outcomes()
    memory.take(observed(point="L1/1", seq=6))
    assert memory.outcomes()[-1] is Outcome.RE_ALARMED


def test_a_reset_that_was_overtaken_ends_nothing_newer() -> None:
    memory = Memory()
    memory.take(observed(seq=7))
    memory.take(observed(Kind.RESET, point="", seq=6))
    assert memory.alarms[1].state.device is Device.ACTIVE
    memory.take(observed(Kind.RESET, point="", seq=5), observed(Kind.RESET, point="", seq=8, active=False))
    assert memory.alarms[1].state.device is Device.ACTIVE


def test_what_began_before_a_reset_and_is_told_after_it_rings_as_restored() -> None:
    memory = Memory()
    memory.take(observed(Kind.RESET, point="", seq=5))
    memory.take(observed(seq=4), observed(Kind.FAULT, seq=3))
    assert [(alarm.key.kind, alarm.state.device) for alarm in memory.alarms.values()] == [(Kind.FIRE_ALARM, Device.RESTORED)]


def test_a_wiped_device_is_believed_before_and_after_a_reset_of_its_former_life() -> None:
    memory = Memory()
    memory.take(observed(boot=9, seq=50, second=50), observed(Kind.RESET, point="", boot=9, seq=51, second=51))
    memory.take(observed(boot=1, seq=0, second=60))
    assert memory.alarms[1].state.device is Device.ACTIVE
    over = observed(boot=1, seq=1, second=61, active=False)
    memory.take(replace(over, occurred_at=over.received_at))
    assert memory.alarms[1].state.device is Device.RESTORED


def test_a_word_without_a_counter_leaves_the_counter_where_it_stood() -> None:
    memory = Memory()
    memory.take(observed(seq=5))
    memory.take(observed(seq=None, second=7, active=False))
    assert memory.alarms[1].state.device is Device.RESTORED
    memory.take(observed(seq=4, active=False), observed(seq=6))
    assert memory.alarms[1].state.device is Device.ACTIVE
    assert memory.conditions[observed().key].seq == 6
    memory.take(observed(seq=None, second=7))
    memory.take(observed(seq=5, second=8, active=False))
    assert memory.alarms[1].state.device is Device.ACTIVE


def test_a_snapshot_is_reconciled_among_signals_in_order_of_arrival() -> None:
    memory = Memory()
    memory.take(observed(Kind.FAULT, seq=1), observed(point="P2", seq=2))
    listed = frozenset({ConditionKey("T1", "P3", Kind.FIRE_ALARM, ""), ConditionKey("T1", "P4", Kind.UNCLASSIFIED, "huo")})
    taken = CompleteSnapshot(transmitter_id="T1", boot=1, taken_at=later(10), received_at=later(11), active=listed)
    memory.take(taken, observed(point="P3", seq=3, second=12, active=False))
    states = {alarm.key.point: (alarm.state.device, alarm.state.handling) for alarm in memory.alarms.values()}
    assert states == {
        "P1": (Device.RESTORED, Handling.CLOSED),
        "P2": (Device.RESTORED, Handling.OPEN),
        "P3": (Device.RESTORED, Handling.OPEN),
        "P4": (Device.ACTIVE, Handling.OPEN),
    }


def test_an_order_is_refused_with_its_reason_and_changes_nothing() -> None:
    memory = Memory()
    memory.take(observed())
    before = dict(memory.alarms)
    memory.order(1, EventName.CLOSE)
    memory.order(1, EventName.VERIFY, by="device")
    assert memory.outcomes() == [Outcome.RAISED, Ineffective.REFUSED, Ineffective.REFUSED]
    assert memory.alarms == before
    assert "verified" in memory.changes[1].detail["reason"]
    assert "may be named" in memory.changes[2].detail["reason"]


def test_an_order_given_before_a_re_alarm_is_refused() -> None:
    memory = Memory()
    memory.take(observed())
    asked = later(100)
    memory.order(1, EventName.ACKNOWLEDGE, re_alarmed_at=asked, requested_at=asked)
    assert memory.outcomes()[-1] is Ineffective.REFUSED
    memory.order(1, EventName.ACKNOWLEDGE, re_alarmed_at=asked, requested_at=asked + timedelta(seconds=1))
    assert memory.alarms[1].state.handling is Handling.ACKNOWLEDGED


def test_a_closed_alarm_leaves_room_for_a_new_one_of_the_same_condition() -> None:
    memory = Memory()
    memory.take(observed(seq=1))
    memory.order(1, EventName.VERIFY)
    memory.order(1, EventName.CLOSE)
    memory.take(observed(seq=2))
    assert [alarm.state.handling for alarm in memory.alarms.values()] == [Handling.CLOSED, Handling.OPEN]
    flapping = [observed(Kind.FAULT, seq=seq, active=seq % 2 == 0) for seq in range(10, 16)]
    memory.take(*flapping)
    faults = [alarm.state.handling for alarm in memory.alarms.values() if alarm.key.kind is Kind.FAULT]
    assert faults == [Handling.CLOSED] * 3
