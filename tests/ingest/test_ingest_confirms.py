"""Commands as their transmitters read them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.confirms import SEQS_MAXIMUM, answers_confirm, answers_resend, confirms, resend
from ingest.gaps import Counter
from signals.topics import CONFIRMED_CLASSES, MessageClass

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
T1 = Counter(transmitter_id="T1", message_class=MessageClass.SIGNAL, boot=7)
COUNTERS = st.builds(
    Counter,
    transmitter_id=st.sampled_from(["T1", "T2"]),
    message_class=st.sampled_from(sorted(CONFIRMED_CLASSES)),
    boot=st.integers(0, 2**53 - 1),
)


def test_a_confirm_names_class_boot_and_numbers_and_expires():
    (command,) = confirms([(T1, 4), (T1, 5), (T1, 4)], at=NOON, token=lambda: "x")
    assert command.topic == "wanghuo/v1/T1/command"
    assert json.loads(command.payload) == {
        "id": "confirm.x",
        "name": "confirm",
        "issued_at": "2026-11-23T04:00:00.000Z",
        "expires_at": "2026-11-23T04:01:00.000Z",
        "class": "signal",
        "boot": 7,
        "seqs": [4, 5],
    }
    assert command.expiry_seconds == 60


@given(st.lists(st.tuples(COUNTERS, st.integers(0, 2**53 - 1)), max_size=40))
def test_everything_is_confirmed_once_to_whom_it_belongs(objects):
    said = []
    for command in confirms(objects, at=NOON):
        content = json.loads(command.payload)
        counter = Counter(transmitter_id=command.transmitter_id, message_class=content["class"], boot=content["boot"])
        said += [(counter, seq) for seq in content["seqs"]]
    assert len(said) == len(set(said))
    assert set(said) == set(objects)


def test_more_than_a_thousand_numbers_are_confirmed_in_several_commands():
    commands = confirms([(T1, seq) for seq in range(SEQS_MAXIMUM + 1)], at=NOON)
    assert [len(json.loads(command.payload)["seqs"]) for command in commands] == [SEQS_MAXIMUM, 1]
    assert len({json.loads(command.payload)["id"] for command in commands}) == 2


@given(COUNTERS)
def test_the_reply_to_a_resend_tells_what_was_asked_for(counter):
    command = json.loads(resend(counter, [(3, 9)], at=NOON).payload)
    assert command["ranges"] == [[3, 9]]
    assert (command["class"], command["boot"]) == (counter.message_class, counter.boot)
    assert len(command["id"]) <= 64, "a reply could not name it"
    assert answers_resend(command["id"], transmitter_id=counter.transmitter_id) == counter
    assert not answers_confirm(command["id"])
    assert datetime.fromisoformat(command["expires_at"]) - NOON == timedelta(seconds=30)


def test_a_confirm_is_told_from_every_other_command():
    (command,) = confirms([(T1, 4)], at=NOON)
    identity = json.loads(command.payload)["id"]
    assert answers_confirm(identity)
    assert answers_resend(identity, transmitter_id="T1") is None


@pytest.mark.parametrize(
    "to",
    ["", "resend.", "resend.signal", "resend.signal.", "resend.status.1.x", "resend.signal.-1.x", "resend.signal.²", "query.1"],
)
def test_what_is_no_answer_to_a_resend(to):
    assert answers_resend(to, transmitter_id="T1") is None


def test_an_absurd_boot_in_an_answer_is_no_answer():
    assert answers_resend(f"resend.signal.{2**53}.x", transmitter_id="T1") is None
