"""What a device must not be able to break: each fault is quarantined, counted and confirmed where it can be, and alone."""

import json

from ingest_world import AT, column, message, reading, rows, seqs, signal
from prometheus_client import REGISTRY

from signals.messages import PAYLOAD_BYTES_MAXIMUM

HELD = "SELECT * FROM quarantine ORDER BY item"
DEEP = b"[" * 10_001 + b"]" * 10_001
UNREADABLE = [
    (b"\x80abc", "encoding"),
    (b"{", "json"),
    (b"", "json"),
    (DEEP, "json"),
    (b'{"boot": ' + b"9" * 5000 + b"}", "member"),
    (b"[]", "shape"),
    (b"7", "shape"),
    (b'"\\u0000"', "shape"),
    (b"[" + b",".join([b"{}"] * 1001) + b"]", "shape"),
    (b"x" * 300 * 1024, "too_large"),
    (b'{"boot": 1, "seq": 2}', "member"),
]
CLOCKS = [
    "-4712-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00+08:00",
    "2026-11-23T12:00:60+08:00",
    "\x00",
    7,
    None,
]


def counted(reason: str) -> float:
    return REGISTRY.get_sample_value("wanghuo_ingest_quarantined_total", {"reason": reason}) or 0.0


async def test_what_cannot_be_read_of_a_signal_is_kept_counted_and_rings(signals, database):
    for payload, reason in UNREADABLE:
        before = counted(reason)
        confirmed = seqs(await signals.take(message(payload)))
        assert confirmed == ([("T1", "signal", 1, [2])] if b'"seq": 2' in payload else [])
        assert counted(reason) == before + 1
    held = rows(database, "SELECT * FROM quarantine ORDER BY ctid")
    assert [(row["reason"], row["transmitter_id"], row["class"]) for row in held] == [
        (why, "T1", "signal") for _, why in UNREADABLE
    ]
    assert [row["payload_length"] for row in held[:4]] == [len(payload) for payload, _ in UNREADABLE[:4]]
    rung = rows(
        database, "SELECT i.priority, s.* FROM signal_inbox i JOIN signal s USING (transmitter_id, origin_key) ORDER BY inbox_id"
    )
    assert [(row["kind"], row["class"], row["priority"], row["transmitter_id"]) for row in rung] == [
        ("unreadable", "centre", 0, "T1")
    ] * len(UNREADABLE)
    assert [row["detail"]["reason"] for row in rung] == [reason for _, reason in UNREADABLE]


async def test_a_payload_above_the_limit_is_kept_by_head_length_and_digest(signals, database):
    payload = b"x" * (PAYLOAD_BYTES_MAXIMUM + 1)
    await signals.take(message(payload))
    (held,) = rows(database, HELD)
    assert (len(held["payload"]), held["payload_length"], len(held["payload_digest"])) == (4096, PAYLOAD_BYTES_MAXIMUM + 1, 32)


async def test_a_payload_at_the_limit_is_kept_whole(signals, database):
    await signals.take(message(b"x" * PAYLOAD_BYTES_MAXIMUM))
    assert column(database, "SELECT octet_length(payload) FROM quarantine") == [PAYLOAD_BYTES_MAXIMUM]


async def test_a_bad_object_does_not_lose_the_others(signals, database):
    objects = [signal(1), 7, {"boot": 1, "seq": 2, "kind": "fire_alarm"}, signal(3)]
    commands = await signals.take(message(objects))
    assert column(database, "SELECT seq FROM signal WHERE class = 'signal' ORDER BY seq") == [1, 3]
    assert [(held["item"], held["reason"], held["seq"]) for held in rows(database, HELD)] == [(1, "shape", None), (2, "member", 2)]
    assert seqs(commands) == [("T1", "signal", 1, [1, 2, 3])], "confirmed wherever boot and seq can be read"
    assert rows(database, "SELECT * FROM sequence_gap") == [], "what was quarantined has arrived"


