"""Definition 1 against a naive model that walks day by day, and at its boundaries."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.days import SHANGHAI, day_of, end_of, start_of
from registry.plan import MILESTONES, milestone, units_missing
from registry.ratio import (
    LOOK_BACK,
    Denominator,
    Figures,
    KeyUnit,
    Moment,
    Reason,
    Transmitter,
    TransmitterClass,
    figures,
    figures_by_village,
    measure,
    moment,
    online,
    state,
)

BEGIN = date(2026, 1, 1)
DAYS = 60
days = st.integers(0, DAYS).map(lambda number: BEGIN + timedelta(days=number))


def whole(on, lapse_days=30):
    return Moment(on=on, at=end_of(on), lapse_days=lapse_days)


def transmitter(**changed):
    made = Transmitter(
        transmitter_id="T1",
        key_unit_id="U1",
        transmitter_class=TransmitterClass.DETECTOR,
        accepted_on=BEGIN,
        withdrawn_on=None,
        last_heard_at=None,
    )
    return replace(made, **changed)


def unit(**changed):
    made = KeyUnit(key_unit_id="U1", village_id="V1", has_control_room=False, listed_on=BEGIN, delisted_on=None)
    return replace(made, **changed)


def naive_state(*, accepted, withdrawn, heard, on, lapse_days):
    """Walk from the day of acceptance, counting whole silent days that went before."""
    if withdrawn is not None and on >= withdrawn:
        return Reason.WITHDRAWN
    if accepted is None or on < accepted:
        return Reason.NOT_ACCEPTED
    silent, lapsed = 0, False
    day = accepted
    while day <= on:
        alive = day in heard or day == accepted
        lapsed = silent >= lapse_days and not alive
        silent = 0 if alive else silent + 1
        day += timedelta(days=1)
    if not lapsed:
        return Reason.CONNECTED
    return Reason.LAPSED if any(day <= on for day in heard) else Reason.NEVER_HEARD


@given(
    accepted=st.none() | days,
    withdrawn=st.none() | days,
    heard=st.sets(days),
    on=days,
    lapse_days=st.integers(1, 40),
)
def test_state_agrees_with_walking_day_by_day(*, accepted, withdrawn, heard, on, lapse_days):
    before = [day for day in heard if day <= on]
    last = start_of(max(before)) + timedelta(hours=13) if before else None
    found = state(
        transmitter(accepted_on=accepted, withdrawn_on=withdrawn, last_heard_at=last), moment=whole(on, lapse_days=lapse_days)
    )
    assert found is naive_state(accepted=accepted, withdrawn=withdrawn, heard=heard, on=on, lapse_days=lapse_days)


class_strategy = st.sampled_from(TransmitterClass)


@st.composite
def transmitters(draw):
    heard = draw(st.none() | st.integers(0, DAYS * 86400).map(lambda seconds: start_of(BEGIN) + timedelta(seconds=seconds)))
    return transmitter(
        transmitter_id=f"T{draw(st.integers(1, 9))}",
        key_unit_id=f"U{draw(st.integers(1, 4))}",
        transmitter_class=draw(class_strategy),
        accepted_on=draw(st.none() | days),
        withdrawn_on=draw(st.none() | days),
        last_heard_at=heard,
    )


@st.composite
def registers(draw):
    units = [
        unit(
            key_unit_id=f"U{number}",
            village_id=draw(st.sampled_from(["V1", "V2"])),
            has_control_room=draw(st.booleans()),
            listed_on=draw(days),
            delisted_on=draw(st.none() | days),
        )
        for number in range(1, 5)
    ]
    return units, draw(st.lists(transmitters(), unique_by=lambda one: one.transmitter_id))


@given(register=registers(), on=days)
def test_a_unit_is_connected_by_at_least_one_transmitter(register, on):
    units, fleet = register
    evidence = measure(units, fleet, moment=whole(on))
    assert [one.key_unit_id for one in evidence] == [
        one.key_unit_id for one in sorted(units, key=lambda one: (one.village_id, one.key_unit_id)) if one.listed(on)
    ]
    for one in evidence:
        own = [each for each in fleet if each.key_unit_id == one.key_unit_id]
        states = {each.transmitter_id: state(each, moment=whole(on)) for each in own}
        counted = [each for each in own if states[each.transmitter_id] is Reason.CONNECTED]
        assert one.connected == bool(counted) == (one.reason is Reason.CONNECTED)
        assert one.online == any(online(each, moment=whole(on)) for each in counted)
        assert one.reason is (states[one.transmitter_id] if own else Reason.NO_TRANSMITTER)


@given(register=registers(), on=days, order=st.randoms())
def test_order_of_the_facts_does_not_matter(register, on, order):
    units, fleet = register
    mixed_units, mixed_fleet = order.sample(units, len(units)), order.sample(fleet, len(fleet))
    assert measure(units, fleet, moment=whole(on)) == measure(mixed_units, mixed_fleet, moment=whole(on))


@given(register=registers(), on=days)
def test_figures_add_up(register, on):
    units, fleet = register
    evidence = measure(units, fleet, moment=whole(on))
    for denominator in Denominator:
        township = figures(evidence, denominator=denominator)
        villages = figures_by_village(evidence, villages=["V1", "V2", "V3"], denominator=denominator)
        assert set(villages) == {"V1", "V2", "V3"}
        assert villages["V3"] == Figures(units=0, connected=0, online=0)
        assert sum(one.units for one in villages.values()) == township.units
        assert sum(one.connected for one in villages.values()) == township.connected
        assert 0 <= township.online <= township.connected <= township.units
    everybody = figures(evidence, denominator=Denominator.ALL)
    assert everybody.units == len(evidence)
    rooms = figures(evidence, denominator=Denominator.CONTROL_ROOM)
    assert rooms.units == sum(one.has_control_room for one in evidence)


@pytest.mark.parametrize(
    ("heard", "on", "expected"),
    [
        # The last message came in the last second of 31 January in Shanghai, 15:59:59 UTC.
        (datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC), date(2026, 3, 2), Reason.CONNECTED),
        (datetime(2026, 1, 31, 15, 59, 59, tzinfo=UTC), date(2026, 3, 3), Reason.LAPSED),
        # One second later it is 1 February there, and the connection lasts a day longer.
        (datetime(2026, 1, 31, 16, 0, 0, tzinfo=UTC), date(2026, 3, 3), Reason.CONNECTED),
        (datetime(2026, 1, 31, 16, 0, 0, tzinfo=UTC), date(2026, 3, 4), Reason.LAPSED),
        # Never heard: thirty whole days after that of acceptance, 1 January, end with the 31st.
        (None, date(2026, 1, 31), Reason.CONNECTED),
        (None, date(2026, 2, 1), Reason.NEVER_HEARD),
    ],
)
def test_it_lapses_at_the_midnight_that_ends_the_thirtieth_silent_day(heard, on, expected):
    assert state(transmitter(last_heard_at=heard), moment=whole(on)) is expected


def test_a_lapse_ends_with_the_first_message_and_not_before_the_day_is_heard():
    silent = transmitter(last_heard_at=datetime(2026, 1, 5, tzinfo=UTC))
    assert state(silent, moment=whole(date(2026, 3, 1))) is Reason.LAPSED
    heard = replace(silent, last_heard_at=datetime(2026, 3, 1, 1, tzinfo=UTC))
    assert state(heard, moment=whole(date(2026, 3, 1))) is Reason.CONNECTED


def test_dates_include_their_first_day_and_exclude_their_last():
    dated = unit(listed_on=date(2026, 2, 1), delisted_on=date(2026, 3, 1))
    assert [dated.listed(day) for day in (date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1))] == [
        False,
        True,
        True,
        False,
    ]
    assert not unit(listed_on=BEGIN, delisted_on=BEGIN).listed(BEGIN)
    leaving = transmitter(accepted_on=date(2026, 2, 1), withdrawn_on=date(2026, 2, 3))
    states = [state(leaving, moment=whole(date(2026, 2, day))) for day in (1, 2, 3)]
    assert states == [Reason.CONNECTED, Reason.CONNECTED, Reason.WITHDRAWN]
    assert state(leaving, moment=whole(date(2026, 1, 31))) is Reason.NOT_ACCEPTED


@pytest.mark.parametrize("transmitter_class", TransmitterClass)
def test_online_is_heard_within_the_look_back_of_the_class(transmitter_class):
    at = datetime(2026, 2, 1, 4, tzinfo=UTC)
    now = Moment(on=day_of(at), at=at)
    heard = at - LOOK_BACK[transmitter_class]
    assert online(transmitter(transmitter_class=transmitter_class, last_heard_at=heard), moment=now)
    assert not online(transmitter(transmitter_class=transmitter_class, last_heard_at=heard - timedelta(seconds=1)), moment=now)
    assert not online(transmitter(transmitter_class=transmitter_class), moment=now)


def test_what_is_not_connected_is_not_online():
    heard = datetime(2026, 2, 1, 3, tzinfo=UTC)
    now = Moment(on=date(2026, 2, 1), at=heard + timedelta(minutes=1))
    fleet = [transmitter(last_heard_at=heard, withdrawn_on=date(2026, 2, 1))]
    (one,) = measure([unit()], fleet, moment=now)
    assert (one.connected, one.online, one.reason, one.transmitter_id) == (False, False, Reason.WITHDRAWN, "T1")


def test_the_moment_of_a_day():
    now = datetime(2026, 2, 1, 15, 59, tzinfo=UTC)
    assert moment(now=now) == Moment(on=date(2026, 2, 1), at=now)
    assert moment(now=now + timedelta(minutes=1)).on == date(2026, 2, 2)
    assert moment(now=now, on=date(2026, 1, 1)).at == datetime(2026, 1, 2, tzinfo=SHANGHAI)
    with pytest.raises(ValueError, match="2026-02-02 lies in the future"):
        moment(now=now, on=date(2026, 2, 2))


def test_targets_of_the_plan():
    assert [one.percent for one in MILESTONES] == [30, 50, 70, 100]
    expected = {date(2024, 3, 1): 30, date(2024, 12, 31): 30, date(2025, 1, 1): 50, date(2026, 12, 31): 70, date(2027, 1, 1): 100}
    assert {day: milestone(day).percent for day in expected} == expected
    assert milestone(date(2031, 1, 1)).percent == 100


@given(units=st.integers(0, 500), connected=st.integers(0, 500), percent=st.sampled_from([30, 50, 70, 100]))
def test_units_missing_is_the_least_number_that_reaches_the_target(units, connected, percent):
    missing = units_missing(units=units, connected=connected, percent=percent)
    assert (connected + missing) * 100 >= units * percent
    assert missing == 0 or (connected + missing - 1) * 100 < units * percent


def test_no_units_have_no_ratio():
    assert Figures(units=0, connected=0, online=0).ratio is None
    assert Figures(units=4, connected=1, online=0).ratio == 0.25
