"""Reports of a point's whole state (GB/T 26875.3): what is new rings, what is said again does not, what is in doubt does."""

import pytest
from alarm_world import later
from test_desk import Memory

from alerts.facts import ConditionKey, StateReport
from alerts.machine import Device, EventName, Handling, Outcome
from signals.kinds import Kind

COVERS = (Kind.FIRE_ALARM, Kind.FAULT, Kind.FEEDBACK, Kind.RESET)


def report(*active: Kind, serial: int, second: float, received: float | None = None, point: str = "2-41-8") -> StateReport:
    """A frame's word at `second` by the device's clock; without a clock where `received` is the same."""

    def keys(kinds):
        return [ConditionKey("P1", point, kind, "") for kind in kinds]

    return StateReport(
        transmitter_id="P1",
        serial=serial,
        occurred_at=later(second),
        received_at=later(second + 0.5 if received is None else received),
        active=frozenset(keys(active)),
        covers=tuple(keys(COVERS)),
    )


def close(memory: Memory) -> None:
    memory.order(1, EventName.VERIFY)
    memory.order(1, EventName.CLOSE)


def test_bits_begin_and_end_each_for_itself():
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, Kind.FAULT, serial=1, second=1))
    memory.take(report(Kind.FIRE_ALARM, serial=2, second=2))
    memory.take(report(serial=3, second=3))
    fire, fault = memory.alarms.values()
    assert (fire.key.kind, fire.state.device, fire.state.handling) == (Kind.FIRE_ALARM, Device.RESTORED, Handling.OPEN)
    assert (fault.key.kind, fault.state.handling) == (Kind.FAULT, Handling.CLOSED)


@pytest.mark.parametrize("second", [1, 60])
def test_an_unchanged_state_is_no_new_alarm(second):
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, serial=1, second=1))
    memory.order(1, EventName.ACKNOWLEDGE)
    for serial in (2, 3, 4):
        memory.take(report(Kind.FIRE_ALARM, serial=serial, second=second, received=100 + serial))
    assert memory.outcomes() == [Outcome.RAISED, Outcome.ACKNOWLEDGED]


def test_a_fire_after_a_restore_rings_again():
    memory = Memory()
    memory.take(
        report(Kind.FIRE_ALARM, serial=1, second=1), report(serial=2, second=2), report(Kind.FIRE_ALARM, serial=3, second=3)
    )
    assert memory.outcomes() == [Outcome.RAISED, Outcome.RESTORED, Outcome.RE_ALARMED]


def test_a_fire_that_overtook_what_was_said_before_it_stays():
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, serial=2, second=2), report(serial=1, second=1))
    memory.take(report(Kind.RESET, serial=0, second=0, point="2"))
    assert memory.outcomes() == [Outcome.RAISED]
    assert memory.alarms[1].state.device is Device.ACTIVE


def test_a_fire_that_overtook_its_own_end_rings_again():
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, serial=1, second=1))
    memory.order(1, EventName.ACKNOWLEDGE)
    memory.take(report(Kind.FIRE_ALARM, serial=3, second=3))
    memory.take(report(serial=2, second=2))
    assert memory.outcomes() == [Outcome.RAISED, Outcome.ACKNOWLEDGED, Outcome.RESTORED, Outcome.RE_ALARMED]
    assert memory.alarms[1].state.device is Device.ACTIVE
    memory.take(report(serial=4, second=4))
    assert memory.alarms[1].state.device is Device.RESTORED


def test_a_fire_that_comes_and_goes_rings_as_often_however_fires_overtake():
    told = [report(serial=1, second=1), report(Kind.FIRE_ALARM, serial=2, second=2)]
    told += [report(serial=3, second=3), report(Kind.FIRE_ALARM, serial=4, second=4)]
    straight, overtaking = Memory(), Memory()
    straight.take(*told)
    overtaking.take(*sorted(told, key=lambda one: not one.active))
    assert straight.outcomes() == overtaking.outcomes() == [Outcome.RAISED, Outcome.RESTORED, Outcome.RE_ALARMED]


def test_an_identical_fire_of_a_restarted_device_counts_anew():
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, serial=0, second=1))
    memory.order(1, EventName.ACKNOWLEDGE)
    memory.take(report(Kind.FIRE_ALARM, serial=0, second=1, received=500))
    assert memory.outcomes()[-1] == Outcome.RE_ALARMED
    memory.take(report(Kind.FIRE_ALARM, serial=0, second=900, received=900))
    assert memory.outcomes()[-1] == Outcome.COUNTED


def test_after_a_person_closed_it_only_the_same_occurrence_is_silent():
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, serial=1, second=1))
    close(memory)
    memory.take(report(Kind.FIRE_ALARM, serial=2, second=1, received=200))
    assert len(memory.alarms) == 1
    memory.take(report(Kind.FIRE_ALARM, serial=3, second=300))
    assert len(memory.alarms) == 2


def test_a_reset_of_the_host_ends_what_is_behind_it_and_closes_no_fire():
    memory = Memory()
    memory.take(report(Kind.FIRE_ALARM, Kind.FAULT, serial=1, second=1))
    memory.take(report(Kind.FAULT, serial=2, second=2, point="3-1-1"))
    memory.take(report(Kind.RESET, serial=3, second=3, point="2"))
    states = {(alarm.key.point, alarm.key.kind): (alarm.state.device, alarm.state.handling) for alarm in memory.alarms.values()}
    assert states == {
        ("2-41-8", Kind.FIRE_ALARM): (Device.RESTORED, Handling.OPEN),
        ("2-41-8", Kind.FAULT): (Device.RESTORED, Handling.CLOSED),
        ("3-1-1", Kind.FAULT): (Device.ACTIVE, Handling.OPEN),
    }
    memory.take(report(Kind.FIRE_ALARM, serial=4, second=4))
    assert memory.outcomes()[-1] == Outcome.RE_ALARMED
