"""One row for every kind, and the rules that hold across them."""

import pytest

from alerts.machine import Behaviour
from alerts.policy import _ROWS, DEVICE_KINDS, POLICY, PRIORITIES
from signals.kinds import CENTRE_KINDS, FIRE_KINDS, Kind


def test_every_kind_has_one_row() -> None:
    assert sorted(row.kind for row in _ROWS) == sorted(Kind)
    assert all(POLICY[kind].kind is kind for kind in Kind)


def test_labels_are_there_and_tell_kinds_apart() -> None:
    for language in ("chinese", "english"):
        labels = [getattr(row, language) for row in _ROWS]
        assert len(set(labels)) == len(labels)
        assert all(labels)


@pytest.mark.parametrize("kind", Kind)
def test_fire_comes_first_latches_and_raises_however_late(kind: Kind) -> None:
    row = POLICY[kind]
    assert row.priority in PRIORITIES
    assert (row.priority == 0) == (kind in FIRE_KINDS)
    if kind in FIRE_KINDS:
        assert row.behaviour is Behaviour.LATCHING
        assert row.late_raises
    assert not row.late_raises or row.behaviour is Behaviour.LATCHING
    assert not row.annunciated or kind in FIRE_KINDS


@pytest.mark.parametrize("kind", [Kind.UNCLASSIFIED, Kind.UNREADABLE, Kind.KEY_CONFLICT])
def test_what_only_a_person_can_judge_never_restores_by_itself(kind: Kind) -> None:
    assert POLICY[kind].behaviour is Behaviour.LATCHING


def test_a_test_informs_and_is_no_fire() -> None:
    informing = {kind for kind in Kind if POLICY[kind].behaviour is Behaviour.INFORMING}
    assert informing == {Kind.FEEDBACK, Kind.DELAY, Kind.SILENCE, Kind.RESET, Kind.CONFIG_CHANGE, Kind.TEST, Kind.EARLY_WATCH}


def test_a_device_speaks_of_its_own_conditions_only() -> None:
    assert {Kind.UNCLASSIFIED} == DEVICE_KINDS & CENTRE_KINDS
    assert Kind.RESET not in DEVICE_KINDS
    assert Kind.FIRE_ALARM in DEVICE_KINDS