async def test_a_clock_that_cannot_be_read_never_costs_a_signal(signals, database):
    await signals.take(message([signal(seq) | {"at": clock} for seq, clock in enumerate(CLOCKS)]))
    stored = rows(database, "SELECT * FROM signal ORDER BY seq")
    assert [row["occurred_source"] for row in stored] == ["received"] * len(CLOCKS)
    assert all(row["occurred_at"] == row["received_at"] for row in stored)
    assert [row["at_text"] is None for row in stored] == [clock is None for clock in CLOCKS]


FAULTS = [
    {"boot": 123456789012345678901234567890},
    {"seq": "7"},
    {"text": "a\x00b"},
    {"text": "\ud800"},
    {"level": "enormous"},
    {"confidence": 7},
    {"values": {"temperature_celsius": float("nan")}},
    {"point": "\x00"},
    {"kind": "\udfff\x00"},
    {"active": "true"},
    {"point": 17},
    {"evidence": [["x"]]},
]


async def test_a_readable_alarm_is_raised_whatever_else_is_wrong_with_it(signals, database):
    await signals.take(*(message(signal(seq) | fault) for seq, fault in enumerate(FAULTS)))
    stored = rows(database, "SELECT s.* FROM signal_inbox i JOIN signal s USING (transmitter_id, origin_key) ORDER BY inbox_id")
    assert [row["class"] for row in stored] == ["signal"] * len(FAULTS)
    assert all(row["active"] for row in stored)
    assert all(row["defects"] for row in stored), "and the defect is recorded"
    assert rows(database, HELD) == []


async def test_a_topic_that_is_not_of_the_profile_rings_too(signals, database):
    await signals.take(message(signal(1), topic="wanghuo/v1/so me/signal"), message(b"x", topic="wanghuo/v1/a b/status"))
    assert column(database, "SELECT topic FROM quarantine WHERE reason = 'topic' ORDER BY 1") == [
        "wanghuo/v1/a b/status",
        "wanghuo/v1/so me/signal",
    ]
    assert column(database, "SELECT transmitter_id FROM signal_inbox") == ["so me"]


async def test_a_broken_status_is_kept_and_does_not_ring(signals, database):
    await signals.take(message({"online": "perhaps"}, of="status"))
    assert column(database, "SELECT class FROM quarantine") == ["status"]
    assert rows(database, "SELECT * FROM signal_inbox") == []


async def test_a_broken_page_rings_and_is_not_reconciled(signals, database):
    await signals.take(message({"boot": 1, "seq": 1, "page": 2, "pages": 1, "active": []}, of="snapshot"))
    assert column(database, "SELECT kind FROM signal_inbox JOIN signal USING (transmitter_id, origin_key)") == ["unreadable"]


async def test_the_same_rubbish_rings_once_a_minute(signals, database):
    for _ in range(3):
        await signals.take(message(b"{"), message(b"{", duplicate=True))
        signals.pass_time(20)
    assert len(rows(database, HELD)) == len(rows(database, "SELECT * FROM signal_inbox")) == 1


# --- telemetry -------------------------------------------------------------------------------------------------------------------


async def test_what_cannot_be_read_of_telemetry_is_kept_and_does_not_ring(telemetry, database):
    await telemetry.take(*(message(payload, of="telemetry") for payload, _ in UNREADABLE))
    assert sorted(column(database, "SELECT reason FROM quarantine")) == sorted(reason for _, reason in UNREADABLE)
    assert rows(database, "SELECT * FROM signal_inbox") == []


