"""Topics: what is built is read back, and nothing else is taken for one of the profile's."""

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from signals.topics import (
    CONFIRMED_CLASSES,
    LANE_CLASSES,
    Lane,
    MessageClass,
    alarm_out,
    command,
    is_identifier,
    lane_filters,
    probe,
    read_upward,
    upward,
)

identifiers = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)


@given(identifiers, st.sampled_from(MessageClass))
def test_an_upward_topic_is_read_back(transmitter_id, message_class):
    assert read_upward(upward(transmitter_id, message_class)) == (transmitter_id, message_class)


@given(st.text() | st.from_regex(r"wanghuo/v1/[^/]*/[a-z]*\n?"))
@example("wanghuo/v1/T1/signal\n")
@example("wanghuo/v1/T1/signal/")
@example("/wanghuo/v1/T1/signal")
@example("wanghuo/v2/T1/signal")
@example("wanghuo/v1/T1/Signal")
@example("wanghuo/v1//signal")
@example("wanghuo/v1/+/signal")
@example("wanghuo/v1/火/signal")
@example("wanghuo/v1/" + "T" * 65 + "/signal")
@example(command("T1"))
@example(alarm_out("V1"))
@example(probe(Lane.SIGNAL))
def test_a_text_is_a_topic_of_the_profile_only_if_we_would_build_it(topic):
    found = read_upward(topic)
    assert found is None or upward(*found) == topic


def test_what_goes_down_or_out_is_not_taken_for_upward():
    assert [read_upward(topic) for topic in (command("T1"), alarm_out("V1"), probe(Lane.SIGNAL))] == [None] * 3


@given(st.text(max_size=70))
@example("T1\n")
@example("")
@example("２")  # a digit, but not of ASCII
def test_an_identifier_is_what_fits_into_a_topic(text):
    assert is_identifier(text) == (read_upward(upward(text, MessageClass.SIGNAL)) == (text, MessageClass.SIGNAL))


def matches(topic_filter, topic):
    """MQTT 5.0, 4.7.1: `+` stands for one whole level."""
    return re.fullmatch(re.escape(topic_filter).replace(r"\+", "[^/]+"), topic) is not None


@given(identifiers, st.sampled_from(MessageClass))
def test_every_class_goes_through_exactly_one_lane(transmitter_id, message_class):
    topic = upward(transmitter_id, message_class)
    heard = [lane for lane in Lane if any(matches(one, topic) for one in lane_filters(lane))]
    assert heard == [lane for lane in Lane if message_class in LANE_CLASSES[lane]]
    assert len(heard) == 1


@pytest.mark.parametrize("lane", Lane)
def test_a_lane_hears_its_own_probe_and_no_command(lane):
    assert [topic for topic in map(probe, Lane) if topic in lane_filters(lane)] == [probe(lane)]
    assert not any(matches(one, command("T1")) for one in lane_filters(lane))


def test_only_the_signal_lane_confirms():
    assert set(LANE_CLASSES[Lane.SIGNAL]) > CONFIRMED_CLASSES


@given(identifiers, identifiers)
def test_two_transmitters_never_share_a_topic(one, other):
    assume(one != other)
    assert {command(one), *(upward(one, each) for each in MessageClass)}.isdisjoint(
        {command(other), *(upward(other, each) for each in MessageClass)}
    )
