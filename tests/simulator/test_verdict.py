"""The verdict, on a real database: good where all is well, and it names every violation that is planted."""

import asyncio
import json
from dataclasses import replace

import pytest

from simulator.judging import judge, verdict
from simulator.ledger import Ledger
from simulator.stored import load
from simulator.verdict import Violation
from tests.simulator.books import READER, START, instant


async def test_where_all_is_well_the_verdict_is_good(books, found, database):
    assert await found() == {}
    given = await verdict(database.url(READER), books.ledger, patience_seconds=0)
    tally = given.tally
    assert (tally.signals, tally.fires, tally.stored, tally.alarms, tally.notifications) == (9, 4, 9, 5, 5)
    assert (tally.telemetry_acknowledged, tally.telemetry_stored) == (20, 20)
    assert given.lines()[1].startswith("verdict: good: 0 lost, 0 stored twice")


async def test_a_ledger_read_from_its_file_gives_the_same_verdict(books, database):
    books.ledger.flush()
    read = Ledger.read(books.path)
    books.say("T3", "fault", written=False)
    books.measure("T3", 3, stored=[])
    assert (await verdict(database.url(READER), read, patience_seconds=0)).ok
    books.ledger.flush()
    stored = await load(database.url(READER), books.ledger, patience_seconds=0)
    assert judge(Ledger.read(books.path), stored) == judge(books.ledger, stored)
    assert not judge(books.ledger, stored).ok


async def test_a_lost_signal(books, found):
    books.execute("DELETE FROM signal WHERE origin_key = %(key)s", key=books.key(books.lasting))
    assert await found() == {Violation.LOST: 1}


async def test_a_lost_fire_is_lost_and_did_not_ring(books, found):
    books.say("T3", "fire_alarm", written=False)
    assert await found() == {Violation.LOST: 1, Violation.NOT_RAISED: 1, Violation.UNCONFIRMED: 1}


async def test_what_a_device_forgot_is_not_owed(books, found):
    said = books.say("T3", "fire_alarm", written=False)
    books.ledger.forgotten("T3", [said], at=START + 9)
    assert await found() == {}


async def test_stored_twice_under_another_key(books, found):
    books.store("T2", books.lasting, at=START + 6, key=b"another key 16 B")
    assert await found() == {Violation.STORED_TWICE: 1}


async def test_stored_with_another_content(books, found):
    members = json.loads(books.lasting.body)
    changed = replace(books.lasting, body=json.dumps(members | {"point": "9"}).encode())
    books.store("T2", changed, at=START + 6)
    assert await found() == {Violation.INVENTED: 1}


async def test_stored_late_unless_an_outage_explains_it(books, found):
    key = books.key(books.lasting)
    books.execute("UPDATE signal SET stored_at = %(at)s WHERE origin_key = %(key)s", key=key, at=instant(START + 35))
    assert await found() == {Violation.LATE: 1}
    assert await found(limit_seconds=31) == {}
    books.ledger.outage("database", since=START, until=START + 26, transmitter_id="T1")
    assert await found() == {Violation.LATE: 1}
    books.ledger.outage("database", since=START, until=START + 26)
    assert await found() == {}


async def test_alarmed_or_notified_late(books, found):
    books.execute("UPDATE alarm SET raised_at = raised_at + interval '11 s' WHERE kind = 'manual_alarm'")
    assert await found() == {Violation.LATE: 1}
    books.execute("UPDATE notification SET sent_at = sent_at + interval '11 s'")
    assert await found() == {Violation.LATE: 6}


async def test_a_fire_that_is_stored_but_does_not_ring(books, found):
    said = books.say("T3", "gas_alarm", written=False)
    books.store("T3", said, at=START + 2)
    books.ledger.confirmed("T3", [said], at=START + 2)
    assert await found() == {Violation.NOT_RAISED: 1}


async def test_a_lasting_fault_without_an_alarm(books, found):
    said = books.say("T3", "tamper", written=False)
    books.store("T3", said, at=START + 2)
    books.ledger.confirmed("T3", [said], at=START + 2)
    assert await found() == {Violation.NOT_RAISED: 1}


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (range(10), {}),
        ([0, 1, 2, 4, 5, 6, 7, 8, 9], {Violation.TELEMETRY_LOST: 1}),
        ([], {Violation.TELEMETRY_LOST: 10}),
        ([*range(10), 3, 3], {Violation.TELEMETRY_STORED_TWICE: 2}),
        ([0, 1, 2, 3, 3, 5, 6, 7, 8, 9], {Violation.TELEMETRY_LOST: 1, Violation.TELEMETRY_STORED_TWICE: 1}),
        ([0, 1, 2, 2, 4, 5, 6, 7, 8, 10], {Violation.TELEMETRY_LOST: 2, Violation.TELEMETRY_STORED_TWICE: 1}),
    ],
)
async def test_telemetry_is_counted_reading_by_reading(books, found, stored, expected):
    books.measure("T2", 10, stored=stored)
    assert await found() == expected


async def test_telemetry_said_twice_by_a_wiped_device_is_stored_twice_rightly(books, found):
    books.ledger.measured("T2", 7, seqs=(0, 1), acknowledged=False)
    books.ledger.measured("T2", 7, seqs=(0, 1), acknowledged=True)
    books.measure("T2", 3, stored=[0, 1, 2, 0, 1])
    assert await found() == {}
    books.execute("DELETE FROM telemetry WHERE transmitter_id = 'T2' AND digest = 4")
    assert await found() == {Violation.TELEMETRY_LOST: 1}


async def test_what_was_sent_but_never_acknowledged_is_owed_by_nobody(books, found):
    books.ledger.measured("T1", 7, seqs=(20, 25), acknowledged=False)
    assert await found() == {}


async def test_another_transmitters_alarms_are_none_of_its_business(books, found):
    books.notify(books.raise_alarm("X9", "1", "fire_alarm", at=START + 5), at=START + 5)
    assert await found() == {}


async def test_alarms_from_before_the_ledger_count_when_they_are_heard_again(books, found, database):
    old = books.raise_alarm("T3", "4", "fire_alarm", at=START - 3600)
    said = books.say("T3", "fire_alarm", point="4", written=False)
    books.store("T3", said, at=START + 2)
    books.ledger.confirmed("T3", [said], at=START + 2)
    assert await found() == {Violation.NOT_RAISED: 1}
    books.journal(old, "began", "counted", said=said, at=START + 2)
    assert await found() == {}


async def test_it_waits_for_alerts_to_finish(books, found):
    said = books.say("T3", "supervisory", written=False)
    books.store("T3", said, at=START + 2)
    books.ledger.confirmed("T3", [said], at=START + 2)
    key = books.key(said)
    books.execute("INSERT INTO signal_inbox (priority, transmitter_id, origin_key) VALUES (1, 'T3', %(key)s)", key=key)
    assert await found() == {Violation.NOT_RAISED: 1}
    finding = asyncio.create_task(found(patience_seconds=60))
    await asyncio.sleep(0.5)
    assert not finding.done()
    books.conclude("T3", said, at=START + 2)
    books.execute("DELETE FROM signal_inbox")
    assert await finding == {}
