"""Any order, any duplication, any split into batches, any restart in between: the same tables."""

import asyncio
from contextlib import AsyncExitStack

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ingest_world import enrol, lane_by_hand, message, reading, rows, signal
from psycopg.rows import dict_row

from signals.topics import Lane

EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example costs a second: shrinking would take an hour
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TRANSMITTERS = st.sampled_from(["T1", "T2", "unknown"])
SEQS = st.integers(0, 12)
KINDS = st.sampled_from(["fire_alarm", "fault", "never_heard_of"])
SIGNALS = st.builds(
    lambda seq, boot, kind, active: signal(seq, boot=boot, kind=kind, active=active), SEQS, st.integers(1, 2), KINDS, st.booleans()
)
PAGES = st.integers(1, 3).flatmap(
    lambda pages: st.builds(
        lambda page, base: {"boot": 1, "seq": 20 * pages + base * pages + page - 1, "page": page, "pages": pages, "active": []},
        st.integers(1, pages),
        st.integers(0, 1),
    )
)
BROKEN = st.sampled_from([{"boot": 1, "seq": 4, "kind": "fire_alarm"}, {"boot": 1, "seq": 9}, 17])
RUBBISH = st.sampled_from([b"{", b"\x80"])
SIGNAL_MESSAGES = st.one_of(
    st.builds(lambda found, who: message(found, transmitter=who), st.lists(SIGNALS | BROKEN, min_size=1, max_size=4), TRANSMITTERS),
    st.builds(lambda found, who: message(found, transmitter=who, of="snapshot"), PAGES, TRANSMITTERS),
    st.builds(lambda found, who: message(found, transmitter=who), RUBBISH, TRANSMITTERS),
)
CLOCKS = st.sampled_from(["2026-11-23T12:00:00+08:00", "2026-11-10T12:00:00+08:00", "1999-01-01T00:00:00Z", "soon"])
VALUES = st.dictionaries(st.sampled_from(["co_ppm", "temperature_celsius", "mood"]), st.sampled_from([1.0, 2.0]), min_size=1)
READINGS = st.builds(lambda seq, at, values: reading(seq, at=at) | {"values": values}, SEQS, CLOCKS, VALUES)
TELEMETRY_MESSAGES = st.builds(
    lambda found, who: message(found, transmitter=who, of="telemetry"), st.lists(READINGS, min_size=1, max_size=4), TRANSMITTERS
)


def disorder(messages: list, random) -> list[list]:
    """The messages in any order, some of them again, cut into batches."""
    told = [*messages, *random.choices(messages, k=len(messages) // 2)]
    random.shuffle(told)
    cuts = sorted(random.choices(range(len(told) + 1), k=3))
    return [told[low:high] for low, high in zip([0, *cuts], [*cuts, len(told)], strict=True)]


QUIET = {"received_at", "stored_at", "found_at", "closed_at", "occurred_at", "item"}
"""What may depend on when it came, and in which company."""
TABLES = {
    "signal": "SELECT *, CASE occurred_source WHEN 'device' THEN occurred_at END AS said_at FROM signal",
    "signal_inbox": "SELECT transmitter_id, origin_key, priority FROM signal_inbox JOIN signal USING (transmitter_id, origin_key)"
    " WHERE class <> 'snapshot'",
    # Which page completes a snapshot depends on the order; that it is complete does not.
    "snapshots": "SELECT transmitter_id, boot, seq - (detail->>'page')::integer AS base, detail->>'pages' AS pages, count(*)"
    " FROM signal_inbox JOIN signal USING (transmitter_id, origin_key) WHERE class = 'snapshot' GROUP BY 1, 2, 3, 4",
    "telemetry": "SELECT * FROM telemetry",
    "readings": "SELECT sum(readings) FROM telemetry_inbox",
    "quarantine": "SELECT * FROM quarantine",
    "heads": "SELECT * FROM sequence_head",
    "gaps": "SELECT transmitter_id, class, boot, first_seq, last_seq FROM sequence_gap WHERE state = 'open'",
    "days": "SELECT transmitter_id, day, lane, minutes::text FROM presence_day",
}
CHANGED = (
    "signal",
    "signal_inbox",
    "telemetry",
    "telemetry_inbox",
    "presence",
    "presence_day",
    "sequence_head",
    "sequence_gap",
    "quarantine",
)


def tables(connection) -> dict[str, list]:
    """Everything that must not depend on when and how it came."""
    return {
        table: sorted(repr({name: value for name, value in row.items() if name not in QUIET}) for row in connection.execute(query))
        for table, query in TABLES.items()
    }


def store(database, lane: Lane, batches: list[list], *, restart: bool) -> dict[str, list]:
    """The tables after these batches, each stored by another process where there are restarts."""

    async def run() -> None:
        async with AsyncExitStack() as stack:
            worker = await stack.enter_async_context(lane_by_hand(database, lane))
            for batch in batches:
                if restart:
                    await stack.aclose()
                    worker = await stack.enter_async_context(lane_by_hand(database, lane))
                await worker.take(*batch)

    with psycopg.connect(database.owner_url, autocommit=True, row_factory=dict_row) as connection:
        for table in CHANGED:
            connection.execute(f"DELETE FROM {table}")
        asyncio.run(run())
        return tables(connection)


def check(database, lane: Lane, messages: list, random) -> None:
    expected = store(database, lane, [messages], restart=False)
    batches = disorder(messages, random)
    assert store(database, lane, batches, restart=random.random() < 0.3) == expected


@EXAMPLES
@given(st.lists(SIGNAL_MESSAGES, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_the_signal_lane(database, messages, random):
    enrol_once(database)
    check(database, Lane.SIGNAL, messages, random)


@EXAMPLES
@given(st.lists(TELEMETRY_MESSAGES, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_the_telemetry_lane(database, messages, random):
    enrol_once(database)
    check(database, Lane.TELEMETRY, messages, random)


def enrol_once(database) -> None:
    if not rows(database, "SELECT * FROM transmitter"):
        enrol(database, "T1", "T2")
