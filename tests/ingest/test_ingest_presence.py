"""Who was heard when: what is written, and how far it may lag."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.presence import DEVICES_MAXIMUM, MINUTE, SHANGHAI, Presence, instant, next_due
from signals.instants import microseconds

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
SECOND = 1_000_000


def at(seconds: float, *, of: datetime = NOON) -> int:
    return microseconds(of) + round(seconds * SECOND)


def say(presence: Presence, seconds: float, *, point: str = "") -> None:
    presence.heard(presence["T1", point], at(seconds))


def test_the_first_message_is_written_at_once_and_the_next_only_after_ten_seconds():
    presence = Presence()
    say(presence, 1)
    rows, days = presence.rows(at(1))
    assert [(row.transmitter_id, row.point, row.last_heard_at) for row in rows] == [("T1", "", NOON + timedelta(seconds=1))]
    assert [(day.day, day.minute, day.messages) for day in days] == [(date(2026, 11, 23), 720, 1)]
    say(presence, 2)
    assert presence.rows(at(2)) == ([], [])
    say(presence, 11)
    rows, days = presence.rows(at(11))
    assert [row.last_heard_at for row in rows] == [NOON + timedelta(seconds=11)]
    assert sum(day.messages for day in days) == 2


def test_a_new_minute_is_written_at_once():
    presence = Presence()
    say(presence, 58)
    presence.rows(at(58))
    say(presence, 60)
    rows, days = presence.rows(at(60))
    assert len(rows) == 1
    assert [day.minute for day in days] == [721]


def test_what_was_said_last_is_written_though_nothing_follows():
    presence = Presence()
    say(presence, 1)
    presence.rows(at(1))
    say(presence, 9)
    assert presence.rows(at(9)) == ([], [])
    rows, days = presence.rows(at(14))
    assert [row.last_heard_at for row in rows] == [NOON + timedelta(seconds=9)]
    assert [day.messages for day in days] == [1]
    assert presence.rows(at(30)) == ([], []), "it was written already"


def test_a_day_ends_at_midnight_in_shanghai():
    presence = Presence()
    midnight = datetime(2026, 11, 24, tzinfo=SHANGHAI)
    for seconds in (-2.0, -1.0, 0.0):
        presence.heard(presence["T1", ""], at(seconds, of=midnight))
    _, days = presence.rows(at(0, of=midnight))
    assert [(day.day, day.minute, day.messages) for day in days] == [(date(2026, 11, 23), 1439, 2), (date(2026, 11, 24), 0, 1)]
    assert all(day.first_heard_at.astimezone(SHANGHAI).date() == day.day for day in days)


def test_a_device_behind_a_bridge_has_a_row_and_no_day():
    presence = Presence()
    say(presence, 1, point="device-7")
    rows, days = presence.rows(at(1))
    assert [(row.point) for row in rows] == ["device-7"]
    assert days == []


def test_devices_behind_one_transmitter_are_bounded():
    presence = Presence()
    devices = [presence.device("bridge", f"device-{number}") for number in range(DEVICES_MAXIMUM + 3)]
    assert devices.count(None) == 3
    assert presence.device("bridge", "device-7") is devices[7]
    assert presence.device("other", "device-1") is not None


def test_the_clock_offset_is_the_least_of_the_last_two_rows():
    presence = Presence()
    heard = presence["T1", ""]
    for seconds, late in ((1, 5.0), (2, 0.4), (15, 3.0), (30, 2.0)):
        say(presence, seconds)
        heard.note_clock(at(seconds - late), at=at(seconds))
        rows, _ = presence.rows(at(seconds))
        if seconds != 2:
            offsets = {1: 5.0, 15: 0.4, 30: 0.4}
            assert [row.clock_offset_seconds for row in rows] == [offsets[seconds]]
    say(presence, 45)
    rows, _ = presence.rows(at(45))
    assert [row.clock_offset_seconds for row in rows] == [2.0]
    say(presence, 60)
    rows, _ = presence.rows(at(60))
    assert [row.clock_offset_seconds for row in rows] == [None], "nothing live was said: what is stored stays"


def test_a_clock_of_ours_that_is_set_back_silences_nobody():
    presence = Presence()
    say(presence, 7200)
    presence.rows(at(7200))
    say(presence, 0)
    presence.rows(at(0))
    say(presence, 1)
    rows, _ = presence.rows(at(1))
    assert [row.last_heard_at for row in rows] == [NOON + timedelta(seconds=1)]


def test_a_promise_is_written_once():
    presence = Presence()
    say(presence, 1)
    heard = presence["T1", ""]
    heard.interval_seconds, heard.heartbeat = 300, "{}"
    rows, _ = presence.rows(at(1))
    assert [(row.interval_seconds, row.heartbeat) for row in rows] == [(300, "{}")]
    say(presence, 20)
    rows, _ = presence.rows(at(20))
    assert [(row.interval_seconds, row.heartbeat) for row in rows] == [(None, None)]


@given(st.integers(0, 10**15))
def test_a_row_is_due_within_ten_seconds_and_at_the_end_of_the_minute(now):
    due = next_due(now)
    assert now < due <= now + 10 * SECOND
    assert due // MINUTE == now // MINUTE or due % MINUTE == 0
    assert instant(due) > instant(now)


@given(st.lists(st.integers(0, 400).map(lambda tenths: tenths / 2), min_size=1, max_size=60).map(sorted), st.integers(1, 7))
def test_every_minute_and_every_message_is_written_once_however_batches_are_cut(moments, size):
    presence, days = Presence(), []
    for start in range(0, len(moments), size):
        batch = moments[start : start + size]
        for seconds in batch:
            say(presence, seconds)
        rows, new = presence.rows(at(batch[-1]))
        days += new
        for row in rows:
            assert (at(batch[-1]) - microseconds(row.last_heard_at)) <= 10 * SECOND
    for seconds in (500, 520):
        days += presence.rows(at(seconds))[1]
    assert {day.minute for day in days} == {720 + int(seconds // 60) for seconds in moments}
    assert sum(day.messages for day in days) == len(moments)
    assert min(day.first_heard_at for day in days) == NOON + timedelta(seconds=moments[0])
    assert max(day.last_heard_at for day in days) == NOON + timedelta(seconds=moments[-1])
