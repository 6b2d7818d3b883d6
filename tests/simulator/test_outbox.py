"""Counters and the outbox against the rules of the MQTT profile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from signals.topics import MessageClass
from simulator.outbox import Outbox, Patience
from simulator.speech import Counters, Said, compose

NOW = 1_790_000_000.0


def said(seq, message_class=MessageClass.SIGNAL, boot=1):
    return Said(message_class=message_class, boot=boot, seq=seq, body=b"%d" % seq)


@given(st.lists(st.one_of(st.sampled_from(MessageClass), st.floats(0, 4e9)), max_size=60))
def test_boot_grows_strictly_and_seq_counts_each_class_from_zero(steps):
    counters, boots, seen = Counters(5), [5], {}
    for step in steps:
        if isinstance(step, MessageClass):
            expected = seen.get((counters.boot, step), -1) + 1
            assert counters.next(step) == expected
            seen[counters.boot, step] = expected
        else:
            counters.restart(step)
            boots.append(counters.boot)
    assert boots == sorted(set(boots))


def test_a_wiped_device_counts_anew_from_its_first_boot():
    counters = Counters(5)
    first = compose(MessageClass.SIGNAL, counters, clock=NOW, members={"kind": "fault"})
    counters.restart(9)
    counters.wipe()
    anew = compose(MessageClass.SIGNAL, counters, clock=NOW, members={"kind": "fire_alarm"})
    assert anew.key == first.key
    assert anew.body != first.body


class OutboxRules(RuleBasedStateMachine):
    """Whatever happens: nothing unconfirmed is forgotten, and it is re-sent when the profile says, never oftener."""

    def __init__(self):
        super().__init__()
        self.outbox, self.now, self.seq = Outbox(Patience(seconds=10, resends=3)), 0.0, 0
        self.sent_at, self.timed, self.fresh = {}, {}, set()

    @rule()
    def keep(self):
        one = said(self.seq)
        self.seq += 1
        assert self.outbox.keep(one) is None
        self.fresh.add(one)
        self.timed[one] = 0

    @rule(seconds=st.sampled_from([0.0, 3.0, 9.0, 10.0, 60.0]))
    def wait(self, seconds):
        self.now += seconds

    @rule()
    def send(self):
        due = self.outbox.due(self.now)
        for one in due:
            if one not in self.fresh:
                self.timed[one] += 1
                assert self.now - self.sent_at[one] >= 10
                assert self.timed[one] <= 3
            self.fresh.discard(one)
            self.sent_at[one] = self.now
        self.outbox.sent(due, now=self.now)
        assert self.outbox.due(self.now) == []

    @rule()
    def reconnect(self):
        self.outbox.reconnected()
        self.fresh = set(self.timed)
        assert set(self.outbox.due(self.now)) == self.fresh

    @precondition(lambda self: self.timed)
    @rule(data=st.data())
    def confirm(self, data):
        one = data.draw(st.sampled_from(sorted(self.timed, key=lambda each: each.seq)))
        assert self.outbox.confirm(MessageClass.SIGNAL, 1, seqs=[one.seq, 10**9]) == [one]
        del self.timed[one]
        self.fresh.discard(one)

    @invariant()
    def everything_unconfirmed_is_kept_and_due_in_time(self):
        assert len(self.outbox) == len(self.timed)
        due = set(self.outbox.due(self.now))
        owed = {one for one, times in self.timed.items() if one in self.fresh or (times < 3 and self.now - self.sent_at[one] >= 10)}
        assert due == owed
        assert (self.outbox.next_due() <= self.now) == bool(due)


TestOutboxRules = OutboxRules.TestCase


def test_recall_finds_what_is_kept_and_says_what_is_gone():
    outbox = Outbox(Patience(), remembered_maximum=3)
    for seq in range(8):
        outbox.keep(said(seq))
    outbox.confirm(MessageClass.SIGNAL, 1, seqs=range(6))
    found, gone = outbox.recall(MessageClass.SIGNAL, 1, ranges=[(1, 4), (6, 9)])
    assert [one.seq for one in found] == [3, 4, 6, 7]
    assert gone == [(1, 2), (8, 9)]


@pytest.mark.parametrize("ranges", [[(0, 2**53 - 1)], [(5, 5)] * 10_000, [(7, 3)]])
def test_recall_is_bounded_whatever_is_asked(ranges):
    found, gone = Outbox(Patience()).recall(MessageClass.SIGNAL, 1, ranges=ranges)
    assert found == []
    assert sum(last - first + 1 for first, last in gone) <= 1000


def test_a_full_outbox_gives_up_the_oldest_and_says_so():
    outbox = Outbox(Patience(), unconfirmed_maximum=2)
    assert [outbox.keep(said(seq)) for seq in range(3)] == [None, None, said(0)]
    assert outbox.due(0) == [said(1), said(2)]