async def test_a_bad_value_does_not_lose_the_others(telemetry, database):
    good = {"temperature_celsius": 21.5}
    bad = json.dumps(reading(1) | {"values": {**good, "mood": 3, "co_ppm": "x", "sinr_db": None}}).encode()
    infinite = b'{"boot": 1, "seq": 2, "point": "1", "values": {"co_ppm": 1e999, "rssi_dbm": -70}}'
    nan = b'{"boot": 1, "seq": 3, "point": "1", "values": {"co_ppm": NaN, "rssi_dbm": -71}}'
    await telemetry.take(*(message(payload, of="telemetry") for payload in (bad, infinite, nan)))
    found = rows(database, "SELECT seq, temperature_celsius, co_ppm, rssi_dbm FROM telemetry ORDER BY seq")
    assert [tuple(row.values()) for row in found] == [(1, 21.5, None, None), (2, None, None, -70), (3, None, None, -71)]
    assert column(database, "SELECT DISTINCT reason FROM quarantine") == ["metric"]
    assert len(rows(database, HELD)) == 3


async def test_bad_objects_of_an_array_do_not_lose_the_others(telemetry, database):
    wrong = [7, {"boot": 1}, reading(5) | {"boot": 10**30}, reading(6) | {"point": "\x00"}, reading(7) | {"point": "\ud800"}]
    await telemetry.take(message([reading(1), *wrong, reading(8)], of="telemetry"))
    assert column(database, "SELECT seq FROM telemetry ORDER BY seq") == [1, 8]
    assert len(rows(database, HELD)) == len(wrong)


async def test_a_clock_that_cannot_be_read_has_its_own_chunk(telemetry, database):
    await telemetry.take(message([reading(seq, at=clock) for seq, clock in enumerate(CLOCKS)], of="telemetry"))
    stored = rows(database, "SELECT extract(year FROM time)::integer AS year, at_text, received_at FROM telemetry ORDER BY seq")
    assert [(row["year"], row["received_at"]) for row in stored] == [(2000, telemetry.clock)] * len(CLOCKS)
    assert [row["at_text"] is None for row in stored] == [clock is None for clock in CLOCKS]


async def test_thousands_of_distinct_dates_in_one_batch(telemetry, database):
    """Those in 2024–2040 need hundreds of weekly chunks; the rest share the sentinel's."""
    days = [f"{year}-{month:02}-{day:02}T12:00:00Z" for year in range(1990, 2090) for month in range(1, 13) for day in (1, 11, 21)]
    objects = [reading(seq, at=at) for seq, at in enumerate(days[:3000])]
    await telemetry.take(*(message(objects[start : start + 500], of="telemetry") for start in range(0, 3000, 500)))
    assert column(database, "SELECT count(*) FROM telemetry") == [3000]
    assert column(database, "SELECT count(DISTINCT time) FROM telemetry WHERE time > '2001-01-01'") == [
        sum("2024" <= at < "2040" for at in days[:3000])
    ]
    assert rows(database, HELD) == []


async def test_wrong_heartbeats_are_kept(telemetry, database):
    wrong = [
        {"boot": 1, "seq": 1},
        {"boot": 1, "seq": 2, "interval_seconds": 0},
        {"boot": 1, "seq": 3, "interval_seconds": 604_801},
    ]
    await telemetry.take(
        message([*wrong, {"boot": 1, "seq": 4, "interval_seconds": 60, "firmware": "\x00", "at": AT}], of="heartbeat")
    )
    assert [held["seq"] for held in rows(database, HELD)] == [1, 2, 3]
    (row,) = rows(database, "SELECT interval_seconds, heartbeat FROM presence")
    assert (row["interval_seconds"], row["heartbeat"]) == (60, {})


async def test_telemetry_of_an_unknown_transmitter_is_quarantined(telemetry, database):
    for of in ("telemetry", "heartbeat"):
        await telemetry.take(message(reading(1), transmitter="nobody", of=of))
    assert column(database, "SELECT reason FROM quarantine") == ["unknown_transmitter"] * 2
    assert rows(database, "SELECT * FROM telemetry") == rows(database, "SELECT * FROM telemetry_inbox") == []
    assert rows(database, "SELECT * FROM presence") == []


async def test_a_telemetry_topic_that_is_not_of_the_profile_is_kept(telemetry, database):
    await telemetry.take(message(reading(1), topic="wanghuo/v1/a b/telemetry"))
    assert column(database, "SELECT reason FROM quarantine") == ["topic"]
