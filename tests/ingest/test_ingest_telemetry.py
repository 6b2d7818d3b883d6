"""What the telemetry lane stores and hands over, however it comes."""

from datetime import UTC, datetime

import psycopg
from ingest_world import AT, NOON, column, enrol, message, reading, rows
from prometheus_client import REGISTRY
from said import unpacked

from ingest.telemetry_batch import CHUNKS_MAXIMUM, Readings
from ingest.telemetry_lane import TelemetryLane
from signals.metrics import METRICS
from signals.packing import Packer

STORED = "SELECT * FROM telemetry ORDER BY transmitter_id, seq, received_at"


def handed_over(database) -> list[tuple[str, str, float, dict[str, float]]]:
    """The readings in the inbox, in the order of its rows."""
    packed = column(database, "SELECT packed FROM telemetry_inbox ORDER BY inbox_id")
    return [(found.transmitter_id, found.point, found.time, dict(found.values)) for batch in packed for found in unpacked(batch)]


def measured(payload: object, **others: object):
    return message(payload, of="telemetry", **others)


def missing(message_class: str) -> float:
    return REGISTRY.get_sample_value("wanghuo_ingest_missing_objects_total", {"message_class": message_class}) or 0.0


async def test_a_reading_has_a_row_and_is_handed_over(telemetry, database):
    assert await telemetry.take(measured(reading(7, smoke_obscuration_db_per_m=0.01, temperature_celsius=21.5))) == []
    (stored,) = rows(database, STORED)
    assert (stored["transmitter_id"], stored["point"], stored["boot"], stored["seq"]) == ("T1", "1-1", 1, 7)
    assert (stored["time"], stored["received_at"], stored["at_text"]) == (datetime.fromisoformat(AT), NOON, None)
    assert {name: stored[name] for name in METRICS if stored[name] is not None} == {
        "temperature_celsius": 21.5,
        "smoke_obscuration_db_per_m": 0.01,
    }
    values = {"temperature_celsius": 21.5, "smoke_obscuration_db_per_m": 0.01}
    assert handed_over(database) == [("T1", "1-1", datetime.fromisoformat(AT).timestamp(), values)]


async def test_every_metric_reaches_its_column(telemetry, database):
    await telemetry.take(*(measured(reading(seq, **{name: float(seq)})) for seq, name in enumerate(METRICS)))
    await telemetry.take(measured(reading(99, **{name: float(seq) for seq, name in enumerate(METRICS)})))
    found = rows(database, STORED)
    for seq, name in enumerate(METRICS):
        assert {other: found[seq][other] for other in METRICS if found[seq][other] is not None} == {name: float(seq)}
    assert [found[-1][name] for name in METRICS] == [float(seq) for seq in range(len(METRICS))]


async def test_a_redelivery_is_stored_and_handed_over_once(telemetry, database):
    first = [measured(reading(seq)) for seq in range(5)]
    await telemetry.take(*first)
    await telemetry.take(*first, measured(reading(5)))
    await telemetry.take(*(measured(reading(seq), duplicate=True) for seq in range(7)))
    assert [row["seq"] for row in rows(database, STORED)] == list(range(7))
    assert len(handed_over(database)) == 7


async def test_the_order_of_writing_members_makes_no_other_fact(telemetry, database):
    one = reading(1, smoke_obscuration_db_per_m=0.01, temperature_celsius=21.5)
    other = dict(reversed(one.items())) | {"values": dict(reversed(one["values"].items()))}
    await telemetry.take(measured(one), measured(other))
    assert len(rows(database, STORED)) == len(handed_over(database)) == 1


async def test_the_same_number_with_another_content_is_another_fact(telemetry, database):
    await telemetry.take(measured(reading(1)), measured(reading(1, co_ppm=3.0)), measured(reading(1, point="2")))
    assert len(rows(database, STORED)) == 3


async def test_a_duplicate_does_not_slow_down_what_comes_much_later(telemetry, database):
    """After a duplicate the lane is careful for a while, then copies straight again: either way everything is stored."""
    await telemetry.take(measured(reading(0)))
    for seq in range(40):
        await telemetry.take(measured(reading(seq)), measured(reading(1000 + seq)))
    assert len(rows(database, STORED)) == len(handed_over(database)) == 80


async def test_a_reading_without_a_clock_is_handed_over_at_its_receipt(telemetry, database):
    await telemetry.take(measured(reading(1, at="yesterday")))
    assert [time for _, _, time, _ in handed_over(database)] == [NOON.timestamp()]
    assert column(database, "SELECT time FROM telemetry") == [datetime(2000, 1, 1, tzinfo=UTC)]


