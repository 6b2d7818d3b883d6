"""The ratio of a real database, and the snapshots of it."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from registry.days import end_of
from registry.measuring import CATCH_UP_DAYS, Occasion, measure_now, measured_at, snapshots, take_daily_snapshots, take_snapshot
from registry.ratio import Denominator, Figures, Reason, figures, figures_by_village, moment
from registry.session import session

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)
TODAY = date(2026, 5, 1)
YESTERDAY = date(2026, 4, 30)


@pytest.fixture
async def connection(database):
    async with session(database.url("wanghuo_registry"), name="test") as made:
        yield made


async def test_the_figures_of_a_register(township, connection):
    township.example(NOW)
    measured = await measure_now(connection, moment=moment(now=NOW))
    assert [(one.key_unit_id, one.reason, one.online, one.transmitter_id) for one in measured.evidence] == [
        ("U1", Reason.CONNECTED, True, "T1"),
        ("U2", Reason.CONNECTED, False, "T2"),
        ("U3", Reason.NO_TRANSMITTER, False, None),
        ("U4", Reason.LAPSED, False, "T4"),
    ]
    assert figures(measured.evidence, denominator=Denominator.ALL) == Figures(units=4, connected=2, online=1)
    assert figures_by_village(measured.evidence, villages=measured.villages, denominator=Denominator.CONTROL_ROOM) == {
        "V1": Figures(units=1, connected=1, online=1),
        "V2": Figures(units=1, connected=0, online=0),
    }


async def test_the_register_is_dated(township, connection):
    township.village("V1")
    township.unit("OLD", "V1", listed_on="2024-01-01", delisted_on="2026-02-01")
    township.unit("NEW", "V1", listed_on="2026-02-01")
    listed = {}
    for day in (date(2023, 12, 31), date(2026, 1, 31), date(2026, 2, 1)):
        measured = await measure_now(connection, moment=moment(now=NOW, on=day))
        listed[day] = [one.key_unit_id for one in measured.evidence]
    assert listed == {date(2023, 12, 31): [], date(2026, 1, 31): ["OLD"], date(2026, 2, 1): ["NEW"]}


async def test_a_past_day_is_measured_by_what_was_heard_until_its_end(township, connection):
    township.village("V1")
    township.unit("U1", "V1")
    township.transmitter("T1", unit="U1", accepted_on="2026-01-01")
    evening = end_of(date(2026, 3, 1)) - timedelta(minutes=30)
    township.heard("T1", evening, lane="signal")
    township.heard("T1", evening - timedelta(hours=9), NOW, lane="telemetry")
    found = {}
    for day in (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 31), date(2026, 4, 1), TODAY):
        (one,) = (await measure_now(connection, moment=moment(now=NOW, on=day))).evidence
        found[day] = (one.reason, one.online, one.last_heard_at)
    assert found == {
        date(2026, 3, 1): (Reason.CONNECTED, True, evening),
        date(2026, 3, 2): (Reason.CONNECTED, False, evening),
        date(2026, 3, 31): (Reason.CONNECTED, False, evening),
        date(2026, 4, 1): (Reason.LAPSED, False, evening),
        TODAY: (Reason.CONNECTED, True, NOW),
    }


async def test_a_snapshot_on_demand_holds_the_evidence(township, connection):
    township.example(NOW)
    taken = [await take_snapshot(connection, moment=moment(now=NOW), occasion=Occasion.ON_DEMAND, now=NOW) for _ in range(2)]
    assert await snapshots(connection, first=TODAY, last=TODAY) == taken
    assert [one.reason for one in taken[0].evidence] == ["connected", "connected", "no_transmitter", "lapsed"]
    assert measured_at(taken[0]) == NOW
    township.run("UPDATE key_unit SET delisted_on = '2026-04-01'")
    assert await snapshots(connection, first=TODAY, last=TODAY) == taken


async def test_a_snapshot_of_nothing_is_one_too(connection):
    taken = await take_snapshot(connection, moment=moment(now=NOW), occasion=Occasion.ON_DEMAND, now=NOW)
    assert taken.evidence == []
    assert await snapshots(connection, first=TODAY, last=TODAY) == [taken]


async def test_daily_snapshots_begin_with_yesterday_and_are_taken_once(township, connection):
    township.example(NOW)
    assert await take_daily_snapshots(connection, now=NOW, lapse_days=30) == [YESTERDAY]
    assert await take_daily_snapshots(connection, now=NOW, lapse_days=30) == []
    (only,) = await snapshots(connection, first=date(2026, 1, 1), last=TODAY)
    assert (only.on_date, only.occasion, measured_at(only)) == (YESTERDAY, Occasion.DAILY, end_of(YESTERDAY))
    # T1 was heard today only.
    assert [one.last_heard_at for one in only.evidence if one.transmitter_id == "T1"] == [None]


async def test_daily_snapshots_catch_up_after_a_downtime(township, connection):
    township.example(NOW)
    await take_daily_snapshots(connection, now=NOW, lapse_days=30)
    later = NOW + timedelta(days=5)
    expected = [TODAY + timedelta(days=number) for number in range(5)]
    assert await take_daily_snapshots(connection, now=later, lapse_days=30) == expected
    found = await snapshots(connection, first=YESTERDAY, last=date(2026, 5, 31))
    assert [one.on_date for one in found] == [YESTERDAY, *expected]
    assert [measured_at(one) for one in found] == [end_of(one.on_date) for one in found]


async def test_catching_up_has_a_limit(connection):
    await take_daily_snapshots(connection, now=NOW - timedelta(days=CATCH_UP_DAYS + 100), lapse_days=30)
    assert len(await take_daily_snapshots(connection, now=NOW, lapse_days=30)) == CATCH_UP_DAYS + 1


async def test_a_day_is_closed_five_minutes_after_its_midnight(connection):
    midnight = end_of(TODAY)
    assert await take_daily_snapshots(connection, now=midnight + timedelta(minutes=4, seconds=59), lapse_days=30) == [YESTERDAY]
    assert await take_daily_snapshots(connection, now=midnight + timedelta(minutes=5), lapse_days=30) == [TODAY]


async def test_another_lapse_is_another_series(connection):
    assert await take_daily_snapshots(connection, now=NOW, lapse_days=30) == [YESTERDAY]
    assert await take_daily_snapshots(connection, now=NOW, lapse_days=60) == [YESTERDAY]


async def test_two_services_at_once_take_each_day_once(database, township):
    township.example(NOW)

    async def take():
        async with session(database.url("wanghuo_registry"), name="test") as own:
            return await take_daily_snapshots(own, now=NOW, lapse_days=30)

    days = await asyncio.gather(*(take() for _ in range(4)))
    assert sorted(days) == [[], [], [], [YESTERDAY]]
    assert township.run("SELECT count(*) FROM connection_snapshot_unit") == [(4,)]


async def test_since_when_the_centre_listens(township, connection):
    assert (await measure_now(connection, moment=moment(now=NOW))).listening_since is None
    township.run("INSERT INTO ingest_uptime VALUES ('signal', %s, %s)", [NOW - timedelta(days=2), NOW])
    assert (await measure_now(connection, moment=moment(now=NOW))).listening_since == NOW - timedelta(days=2)
