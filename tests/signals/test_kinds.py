"""Kinds: a device's word is one of the profile's, or unclassified."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.kinds import CENTRE_KINDS, FIRE_KINDS, PROFILE_KINDS, Kind, classify

PROFILE = Path(__file__).parents[2] / "docs" / "mqtt-profile.md"


@given(st.text() | st.sampled_from(sorted(Kind)))
def test_a_word_of_the_profile_is_itself_and_any_other_is_unclassified(word):
    assert classify(word) == (word if word in PROFILE_KINDS else Kind.UNCLASSIFIED)


@pytest.mark.parametrize("kind", sorted(CENTRE_KINDS))
def test_no_device_can_state_what_the_centre_states(kind):
    assert classify(kind) is Kind.UNCLASSIFIED


def test_what_may_have_been_a_fire_is_handled_as_one():
    assert Kind.UNCLASSIFIED in FIRE_KINDS
    assert {Kind.FIRE_ALARM, Kind.MANUAL_ALARM} <= FIRE_KINDS


def test_the_profile_names_exactly_these_kinds():
    listed = re.search(r"^`kind`: (?P<kinds>.*?)\.$", PROFILE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert listed is not None
    assert set(re.findall(r"`([a-z_]+)`", listed["kinds"])) == PROFILE_KINDS
