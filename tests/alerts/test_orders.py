"""Operators' requests, lawful and refused, on a real database."""

from datetime import UTC, datetime, timedelta

import pytest
from alarm_world import observed

from alerts import orders as orders_module
from alerts.orders import Orders
from signals.kinds import Kind


@pytest.fixture
async def obey(world):
    """Apply what is pending."""
    async with world.pool(size=2) as connections, connections.connection() as connection:
        orders = Orders(connections, roster=world.roster, now=lambda: datetime.now(UTC))

        async def turn() -> int:
            return await orders.turn(connection)

        yield turn


def done(world, request_id: str) -> tuple[str, str]:
    """What the journal says of a request."""
    (row,) = world.rows("SELECT effect, actor, detail FROM alarm_journal WHERE request_id = %s", request_id)
    return row["effect"], row["detail"].get("reason", "")


async def test_a_fire_is_acknowledged_verified_and_closed(world, obey) -> None:
    await world.conclude(observed())
    requests = [
        world.order(1, "acknowledge", by="zhao"),
        world.order(1, "verify", by="qian", disposition="false_alarm", cause="steam"),
        world.order(1, "close", by="sun"),
    ]
    assert await obey() == 3
    assert [done(world, request)[0] for request in requests] == ["acknowledged", "verified", "closed"]
    (alarm,) = world.alarms()
    assert (alarm["handling"], alarm["device_active"]) == ("closed", True)
    assert [alarm[name] for name in ("acknowledged_by", "verified_by", "closed_by", "disposition", "cause")] == [
        "zhao",
        "qian",
        "sun",
        "false_alarm",
        "steam",
    ]
    assert await obey() == 0
    events = world.rows("SELECT content->>'event' AS event, content->>'disposition' AS disposition FROM alarm_publication")
    assert [(row["event"], row["disposition"]) for row in events] == [
        ("raised", None),
        ("acknowledged", None),
        ("verified", "false_alarm"),
        ("closed", "false_alarm"),
    ]


async def test_a_refused_request_is_journalled_with_its_reason_and_changes_nothing(world, obey) -> None:
    await world.conclude(observed())
    before = world.alarms()
    request = world.order(1, "close")
    await obey()
    effect, reason = done(world, request)
    assert effect == "refused"
    assert "only after it was verified" in reason
    assert world.alarms() == before
    assert await obey() == 0


async def test_a_re_alarm_clears_what_was_acknowledged_and_the_journal_keeps_it(world, obey) -> None:
    await world.conclude(observed(seq=1))
    world.order(1, "verify", disposition="real_fire")
    await obey()
    await world.conclude(observed(seq=2), at=datetime.now(UTC))
    (alarm,) = world.alarms()
    assert (alarm["handling"], alarm["re_alarms"]) == ("open", 1)
    assert [alarm[name] for name in ("acknowledged_by", "verified_by", "disposition")] == [None, None, None]
    (kept,) = world.rows("SELECT actor, detail FROM alarm_journal WHERE event = 'verify'")
    assert (kept["actor"], kept["detail"]["disposition"]) == ("wang", "real_fire")


async def test_a_request_made_before_a_re_alarm_is_refused(world, obey) -> None:
    await world.conclude(observed(seq=1), observed(seq=2, active=False))
    request = world.order(1, "acknowledge")
    await world.conclude(observed(seq=3), at=datetime.now(UTC) + timedelta(seconds=1))
    await obey()
    assert done(world, request) == ("refused", "the alarm re-alarmed after this was asked for: look at it anew")


async def test_nobody_may_close_a_fire_under_the_name_of_a_device(world, obey) -> None:
    await world.conclude(observed())
    world.order(1, "verify", disposition="unknown")
    request = world.order(1, "close", by="device")
    await obey()
    assert done(world, request)[0] == "refused"
    assert world.alarms()[0]["handling"] == "verified"


async def test_a_fault_is_closed_by_a_person_without_verification_and_rings_again_when_it_begins(world, obey) -> None:
    await world.conclude(observed(Kind.FAULT, seq=1))
    world.order(1, "close")
    await obey()
    await world.conclude(observed(Kind.FAULT, seq=2))
    assert [row["handling"] for row in world.alarms()] == ["closed", "open"]


async def test_a_request_that_nobody_could_apply_for_a_week_is_left(world, obey) -> None:
    await world.conclude(observed())
    world.order(1, "acknowledge")
    world.rows("UPDATE operator_action SET requested_at = now() - interval '8 days'")
    assert await obey() == 0
    assert world.alarms()[0]["handling"] == "open"


async def test_two_services_apply_a_request_once(world, obey) -> None:
    await world.conclude(observed())
    world.order(1, "acknowledge")
    async with world.pool(size=2) as connections, connections.connection() as connection:
        other = Orders(connections, roster=world.roster, now=lambda: datetime.now(UTC))
        (pending,) = await other._pending(connection)
        await obey()
        await other._apply(connection, pending)
    assert [row[2] for row in world.journal()] == ["raised", "acknowledged"]


async def test_many_requests_are_taken_by_and_by(world, obey, monkeypatch) -> None:
    monkeypatch.setattr(orders_module, "AT_ONCE", 2)
    await world.conclude(*(observed(point=f"P{number}", seq=number) for number in range(5)))
    for number in range(1, 6):
        world.order(number, "acknowledge")
    assert [await obey() for _ in range(4)] == [2, 2, 1, 0]
    assert {row["handling"] for row in world.alarms()} == {"acknowledged"}


REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON alarm FOR EACH ROW WHEN (NEW.alarm_id = 1) EXECUTE FUNCTION refuse();
"""


async def test_a_request_that_the_database_will_not_take_does_not_stop_the_others(world, obey) -> None:
    await world.conclude(observed(seq=1), observed(point="P2", seq=2))
    world.rows(REFUSING)
    world.order(1, "acknowledge")
    world.order(2, "acknowledge")
    assert await obey() == 2
    assert [row["handling"] for row in world.alarms()] == ["open", "acknowledged"]
    assert await obey() == 0
