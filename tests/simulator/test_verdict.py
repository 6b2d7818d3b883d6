"""The verdict, on a real database: good where all is well, and it names every violation that is planted."""

import asyncio
import json
from dataclasses import replace

import pytest

from simulator.judging import judge, verdict
from simulator.ledger import Ledger
from simulator.speech import compose
from simulator.stored import load
from simulator.verdict import Violation
from tests.simulator.books import DELAY, START, Books, instant

READER = "wanghuo_reader"


@pytest.fixture
def books(database, tmp_path):
    """An ordinary afternoon: two fires, one of them repeated and over, a fault that passed, one that lasts, a word unknown to us."""
    books = Books(database.owner_url, path=tmp_path / "ledger.jsonl")
    books.plays("T1", "T2", "T3")
    books.fire = books.say("T1", "fire_alarm")
    books.say("T1", "fire_alarm", at=START + 2)
    books.say("T1", "fire_alarm", active=False, at=START + 3)
    books.other_fire = books.say("T2", "manual_alarm", point="2", at=START + 2)
    books.say("T2", "fault", at=START + 2)
    books.say("T2", "fault", active=False, at=START + 4)
    books.lasting = books.say("T2", "line_fault", at=START + 5)
    books.say("T3", "smells_odd", at=START + 5)
    books.say("T3", "test", at=START + 6)
    books.measure("T1", 20)
    yield books
    books.ledger.close()
    books.connection.close()


@pytest.fixture
def found(books, database):
    """What the verdict finds, by violation."""

    async def find(**options):
        given = await verdict(database.url(READER), books.ledger, **{"patience_seconds": 0, **options})
        assert given.ok == (not given.findings)
        assert bool(given.findings) == any(line.startswith("  ") for line in given.lines())
        return {violation: finding.count for violation, finding in given.findings.items()}

    return find


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


async def test_a_signal_that_was_applied_twice(books, found):
    alarm_id = books.alarms["T1", "1", "fire_alarm", ""]
    books.journal(alarm_id, "began", "re_alarmed", said=books.fire, at=START + 5)
    assert await found() == {Violation.ALARMED_TWICE: 1}


async def test_a_signal_stored_under_two_keys_and_alarmed_by_both(books, found):
    key = b"another key 16 B"
    books.store("T1", books.fire, at=START + 6, key=key)
    books.journal(books.alarms["T1", "1", "fire_alarm", ""], "began", "counted", key=key, at=START + 6)
    assert await found() == {Violation.STORED_TWICE: 1, Violation.ALARMED_TWICE: 1}


async def test_a_second_alarm_for_the_same_word(books, found):
    books.execute("UPDATE alarm SET handling = 'closed', closed_by = 'chen', closed_at = now() WHERE kind = 'manual_alarm'")
    second = books.raise_alarm("T2", "2", "manual_alarm", at=START + 6)
    books.journal(second, "began", "raised", said=books.other_fire, at=START + 6)
    books.notify(second, at=START + 6)
    assert await found() == {Violation.ALARMED_TWICE: 1}


async def test_an_occurrence_too_many(books, found):
    books.execute("UPDATE alarm SET occurrences = occurrences + 1 WHERE kind = 'manual_alarm'")
    assert await found() == {Violation.ALARMED_TWICE: 1}


@pytest.mark.parametrize("kind", ["fire_alarm", "fault", "early_warning", "key_conflict", "unreadable"])
async def test_an_alarm_nobody_caused(books, found, kind):
    alarm_id = books.raise_alarm("T3", "7", kind, at=START + 5)
    books.journal(alarm_id, "began", "raised", at=START + 5)
    books.notify(alarm_id, at=START + 5)
    counted = await found()
    assert counted.pop(Violation.FALSELY_RAISED) == 1
    assert counted in ({}, {Violation.WRONG_STATE: 1})
    books.ledger.cause("T3", None, kind=kind, at=START + 5)
    assert Violation.FALSELY_RAISED not in await found()


async def test_an_alarm_the_journal_does_not_know(books, found):
    books.say("T3", "fault", point="8", written=False)
    said = books.ledger.entries[-1].members
    books.notify(books.raise_alarm("T3", "8", "fault", at=START + 2), at=START + 2)
    assert (await found())[Violation.FALSELY_RAISED] == 1
    assert said["point"] == "8"


async def test_a_test_signal_is_no_cause_of_an_alarm(books, found):
    alarm_id = books.raise_alarm("T3", "1", "test", at=START + 6)
    books.journal(alarm_id, "began", "raised", at=START + 6)
    books.notify(alarm_id, at=START + 6)
    assert (await found())[Violation.FALSELY_RAISED] == 1


