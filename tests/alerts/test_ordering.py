"""Which word is the newer, and what a complete snapshot adds: case by case."""

from dataclasses import replace

import pytest
from alarm_world import later, observed

from alerts.facts import CompleteSnapshot, Condition, ConditionKey, Observation
from alerts.ordering import in_order, is_behind, is_newer, reconcile, resets_above
from signals.kinds import Kind


def condition(word: Observation) -> Condition:
    return Condition(
        key=word.key,
        boot=word.boot,
        seq=word.seq,
        occurred_at=word.occurred_at,
        received_at=word.received_at,
        active=word.active,
    )


def key(kind: Kind = Kind.FAULT, *, point: str = "P1", transmitter: str = "T1", raw_kind: str = "") -> ConditionKey:
    return ConditionKey(transmitter, point, kind, raw_kind)


LAST = condition(observed(boot=5, seq=10, second=10))


def without_clock(word: Observation) -> Observation:
    return replace(word, occurred_at=word.received_at)


@pytest.mark.parametrize(
    ("word", "newer"),
    [
        (observed(boot=5, seq=11, second=1), True),
        (observed(boot=6, seq=1, second=1), True),
        (observed(boot=5, seq=9, second=9), False),
        (observed(boot=4, seq=99, second=9), False),
        (observed(boot=5, seq=10, second=10), False),
        # wiped: counts anew, at a later time; an end only by the device's own clock
        (observed(boot=1, seq=1, second=11), True),
        (observed(boot=1, seq=1, second=11, active=False), True),
        (without_clock(observed(boot=1, seq=1, second=11)), True),
        (without_clock(observed(boot=1, seq=1, second=11, active=False)), False),
        (observed(boot=5, seq=10, second=11), True),
        # wiped, and its boot is the same again: only a beginning, and only by the device's own clock
        (observed(boot=5, seq=1, second=11), True),
        (without_clock(observed(boot=5, seq=1, second=11)), False),
        (observed(boot=5, seq=1, second=11, active=False), False),
        # no counter: newest
        (observed(seq=None, second=1), True),
        (observed(seq=None, second=1, active=False), True),
    ],
)
def test_the_counter_decides_and_the_clock_where_it_began_anew(word: Observation, newer: bool) -> None:
    assert is_newer(word, LAST) is newer


def test_against_a_word_without_counter_a_beginning_is_new_and_an_end_only_when_later() -> None:
    uncounted = condition(observed(seq=None, second=10))
    assert is_newer(observed(second=1), uncounted)
    assert not is_newer(observed(second=10, active=False), uncounted)
    assert is_newer(observed(second=11, active=False), uncounted)
    assert is_newer(observed(), None)


def test_signals_of_one_boot_are_sorted_and_others_left_as_they_came() -> None:
    third, first, second = (observed(seq=seq) for seq in (3, 1, 2))
    assert in_order([third, first, second]) == [first, second, third]
    wiped = [third, observed(boot=0, seq=1)]
    assert in_order(wiped) == wiped
    uncounted = [third, observed(seq=None), first]
    assert in_order(uncounted) == uncounted


def test_a_reset_ends_what_stands_behind_it_and_nothing_the_centre_observed() -> None:
    panel, loop = key(Kind.RESET, point=""), key(Kind.RESET, point="L1")
    assert is_behind(panel, key(point="anything"))
    assert is_behind(loop, key(point="L1"))
    assert is_behind(loop, key(point="L1/7"))
    assert not is_behind(loop, key(point="L12"))
    assert not is_behind(panel, key(transmitter="T2"))
    assert not is_behind(panel, key(Kind.OFFLINE, point=""))
    assert is_behind(panel, key(Kind.UNCLASSIFIED, raw_kind="smoke!"))


@pytest.mark.parametrize("point", ["", "L1", "L1/7", "L1/7/a", "/", "//x"])
def test_the_resets_above_a_condition_are_those_it_is_behind(point: str) -> None:
    found = set(resets_above(key(point=point)))
    assert key(Kind.RESET, point="") in found
    assert all(is_behind(reset, key(point=point)) for reset in found)
    assert key(Kind.RESET, point=point) in found


def snapshot(*active: ConditionKey, second: float = 10, boot: int | None = 5) -> CompleteSnapshot:
    return CompleteSnapshot(
        transmitter_id="T1", boot=boot, taken_at=later(second), received_at=later(second + 1), active=frozenset(active)
    )


def found(taken: CompleteSnapshot, *words: Observation) -> list[tuple[str, bool]]:
    return [(word.point, word.active) for word in reconcile(taken, [condition(word) for word in words])]


def test_what_is_active_and_not_in_the_snapshot_is_over_where_it_is_older() -> None:
    assert found(snapshot(), observed(boot=5, second=9)) == [("P1", False)]
    assert found(snapshot(), observed(boot=5, second=10)) == []
    assert found(snapshot(), observed(boot=5, second=11)) == []
    assert found(snapshot(), observed(boot=5, second=9, received_at=later(12))) == []
    # another boot: the device has restarted since, whatever its clock says
    assert found(snapshot(), observed(boot=4, second=99)) == [("P1", False)]
    assert found(snapshot(boot=None), observed(boot=4, second=99)) == []


def test_what_is_in_the_snapshot_began_unless_known_or_ended_since() -> None:
    listed = snapshot(observed().key)
    assert found(listed) == [("P1", True)]
    assert found(listed, observed(boot=5, second=9)) == []
    assert found(listed, observed(boot=5, second=9, active=False)) == [("P1", True)]
    assert found(listed, observed(boot=5, second=11, active=False)) == []


def test_a_snapshot_does_not_speak_of_what_the_centre_observes() -> None:
    assert found(snapshot(), observed(Kind.OFFLINE, boot=None, seq=None, point="", second=1)) == []
    assert found(snapshot(key(Kind.RESET), key(Kind.KEY_CONFLICT))) == []
