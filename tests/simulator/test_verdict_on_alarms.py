"""The verdict on alarms and notifications, on a real database: every violation that is planted is named."""

from dataclasses import replace

import pytest

from simulator.judging import verdict
from simulator.speech import compose
from simulator.verdict import Violation
from tests.simulator.books import DELAY, READER, START


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
