"""Quarantine is bounded, and one device cannot push out what others sent."""

from datetime import timedelta

import psycopg
from ingest_world import NOON, column, message, rows
from prometheus_client import REGISTRY

from ingest import quarantine_trim
from ingest.quarantine import BURST_BYTES, REFILL_BYTES_PER_SECOND, ROW_OVERHEAD_BYTES, Gate, hold, provenance_of
from signals.messages import PAYLOAD_BYTES_MAXIMUM, Reason, Rejected


def held(payload: bytes, *, seconds: float = 0, transmitter: str = "T1"):
    rejected = Rejected(reason=Reason.JSON, detail="", raw=payload)
    provenance = provenance_of(f"wanghuo/v1/{transmitter}/signal", received_at=NOON + timedelta(seconds=seconds))
    return hold(rejected, provenance=provenance)


def test_a_transmitter_that_sends_rubbish_without_end_is_cut_off_and_others_are_not():
    gate, kept = Gate(), 0
    size = PAYLOAD_BYTES_MAXIMUM + ROW_OVERHEAD_BYTES
    for _ in range(100):
        kept += gate.admits(held(b"x" * PAYLOAD_BYTES_MAXIMUM))
    assert BURST_BYTES <= kept * size <= BURST_BYTES + size
    assert gate.admits(held(b"x", transmitter="T2"))
    refilled = sum(gate.admits(held(b"x" * 2000, seconds=second)) for second in range(1, 36_001))
    assert refilled * 2512 <= REFILL_BYTES_PER_SECOND * 36_000 + 2512
    assert refilled * 2512 >= REFILL_BYTES_PER_SECOND * 36_000 * 0.9 - size


def test_a_clock_that_is_set_back_gives_nothing_away():
    gate = Gate()
    for _ in range(20):
        gate.admits(held(b"x" * PAYLOAD_BYTES_MAXIMUM))
    assert not gate.admits(held(b"x", seconds=-3600))


async def test_what_is_beyond_the_rate_is_counted_and_rings_once_for_all(signals, database):
    before = REGISTRY.get_sample_value("wanghuo_ingest_quarantine_dropped_total") or 0.0
    payloads = [b"{" + b"%06d" % number + b"x" * (PAYLOAD_BYTES_MAXIMUM - 7) for number in range(20)]
    for payload in payloads:
        await signals.take(message(payload))
    kept = len(rows(database, "SELECT quarantine_key FROM quarantine"))
    assert kept == -(-BURST_BYTES // (PAYLOAD_BYTES_MAXIMUM + ROW_OVERHEAD_BYTES))
    assert (REGISTRY.get_sample_value("wanghuo_ingest_quarantine_dropped_total") or 0.0) - before == len(payloads) - kept
    assert len(rows(database, "SELECT inbox_id FROM signal_inbox")) == kept + 1, "the first beyond it rings, for all that follow"


async def test_the_newest_rows_are_kept(signals, database, monkeypatch):
    monkeypatch.setattr(quarantine_trim, "_LIMITS", {"rows": 12, "bytes": 100_000, "transmitter_bytes": 8_000, "overhead": 512})
    for number in range(10):
        for transmitter in ("T1", "T2"):
            await signals.take(message(b"{%d" % number, transmitter=transmitter))
        signals.pass_time(1)
    await quarantine_trim.trim(signals.store)
    kept = column(database, "SELECT payload FROM quarantine ORDER BY received_at, transmitter_id")
    assert kept == [b"{%d" % number for number in range(4, 10) for _ in range(2)]
    await signals.take(message(b"{" + b"y" * 7_000))
    await quarantine_trim.trim(signals.store)
    assert column(database, "SELECT count(*) FROM quarantine WHERE transmitter_id = 'T1'") == [1], (
        "its own are pushed out, no others"
    )
    assert column(database, "SELECT count(*) FROM quarantine WHERE transmitter_id = 'T2'") == [6]


async def test_all_bytes_are_bounded_too(signals, database, monkeypatch):
    monkeypatch.setattr(quarantine_trim, "_LIMITS", {"rows": 1000, "bytes": 5_000, "transmitter_bytes": 5_000, "overhead": 500})
    for number, transmitter in enumerate(("T1", "T2", "T3")):
        await signals.take(message(b"{%d" % number + b"z" * 1_498, transmitter=transmitter))
        signals.pass_time(1)
    await quarantine_trim.trim(signals.store)
    assert column(database, "SELECT transmitter_id FROM quarantine ORDER BY 1") == ["T2", "T3"]


async def test_one_lane_trims_at_a_time(signals, database, monkeypatch):
    monkeypatch.setattr(quarantine_trim, "_LIMITS", {"rows": 0, "bytes": 0, "transmitter_bytes": 0, "overhead": 0})
    await signals.take(message(b"{"))
    with psycopg.connect(database.owner_url) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [quarantine_trim.TRIM_LOCK])
        await quarantine_trim.trim(signals.store)
        assert column(database, "SELECT count(*) FROM quarantine") == [1]
    await quarantine_trim.trim(signals.store)
    assert column(database, "SELECT count(*) FROM quarantine") == [0]
