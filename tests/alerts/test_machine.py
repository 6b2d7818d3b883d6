"""The machine's table: lawful pairs, and what no order of events can bring about."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.machine import (
    OPERATOR_EVENTS,
    STEPS,
    TABLE,
    AlarmState,
    Behaviour,
    Device,
    Disposition,
    Effect,
    Event,
    EventName,
    Handling,
    Mark,
    Outcome,
    UnlawfulStep,
    Verdict,
    absent,
    lawful_actions,
    step,
)
from alerts.machine_diagram import document, reachable

AT = datetime(2025, 3, 1, 14, 0, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs" / "alarm-machine.md"


def event(name: EventName, *, by: str = "wang") -> Event:
    return (
        Event(name=name, by=by, disposition=Disposition.FALSE_ALARM, cause="steam")
        if name is EventName.VERIFY
        else Event(name=name, by=by)
    )


def in_state(behaviour: Behaviour, device: Device, handling: Handling) -> AlarmState:
    seen = handling in {Handling.ACKNOWLEDGED, Handling.VERIFIED}
    return AlarmState(
        behaviour=behaviour,
        device=device,
        handling=handling,
        occurrences=3,
        re_alarms=1,
        acknowledged=Mark(by="li", at=AT) if seen else None,
        verified=Verdict(by="li", at=AT, disposition=Disposition.UNKNOWN, cause=None) if handling is Handling.VERIFIED else None,
        closed=Mark(by="li", at=AT) if handling is Handling.CLOSED else None,
    )


ALL_PAIRS = [
    (behaviour, device, handling, name)
    for behaviour in Behaviour
    for device in Device
    for handling in Handling
    for name in EventName
]


@pytest.mark.parametrize("pair", ALL_PAIRS, ids="-".join)
def test_a_listed_pair_is_lawful_and_an_unlisted_one_changes_nothing(pair) -> None:
    behaviour, device, handling, name = pair
    before = in_state(behaviour, device, handling)
    row = STEPS.get((behaviour, device, handling, name))
    if row is None:
        copy = in_state(behaviour, device, handling)
        with pytest.raises(UnlawfulStep):
            step(before, event(name), at=AT)
        assert before == copy
        return
    found = step(before, event(name), at=AT)
    assert (found.after.device, found.after.handling) == (row.device or device, row.handling or handling)
    assert (found.outcome, found.effects) == (row.outcome, row.effects)
    assert Effect.JOURNAL in found.effects
    assert (Effect.NOTIFY in found.effects) == (found.outcome in {Outcome.RAISED, Outcome.RE_ALARMED})


def test_no_pair_is_listed_twice() -> None:
    assert len(STEPS) == sum(len([*row.behaviours]) * len([*row.devices]) * len([*row.handlings]) for row in TABLE)


def test_whatever_devices_say_has_a_place_in_every_state_an_alarm_can_come_to() -> None:
    for behaviour in (Behaviour.LATCHING, Behaviour.SELF_RESTORING):
        for state, answers in reachable(behaviour).items():
            assert {EventName.BEGAN, EventName.OVER, EventName.DEVICE_RESET} <= answers.keys(), (behaviour, state)
            assert (EventName.BEGAN_LATE in answers) == (behaviour is Behaviour.LATCHING)


steps = st.lists(st.tuples(st.sampled_from(EventName), st.sampled_from(["device", "wang", "li"])), max_size=30)


def walk(behaviour: Behaviour, events):
    """Every step that was lawful: what was, what happened, what came of it."""
    alarm = absent(behaviour, active=False)
    for number, (name, by) in enumerate(events):
        happened, at = event(name, by=by), AT + timedelta(seconds=number)
        try:
            found = step(alarm, happened, at=at)
        except UnlawfulStep:
            continue
        yield alarm, happened, found
        alarm = found.after


@given(steps)
def test_a_latching_alarm_is_closed_by_a_persons_close_alone_and_only_once_verified(events) -> None:
    for before, happened, found in walk(Behaviour.LATCHING, events):
        if found.after.handling is Handling.CLOSED and before.handling is not Handling.CLOSED:
            assert happened.name is EventName.CLOSE
            assert before.verified is not None
            assert found.after.closed is not None
            assert found.after.closed.by == happened.by


@given(steps)
def test_nothing_but_over_or_reset_makes_a_device_restored(events) -> None:
    for behaviour in (Behaviour.LATCHING, Behaviour.SELF_RESTORING):
        for before, happened, found in walk(behaviour, events):
            if (before.device, found.after.device) == (Device.ACTIVE, Device.RESTORED):
                assert happened.name in {EventName.OVER, EventName.DEVICE_RESET}


@given(steps)
def test_a_re_alarm_un_acknowledges_is_counted_and_calls_people(events) -> None:
    for behaviour in (Behaviour.LATCHING, Behaviour.SELF_RESTORING):
        for before, happened, found in walk(behaviour, events):
            if happened.name is not EventName.BEGAN:
                continue
            after = found.after
            assert (after.device, after.handling) == (Device.ACTIVE, Handling.OPEN)
            assert after.acknowledged is after.verified is after.closed is None
            again = before.handling in {Handling.ACKNOWLEDGED, Handling.VERIFIED} or before.device is Device.RESTORED
            if before.handling is Handling.CLOSED:
                assert (found.outcome, after.occurrences, after.re_alarms) == (Outcome.RAISED, 1, 0)
            elif again:
                assert (found.outcome, after.re_alarms) == (Outcome.RE_ALARMED, before.re_alarms + 1)
                assert Effect.NOTIFY in found.effects
            else:
                assert (found.outcome, after.re_alarms) == (Outcome.COUNTED, before.re_alarms)
                assert Effect.NOTIFY not in found.effects
            if before.handling is not Handling.CLOSED:
                assert after.occurrences == before.occurrences + 1


@given(steps)
def test_marks_are_what_the_database_demands_of_each_handling(events) -> None:
    for behaviour in (Behaviour.LATCHING, Behaviour.SELF_RESTORING):
        for _, _, found in walk(behaviour, events):
            after = found.after
            assert after.handling is not Handling.ACKNOWLEDGED or after.acknowledged is not None
            assert after.handling is not Handling.VERIFIED or after.verified is not None


@given(steps)
def test_self_restoring_alarms_are_open_only_while_the_device_is_active(events) -> None:
    for _, happened, found in walk(Behaviour.SELF_RESTORING, events):
        if found.after.device is Device.RESTORED:
            assert found.after.handling is Handling.CLOSED
        if found.outcome is Outcome.CLOSED:
            assert found.after.closed is not None
            assert found.after.closed.by == (happened.by if happened.name is EventName.CLOSE else "device")


@given(steps)
def test_the_buttons_shown_are_those_that_work(events) -> None:
    for behaviour in Behaviour:
        alarm = absent(behaviour, active=True)
        for _, _, found in walk(behaviour, events):
            alarm = found.after
        shown = lawful_actions(alarm)
        for name in OPERATOR_EVENTS:
            if name in shown:
                step(alarm, event(name), at=AT)
            else:
                with pytest.raises(UnlawfulStep):
                    step(alarm, event(name), at=AT)


def test_a_late_beginning_raises_but_leaves_the_device_to_the_newer_word() -> None:
    late = Event(name=EventName.BEGAN_LATE)
    assert step(absent(Behaviour.LATCHING, active=False), late, at=AT).after.device is Device.RESTORED
    assert step(absent(Behaviour.LATCHING, active=True), late, at=AT).after.device is Device.ACTIVE
    seen = step(in_state(Behaviour.LATCHING, Device.RESTORED, Handling.VERIFIED), late, at=AT)
    assert (seen.after.device, seen.after.handling, seen.outcome) == (Device.RESTORED, Handling.OPEN, Outcome.RE_ALARMED)


@pytest.mark.parametrize(
    ("happened", "words"),
    [
        (Event(name=EventName.CLOSE, by="wang"), "only after it was verified"),
        (Event(name=EventName.VERIFY, by="wang"), "real_fire, false_alarm"),
        (Event(name=EventName.VERIFY, by="wang", disposition=Disposition.FALSE_ALARM, cause="  "), "with its cause"),
    ],
)
def test_a_refusal_says_what_is_missing(happened: Event, words: str) -> None:
    with pytest.raises(UnlawfulStep, match=words):
        step(in_state(Behaviour.LATCHING, Device.RESTORED, Handling.OPEN), happened, at=AT)


@pytest.mark.parametrize(
    ("alarm", "name", "words"),
    [
        (in_state(Behaviour.LATCHING, Device.ACTIVE, Handling.CLOSED), EventName.CLOSE, "is closed"),
        (in_state(Behaviour.LATCHING, Device.ACTIVE, Handling.VERIFIED), EventName.ACKNOWLEDGE, "is verified already"),
        (in_state(Behaviour.INFORMING, Device.ACTIVE, Handling.OPEN), EventName.BEGAN, "only informs"),
        (in_state(Behaviour.SELF_RESTORING, Device.ACTIVE, Handling.OPEN), EventName.BEGAN_LATE, "has no place"),
    ],
)
def test_a_refusal_says_why(alarm: AlarmState, name: EventName, words: str) -> None:
    with pytest.raises(UnlawfulStep, match=words):
        step(alarm, event(name), at=AT)


def test_a_verification_can_be_corrected_and_counts_as_notice_taken() -> None:
    first = step(in_state(Behaviour.LATCHING, Device.ACTIVE, Handling.OPEN), event(EventName.VERIFY), at=AT).after
    assert first.acknowledged == Mark(by="wang", at=AT)
    corrected = Event(name=EventName.VERIFY, by="li", disposition=Disposition.REAL_FIRE)
    second = step(first, corrected, at=AT + timedelta(minutes=1)).after
    assert second.acknowledged == first.acknowledged
    assert second.verified == Verdict(by="li", at=AT + timedelta(minutes=1), disposition=Disposition.REAL_FIRE, cause=None)


def test_the_page_in_docs_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), "run: python -m alerts.machine_diagram > docs/alarm-machine.md"