async def test_a_heartbeat_is_a_promise_and_a_sign_of_life(telemetry, database):
    await telemetry.catch_up()
    beat = {"boot": 1, "seq": 1, "at": AT, "interval_seconds": 300, "power": "battery", "battery_ratio": 0.5}
    await telemetry.take(message(beat, of="heartbeat"))
    (row,) = rows(database, "SELECT * FROM presence")
    assert (row["lane"], row["point"], row["last_heard_at"], row["interval_seconds"]) == ("telemetry", "", NOON, 300)
    assert row["heartbeat"] == {"power": "battery", "battery_ratio": 0.5}
    assert row["clock_offset_seconds"] == 0.5
    await telemetry.take(message(beat | {"seq": 0, "interval_seconds": 60}, of="heartbeat"))
    telemetry.pass_time(60)
    await telemetry.take(measured(reading(1)))
    assert column(database, "SELECT interval_seconds FROM presence") == [300], "an older promise does not count"


async def test_a_heartbeat_for_a_device_behind_a_bridge(telemetry, database):
    enrol(database, "bridge", transmitter_class="bridge")
    beat = {"boot": 1, "seq": 1, "interval_seconds": 60, "point": "cam-1"}
    await telemetry.take(
        message(beat, of="heartbeat", transmitter="bridge"), measured(reading(1, point="cam-2"), transmitter="bridge")
    )
    found = {row["point"]: row["interval_seconds"] for row in rows(database, "SELECT * FROM presence")}
    assert found == {"": None, "cam-1": 60, "cam-2": None}


async def test_retained_messages_are_stored_and_are_no_sign_of_life(telemetry, database):
    await telemetry.take(
        measured(reading(1), retain=True), message({"boot": 1, "seq": 1, "interval_seconds": 60}, of="heartbeat", retain=True)
    )
    assert len(rows(database, STORED)) == 1
    assert rows(database, "SELECT * FROM presence") == []


async def test_missing_readings_and_heartbeats_are_counted_and_not_asked_for(telemetry, database):
    readings, heartbeats = missing("telemetry"), missing("heartbeat")
    await telemetry.take(*(measured(reading(seq)) for seq in (1, 2, 7, 3, 8)), measured(reading(1, boot=2)))
    await telemetry.take(*(message({"boot": 1, "seq": seq, "interval_seconds": 60}, of="heartbeat") for seq in (1, 4)))
    assert (missing("telemetry") - readings, missing("heartbeat") - heartbeats) == (4, 2)
    assert rows(database, "SELECT * FROM sequence_gap") == []


async def test_a_withdrawn_transmitter_is_known_no_more_after_a_refresh(telemetry, database):
    await telemetry.take(measured(reading(1)))
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("UPDATE transmitter SET withdrawn_on = '2026-11-23' WHERE transmitter_id = 'T1'")
    await telemetry.transmitters.refresh(telemetry.store)
    telemetry.pass_time(10)
    await telemetry.take(measured(reading(2)))
    assert [row["seq"] for row in rows(database, STORED)] == [1]
    assert column(database, "SELECT reason FROM quarantine") == ["unknown_transmitter"]


def test_readings_of_many_weeks_are_stored_in_parts_that_touch_few_chunks():
    week = 7 * 86_400
    readings, packer = Readings(), Packer()
    for place in range(1000):
        packer.add("T1\0p", place * 37 % 884 * week + 1.7e9, values={"co_ppm": float(place)})
        readings.rows.append(b"%d" % place)
        readings.received.append(0.0)
        readings.origins.append(measured(reading(place)))
    readings.packer = packer
    parts = readings.by_chunks()
    assert sum(len(part) for part in parts) == 1000
    for part in parts:
        assert len({time // week for time in part.packer.times}) <= CHUNKS_MAXIMUM
        assert [b"%d" % int(found.values["co_ppm"]) for found in unpacked(part.packer.packed())] == part.rows


async def test_many_weeks_in_one_batch(telemetry, database):
    objects = [reading(seq, at=f"20{24 + seq // 12:02}-{seq % 12 + 1:02}-01T00:00:00Z") for seq in range(120)]
    await telemetry.take(measured(objects))
    assert len(rows(database, STORED)) == len(handed_over(database)) == 120


def test_a_lane_of_telemetry_tells_nobody_anything():
    assert list(TelemetryLane.commands(None, None, at=NOON)) == []
