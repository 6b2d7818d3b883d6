"""The ledger: its file tells what its memory holds, and spans add up."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.topics import MessageClass
from simulator.ledger import Ledger
from simulator.spans import Outages, Runs
from simulator.speech import Counters, compose

NOW = 1_790_000_000.0


def said(counters, kind="fault"):
    return compose(
        MessageClass.SIGNAL, counters, clock=NOW, members={"point": "1", "kind": kind, "active": True, "text": "\u2028浓"}
    )


def fill(ledger):
    counters = Counters(7)
    first, second = said(counters), said(counters, "fire_alarm")
    ledger.said("T1", first, at=NOW)
    ledger.said("T1", second, at=NOW + 1)
    ledger.acknowledged("T1", [first, second], at=NOW + 2)
    ledger.acknowledged("T1", [second], at=NOW + 12)
    ledger.confirmed("T1", [second], at=NOW + 3)
    ledger.forgotten("T1", [first], at=NOW + 3)
    ledger.silent("T2", at=NOW)
    ledger.heard("T2", at=NOW + 5)
    ledger.silent("T3", at=NOW + 1)
    ledger.outage("database", since=NOW + 2, until=NOW + 4)
    ledger.cause("T1", None, kind="early_warning", at=NOW)
    for seq in (0, 1, 2, 0):
        ledger.measured("T1", 7, seqs=(seq, seq), acknowledged=False)
    ledger.measured("T1", 7, seqs=(0, 1), acknowledged=True)


def held(ledger):
    telemetry = {key: (list(found.said), list(found.acknowledged)) for key, found in ledger.telemetry.items()}
    return ledger.entries, ledger.outages, ledger.causes, telemetry, ledger.silences("T3")


def test_the_file_tells_what_the_memory_holds(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        fill(ledger)
    assert held(Ledger.read(path)) == held(ledger)
    first, second = ledger.entries
    assert (first.acknowledged_at, first.forgotten, first.confirmed_at) == (NOW + 2, True, None)
    assert (second.acknowledged_at, second.forgotten, second.confirmed_at) == (NOW + 2, False, NOW + 3)
    assert list(ledger.telemetry["T1", 7].said) == [(0, 2), (0, 0)]


def test_every_event_is_in_the_file_before_the_call_returns_and_telemetry_after_a_flush(tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    fill(ledger)
    assert held(Ledger.read(path))[:3] == held(ledger)[:3]
    assert not Ledger.read(path).telemetry
    ledger.flush()
    assert held(Ledger.read(path)) == held(ledger)
    ledger.flush()
    assert held(Ledger.read(path)) == held(ledger)
    ledger.close()


def test_a_line_torn_by_a_crash_is_left_out_and_a_wrong_one_is_named(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        fill(ledger)
    text = path.read_text()
    path.write_text(text[:-5])
    assert held(Ledger.read(path))[:3] == held(ledger)[:3]
    path.write_text('{"event": "sung"}\n' + text)
    with pytest.raises(ValueError, match=r"line 1: no event of a ledger: .*sung"):
        Ledger.read(path)


def test_a_ledger_goes_on_where_its_file_ended(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        ledger.said("T1", said(Counters(1)), at=NOW)
    with Ledger(path) as ledger:
        ledger.said("T1", said(Counters(2)), at=NOW)
    assert [entry.boot for entry in Ledger.read(path).entries] == [1, 2]


def test_silences_and_outages_of_a_transmitter():
    ledger = Ledger()
    fill(ledger)
    assert ledger.silences("T2") == [(NOW, NOW + 5)]
    assert ledger.silences("T3") == [(NOW + 1, float("inf"))]
    assert ledger.silences("T1") == []
    assert sorted(ledger.spans("T2")) == [(NOW, NOW + 5), (NOW + 2, NOW + 4)]
    assert ledger.spans("T1") == [(NOW + 2, NOW + 4)]
    assert ledger.spans("T3", until=NOW + 9) == [(NOW + 2, NOW + 4), (NOW + 1, NOW + 9)]


def test_events_are_json_that_anybody_can_read(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with Ledger(path) as ledger:
        fill(ledger)
    events = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    assert Counter(event["event"] for event in events)["said"] == 2
    assert events[0]["members"]["text"] == "\u2028浓"


@given(st.lists(st.integers(0, 5)))
def test_runs_count_every_number_as_often_as_it_was_added(numbers):
    runs = Runs()
    for number in numbers:
        runs.add(number, number)
    assert runs.times() == Counter(numbers)
    assert len(runs) == len(numbers)


SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: tuple(sorted(pair))), max_size=8)


@given(SPANS, st.integers(0, 50), st.integers(0, 50))
def test_outages_are_counted_once_however_they_overlap(spans, one, other):
    since, until = sorted((one, other))
    expected = sum(any(start <= second < end for start, end in spans) for second in range(since, until))
    assert Outages(spans).within(since, until) == expected