async def test_offline_is_true_only_while_the_device_is_silent(books, found):
    alarm_id = books.raise_alarm("T3", "", "offline", at=START + 60)
    books.journal(alarm_id, "began", "raised", at=START + 60)
    books.notify(alarm_id, at=START + 60)
    assert await found() == {Violation.FALSE_OFFLINE: 1}
    books.ledger.silent("T2", at=START + 10)
    books.ledger.outage("broker", since=START + 10, until=START + 70)
    assert await found() == {Violation.FALSE_OFFLINE: 1}
    books.ledger.silent("T3", at=START + 10)
    assert await found() == {}
    books.ledger.heard("T3", at=START + 20)
    assert await found() == {Violation.FALSE_OFFLINE: 1}


async def test_a_path_is_offline_only_while_somebody_is_silent(books, found):
    alarm_id = books.raise_alarm("", "telecom-nb", "path_offline", at=START + 60)
    books.journal(alarm_id, "began", "raised", at=START + 60)
    books.notify(alarm_id, at=START + 60)
    assert await found() == {Violation.FALSE_OFFLINE: 1}
    books.ledger.silent("T3", at=START + 10)
    assert await found() == {}


async def test_an_alarm_that_contradicts_the_devices_last_word(books, found):
    books.execute("UPDATE alarm SET device_active = false WHERE kind = 'line_fault'")
    books.execute("UPDATE alarm SET device_active = true WHERE kind = 'fire_alarm'")
    assert await found() == {Violation.WRONG_STATE: 2}


async def test_an_alarm_closed_by_the_device_that_lasts(books, found):
    books.execute(
        "UPDATE alarm SET handling = 'closed', closed_by = 'device', closed_at = now(), device_active = false WHERE kind = 'line_fault'"
    )
    assert await found() == {Violation.WRONG_STATE: 1}


async def test_an_alarm_closed_by_a_person_is_nobodys_error(books, found):
    books.execute("UPDATE alarm SET handling = 'closed', closed_by = 'chen', closed_at = now() WHERE kind = 'line_fault'")
    assert await found() == {}


async def test_the_panels_reset_ends_what_was_active(books, found):
    books.say("T2", "reset", point="", at=START + 7)
    assert await found() == {Violation.WRONG_STATE: 2}  # the line fault, and the manual alarm's device state


async def test_nobody_told_of_a_fire(books, found):
    books.execute("DELETE FROM notification WHERE alarm_id = %(id)s", id=books.alarms["T2", "2", "manual_alarm", ""])
    assert await found() == {Violation.NOT_NOTIFIED: 1}


async def test_nobody_told_of_a_re_alarm(books, found):
    books.execute("UPDATE alarm SET re_alarms = 2 WHERE kind = 'manual_alarm'")
    assert await found() == {Violation.NOT_NOTIFIED: 2}


@pytest.mark.parametrize("state", ["due", "given_up"])
async def test_a_notification_that_was_not_sent(books, found, state):
    books.execute(
        "UPDATE notification SET state = %(state)s, sent_at = NULL WHERE alarm_id = %(id)s",
        state=state,
        id=books.alarms["T2", "1", "line_fault", ""],
    )
    assert await found() == {Violation.NOT_NOTIFIED: 1}


async def test_a_missing_confirmation_is_counted_and_tolerated(books, database):
    said = books.say("T3", "valve", written=False)
    books.store("T3", said, at=START + 2)
    books.conclude("T3", said, at=START + 2)
    given = await verdict(database.url(READER), books.ledger, patience_seconds=0)
    assert given.count(Violation.UNCONFIRMED) == 1
    assert given.ok
    assert not replace(given, tolerated=frozenset()).ok


async def test_a_device_that_counts_anew_is_a_conflict_that_must_ring(books, found):
    books.counters["T3"].wipe()
    books.say("T3", "fire_alarm", at=START + 30)
    assert await found() == {Violation.NOT_RAISED: 1}
    alarm_id = books.raise_alarm("T3", "", "key_conflict", at=START + 30 + DELAY)
    books.journal(alarm_id, "began", "raised", at=START + 30 + DELAY)
    books.notify(alarm_id, at=START + 30 + DELAY)
    assert await found() == {}


async def test_a_snapshot_is_a_cause(books, found):
    alarm_id = books.raise_alarm("T3", "5", "fault", at=START + 9)
    books.journal(alarm_id, "began", "raised", at=START + 9)
    books.notify(alarm_id, at=START + 9)
    assert (await found())[Violation.FALSELY_RAISED] == 1
    members = {"page": 1, "pages": 1, "active": [{"point": "5", "kind": "fault"}]}
    books.ledger.said("T3", compose("snapshot", books.counters["T3"], clock=START + 8, members=members), at=START + 8)
    assert Violation.FALSELY_RAISED not in await found()


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
