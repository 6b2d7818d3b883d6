"""A row that the database refuses is found, quarantined and confirmed, and holds up nothing."""

import psycopg
from ingest_world import column, message, reading, rows, seqs, signal


def refuse(database, table: str, condition: str) -> None:
    """Let the database refuse rows that no rule of ours foresaw."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT unforeseen CHECK ({condition})")


async def test_a_poison_signal_is_isolated_and_rings(signals, database):
    refuse(database, "signal", "point <> 'poison'")
    objects = [signal(seq, point="poison" if seq in (3, 11) else str(seq)) for seq in range(16)]
    commands = await signals.take(message(objects[:8]), *(message(found) for found in objects[8:]))
    assert sorted(column(database, "SELECT seq FROM signal WHERE class = 'signal'")) == [
        seq for seq in range(16) if seq not in (3, 11)
    ]
    held = rows(database, "SELECT * FROM quarantine ORDER BY seq")
    assert [(row["reason"], row["seq"]) for row in held] == [("database", 3), ("database", 11)]
    assert all(b"poison" in row["payload"] and "unforeseen" in row["detail"] for row in held)
    kinds = column(database, "SELECT kind FROM signal_inbox JOIN signal USING (transmitter_id, origin_key)")
    assert (kinds.count("fire_alarm"), kinds.count("unreadable")) == (14, 2)
    assert seqs(commands) == [("T1", "signal", 1, list(range(16)))]
    assert rows(database, "SELECT * FROM sequence_gap") == []
    assert column(database, "SELECT messages FROM presence_day") == [9]


async def test_a_poison_signal_that_comes_again_is_kept_once(signals, database):
    refuse(database, "signal", "point <> 'poison'")
    for _ in range(3):
        await signals.take(message(signal(1, point="poison")), message(signal(2)))
        signals.pass_time(100)
    assert len(rows(database, "SELECT * FROM quarantine")) == 1
    assert len(rows(database, "SELECT * FROM signal_inbox")) == 2


async def test_what_cannot_even_be_quarantined_holds_up_nothing(signals, database):
    refuse(database, "signal", "point <> 'poison'")
    refuse(database, "quarantine", "reason <> 'database'")
    commands = await signals.take(message(signal(1, point="poison")), message(signal(2)))
    assert column(database, "SELECT seq FROM signal WHERE class = 'signal'") == [2]
    assert seqs(commands) == [("T1", "signal", 1, [1, 2])]


async def test_a_poison_row_beside_the_facts_is_left_out_alone(signals, database):
    refuse(database, "presence", "transmitter_id <> 'T2'")
    await signals.take(message(signal(1)), message(signal(1), transmitter="T2"), message(signal(1), transmitter="T3"))
    assert len(rows(database, "SELECT * FROM signal_inbox")) == 3
    assert sorted(column(database, "SELECT transmitter_id FROM presence")) == ["T1", "T3"]
    assert rows(database, "SELECT * FROM quarantine") == []


async def test_a_poison_reading_is_isolated(telemetry, database):
    refuse(database, "telemetry", "point <> 'poison'")
    readings = [reading(seq, point="poison" if seq == 5 else "1") for seq in range(32)]
    await telemetry.take(*(message(found, of="telemetry") for found in readings))
    assert sorted(column(database, "SELECT seq FROM telemetry")) == [seq for seq in range(32) if seq != 5]
    (held,) = rows(database, "SELECT * FROM quarantine")
    assert (held["reason"], held["class"], held["transmitter_id"]) == ("database", "telemetry", "T1")
    assert b"poison" in held["payload"]
    assert column(database, "SELECT sum(readings) FROM telemetry_inbox") == [31]
    assert column(database, "SELECT messages FROM presence_day") == [32]


async def test_poison_among_duplicates_is_isolated_too(telemetry, database):
    await telemetry.take(*(message(reading(seq), of="telemetry") for seq in range(4)))
    refuse(database, "telemetry", "point <> 'poison'")
    again = [*(reading(seq) for seq in range(6)), reading(6, point="poison")]
    await telemetry.take(*(message(found, of="telemetry") for found in again))
    assert sorted(column(database, "SELECT seq FROM telemetry")) == list(range(6))
    assert column(database, "SELECT sum(readings) FROM telemetry_inbox") == [6]
    assert len(rows(database, "SELECT * FROM quarantine")) == 1


async def test_a_poison_row_beside_the_readings_is_left_out_alone(telemetry, database):
    refuse(database, "presence_day", "transmitter_id <> 'T2'")
    await telemetry.take(*(message(reading(1), of="telemetry", transmitter=name) for name in ("T1", "T2", "T3")))
    assert column(database, "SELECT count(*) FROM telemetry") == [3]
    assert sorted(column(database, "SELECT transmitter_id FROM presence_day")) == ["T1", "T3"]


async def test_a_mistake_of_ours_costs_one_message(telemetry, database, monkeypatch):
    def mistaken(payload, *others):
        if b"mistake" in payload:
            raise RuntimeError("unforeseen")
        return original(payload, *others)

    from ingest import telemetry_reader

    original = telemetry_reader.read_plain_telemetry
    monkeypatch.setattr(telemetry_reader, "read_plain_telemetry", mistaken)
    await telemetry.take(*(message(reading(seq, point="mistake" if seq == 2 else "1"), of="telemetry") for seq in range(5)))
    assert sorted(column(database, "SELECT seq FROM telemetry")) == [0, 1, 3, 4]
    assert column(database, "SELECT detail FROM quarantine") == ["unforeseen: RuntimeError('unforeseen')"]
