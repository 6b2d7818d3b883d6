"""When a lane could hear: spans between which lie the outages."""

import json
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from ingest_world import NOON, message, rows

from ingest.uptime import JOINED_WITHIN, OUTSTANDING_MAXIMUM, Span, Uptime

PROBE = "wanghuo/centre/v1/probe/signal"


def after(seconds: float):
    return NOON + timedelta(seconds=seconds)


def sent(uptime: Uptime, seconds: float) -> bytes:
    payload = uptime.probe(at=after(seconds))
    assert payload is not None
    return payload


def test_probes_in_a_row_are_one_span():
    uptime = Uptime()
    probes = [sent(uptime, second) for second in range(4)]
    assert uptime.spans(probes[:1]) == [Span(up_from=NOON, heard_until=NOON)]
    assert uptime.spans(probes[1:]) == [Span(up_from=NOON, heard_until=after(3))]


def test_an_outage_lies_between_two_spans():
    uptime = Uptime()
    probes = [sent(uptime, second) for second in (0, 1, 7, 8)]
    assert uptime.spans(probes) == [
        Span(up_from=NOON, heard_until=after(1)),
        Span(up_from=after(7), heard_until=after(8)),
    ]


def test_a_new_connection_begins_a_new_span_and_old_probes_prove_nothing():
    uptime = Uptime()
    old = [sent(uptime, 0), sent(uptime, 1)]
    uptime.spans(old[:1])
    uptime.connected_anew()
    assert uptime.spans(old) == []
    assert uptime.spans([sent(uptime, 2)]) == [Span(up_from=after(2), heard_until=after(2))]


def test_probes_of_another_process_and_rubbish_prove_nothing():
    assert Uptime().spans([sent(Uptime(), 0), b"{", b"[]", b'{"connection": "x"}', json.dumps({"sent_at": 3}).encode()]) == []


def test_the_lag_is_the_age_of_the_oldest_probe_on_its_way():
    uptime = Uptime()
    assert not uptime.caught_up(at=NOON)
    first, _ = sent(uptime, 0), sent(uptime, 1)
    assert uptime.lag_seconds(at=after(3)) == 3
    uptime.spans([first])
    assert uptime.lag_seconds(at=after(3)) == 2
    assert uptime.caught_up(at=after(3))
    assert not uptime.caught_up(at=after(60))


def test_probes_do_not_pile_up():
    uptime = Uptime()
    for second in range(OUTSTANDING_MAXIMUM):
        sent(uptime, second)
    assert uptime.probe(at=after(99)) is None


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=30), st.integers(1, 5))
def test_spans_hold_every_probe_and_no_outage(pauses, size):
    uptime, moments, spans, elapsed = Uptime(), [], {}, 0.0
    batch: list[bytes] = []
    for number, pause in enumerate(pauses):
        elapsed += pause
        moments.append(after(elapsed))
        batch.append(sent(uptime, elapsed))
        if number % size == 0:
            spans.update({span.up_from: span.heard_until for span in uptime.spans(batch)})
            batch = []
    spans.update({span.up_from: span.heard_until for span in uptime.spans(batch)})
    assert all(any(low <= moment <= high for low, high in spans.items()) for moment in moments)
    for earlier, later in pairwise(moments):
        together = any(low <= earlier and later <= high for low, high in spans.items())
        assert together == (later - earlier <= JOINED_WITHIN)


async def test_spans_are_written_with_the_batch(signals, database):
    for second in (0, 1, 2, 30, 31):
        signals.clock = after(second)
        await signals.take(message(sent(signals.uptime, second), topic=PROBE))
    found = rows(database, "SELECT lane, up_from, heard_until FROM ingest_uptime ORDER BY up_from")
    assert [tuple(row.values()) for row in found] == [("signal", NOON, after(2)), ("signal", after(30), after(31))]
