"""Points that nobody had registered."""

from datetime import UTC, datetime, timedelta

import pytest

from registry.points import OVERLAP, SWEEP_EVERY, Points
from registry.session import session

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)


@pytest.fixture
async def connection(database, township):
    township.village("V1")
    township.transmitter("T1", village="V1")
    async with session(database.url("wanghuo_registry"), name="test") as made:
        yield made


def points(township):
    return township.run("SELECT transmitter_id, point, registered FROM point ORDER BY 1, 2")


async def test_a_point_named_by_a_signal_is_added_as_unregistered(township, connection):
    township.run("INSERT INTO point (transmitter_id, point) VALUES ('T1', 'known')")
    for number, point in enumerate(["known", "new", "new", ""], start=1):
        township.signal("T1", point, received_at=NOW - timedelta(days=400 - number), number=number)
    township.signal("STRANGER", "p", received_at=NOW - timedelta(seconds=9), number=1)
    township.snapshot_page("T1", ["paged", "new", "x" * 65, ""], received_at=NOW - timedelta(seconds=1), number=9)
    follower = Points()
    assert await follower.add_seen(connection, now=NOW) == 2
    assert points(township) == [("T1", "known", True), ("T1", "new", False), ("T1", "paged", False)]
    assert await follower.add_seen(connection, now=NOW) == 0


async def test_it_follows_and_looks_back_over_what_was_committed_late(township, connection):
    follower = Points()
    assert await follower.add_seen(connection, now=NOW) == 0
    township.signal("T1", "late", received_at=NOW - OVERLAP, number=1)
    assert await follower.add_seen(connection, now=NOW + timedelta(seconds=5)) == 1
    township.signal("T1", "later", received_at=NOW - 2 * OVERLAP, number=2)
    assert await follower.add_seen(connection, now=NOW + timedelta(seconds=10)) == 0
    assert await follower.add_seen(connection, now=NOW + SWEEP_EVERY) == 1
    assert [point for _, point, _ in points(township)] == ["late", "later"]


async def test_a_transmitter_registered_after_its_signal(township, connection):
    township.signal("T2", "p", received_at=NOW - timedelta(hours=1), number=1)
    follower = Points()
    assert await follower.add_seen(connection, now=NOW) == 0
    township.transmitter("T2", village="V1")
    assert await follower.add_seen(connection, now=NOW + SWEEP_EVERY) == 1
