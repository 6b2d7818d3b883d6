"""The door to alarms, on a real database: what is written, and that two transactions never step over one another."""

import asyncio
import time

import psycopg
import pytest
from alarm_world import AT, OnDuty, later, observed

from alerts.conclusions import CompleteSnapshot, conclude
from alerts.facts import Actor, ConditionKey, Ineffective
from alerts.machine import Outcome
from signals.kinds import Kind

TIMEOUT_SECONDS = 60


async def test_a_fire_is_an_alarm_with_its_place_its_reason_and_those_to_call(world) -> None:
    detail = {"text": "烟雾", "level": "high", "values": {"temperature_celsius": 61.25}, "defects": ["seq: missing"]}
    (found,) = await world.conclude(observed(detail=detail, origin_key=b"k" * 16))
    assert (found.alarm_id, found.outcome) == (1, Outcome.RAISED)
    (alarm,) = world.alarms()
    assert (alarm["village_id"], alarm["key_unit_id"], alarm["registered"], alarm["priority"]) == ("V1", "U1", True, 0)
    assert alarm["reason"] == "烟雾; level high; temperature_celsius 61.25; defects: seq: missing"
    assert alarm["detail"] == detail
    assert (alarm["occurred_at"], alarm["received_at"]) == (later(1), later(1.2))
    (journal,) = world.rows("SELECT * FROM alarm_journal")
    assert (journal["alarm_id"], bytes(journal["origin_key"]), journal["at"]) == (1, b"k" * 16, AT)
    owed = world.rows("SELECT * FROM notification ORDER BY recipient")
    assert [row["recipient"] for row in owed] == ["li", "wang"]
    assert owed[0]["title"] == "火警 Fire alarm · 鸿福家具厂 · 烟感 12"
    for told in ("2025-03-01 14:00:01", "白奇村 · 鸿福家具厂", "海滨路 3 号", "0595-8712", "T1/P1", "门卫室 · 二层东", "61.25"):
        assert told in owed[0]["body"]


async def test_unregistered_points_and_unknown_transmitters_ring(world) -> None:
    await world.conclude(observed(point="never seen"), observed(transmitter="T2", point=""), observed(transmitter="stranger"))
    places = {row["transmitter_id"]: (row["village_id"], row["key_unit_id"], row["registered"]) for row in world.alarms()}
    assert places == {"T1": ("V1", "U1", False), "T2": ("V2", None, True), "stranger": (None, None, False)}
    published = world.rows("SELECT village_id, content->>'registered' AS registered FROM alarm_publication ORDER BY publication_id")
    assert {row["village_id"] for row in published} == {"V1", "V2", None}
    assert "not in the register" in world.rows("SELECT body FROM notification WHERE alarm_id = 1")[0]["body"]


async def test_unclassified_and_key_conflict_ring_and_never_close_by_themselves(world) -> None:
    await world.conclude(
        observed(Kind.UNCLASSIFIED, raw_kind="huo_jing", seq=1),
        observed(Kind.UNCLASSIFIED, raw_kind="yan_wu", seq=2),
        observed(Kind.KEY_CONFLICT, point="", seq=None, actor=Actor.CENTRE, detail={"class": "signal", "boot": 1, "seq": 2}),
    )
    await world.conclude(
        observed(Kind.UNCLASSIFIED, raw_kind="huo_jing", seq=3, active=False), observed(Kind.RESET, point="", seq=4)
    )
    found = {(row["kind"], row["raw_kind"]): (row["handling"], row["device_active"]) for row in world.alarms()}
    assert found == {
        ("unclassified", "huo_jing"): ("open", False),
        ("unclassified", "yan_wu"): ("open", False),
        ("key_conflict", ""): ("open", True),
    }


async def test_a_re_alarm_keeps_the_row_and_calls_anew_under_another_id(world) -> None:
    await world.conclude(observed(seq=1))
    await world.conclude(observed(seq=2, active=False))
    await world.conclude(observed(seq=3, reason="again"), observed(seq=4))
    (alarm,) = world.alarms()
    assert (alarm["re_alarms"], alarm["occurrences"], alarm["device_active"], alarm["reason"]) == (1, 3, True, "again")
    owed = world.rows("SELECT notification_id, occasion, title FROM notification WHERE recipient = 'li' ORDER BY occasion")
    assert [row["occasion"] for row in owed] == [0, 1]
    assert "再次报警 #1" in owed[1]["title"]
    assert len({row["notification_id"] for row in owed}) == 2
    events = world.rows("SELECT content FROM alarm_publication ORDER BY publication_id")
    assert [(row["content"]["event"], row["content"]["re_alarm"], row["content"]["annunciate"]) for row in events] == [
        ("raised", False, True),
        ("restored", False, False),
        ("re_alarmed", True, True),
    ]


async def test_nobody_on_duty_does_not_keep_an_alarm_from_being_raised(world) -> None:
    await world.conclude(observed(), roster=OnDuty(()))
    assert len(world.alarms()) == 1
    assert world.rows("SELECT * FROM notification") == []


async def test_whole_lives_in_one_batch_are_written_as_they_ended(world) -> None:
    await world.conclude(*(observed(Kind.FAULT, seq=seq, active=seq % 2 == 1) for seq in range(1, 6)))
    assert [row["handling"] for row in world.alarms()] == ["closed", "closed", "open"]
    assert [row["closed_by"] for row in world.alarms()] == ["device", "device", None]
    assert world.journal() == [
        (1, "began", "raised", "device"),
        (1, "over", "closed", "device"),
        (2, "began", "raised", "device"),
        (2, "over", "closed", "device"),
        (3, "began", "raised", "device"),
    ]


async def test_a_reset_reaches_conditions_that_the_batch_does_not_name(world) -> None:
    await world.conclude(observed(point="P1", seq=1), observed(Kind.FAULT, point="P2", seq=2), observed(transmitter="T2", seq=1))
    await world.conclude(observed(Kind.RESET, point="", seq=3))
    found = {(row["transmitter_id"], row["point"]): (row["device_active"], row["handling"]) for row in world.alarms()}
    assert found == {("T1", "P1"): (False, "open"), ("T1", "P2"): (False, "closed"), ("T2", "P1"): (True, "open")}
    told = world.rows("SELECT content FROM alarm_publication WHERE alarm_id = 1 ORDER BY publication_id DESC LIMIT 1")[0]["content"]
    assert (told["point_name"], told["key_unit_name"]) == ("烟感 12", "鸿福家具厂")


async def test_what_began_before_a_reset_and_comes_after_it_rings_as_restored(world) -> None:
    await world.conclude(observed(Kind.RESET, point="", seq=5))
    await world.conclude(observed(point="L1/7", seq=4), observed(Kind.FAULT, seq=3), observed(point="L1/8", seq=6))
    found = {row["point"]: (row["device_active"], row["handling"]) for row in world.alarms()}
    assert found == {"L1/7": (False, "open"), "L1/8": (True, "open")}


async def test_a_snapshot_is_reconciled_with_what_is_stored(world) -> None:
    await world.conclude(observed(Kind.FAULT, point="P1", seq=1), observed(point="P2", seq=2))
    listed = frozenset({ConditionKey("T1", "P2", Kind.FIRE_ALARM, ""), ConditionKey("T1", "P3", Kind.FIRE_ALARM, "")})
    taken = CompleteSnapshot(transmitter_id="T1", boot=1, taken_at=later(10), received_at=later(11), active=listed)
    await world.conclude(taken)
    found = {row["point"]: (row["device_active"], row["handling"]) for row in world.alarms()}
    assert found == {"P1": (False, "closed"), "P2": (True, "open"), "P3": (True, "open")}
    assert world.rows("SELECT occurrences FROM alarm WHERE point = 'P2'") == [{"occurrences": 1}]


async def test_a_wiped_device_counting_anew_rings_and_is_believed(world) -> None:
    await world.conclude(observed(boot=9, seq=70, second=10), observed(boot=9, seq=71, second=11, active=False))
    await world.conclude(observed(boot=1, seq=1, second=60))
    assert world.alarms()[0]["device_active"]
    await world.conclude(observed(boot=1, seq=2, second=61, active=False))
    assert not world.alarms()[0]["device_active"]
    (condition,) = world.rows("SELECT boot, seq, active FROM condition")
    assert condition == {"boot": 1, "seq": 2, "active": False}


async def test_a_wiped_device_that_counts_its_old_boot_anew_rings_for_its_faults_too(world) -> None:
    await world.conclude(observed(Kind.FAULT, seq=70, second=10), observed(Kind.FAULT, seq=71, second=11, active=False))
    await world.conclude(observed(Kind.FAULT, seq=1, second=60))
    assert [(row["device_active"], row["handling"]) for row in world.alarms()] == [(False, "closed"), (True, "open")]
    await world.conclude(observed(Kind.FAULT, seq=2, second=61, active=False))
    assert [row["handling"] for row in world.alarms()] == ["closed", "closed"]


async def test_what_is_rolled_back_left_nothing(world) -> None:
    async with world.alerts() as connection:
        async with connection.transaction(force_rollback=True):
            await conclude(connection, [observed()], roster=OnDuty(), at=AT)
        assert world.alarms() == []
        async with connection.transaction():
            await conclude(connection, [observed()], roster=OnDuty(), at=AT)
    assert len(world.alarms()) == 1


@pytest.mark.parametrize("kind", [Kind.FIRE_ALARM, Kind.FAULT])
async def test_two_transactions_in_either_order_come_to_the_same_end(world, kind: Kind) -> None:
    """The second holds the condition's lock while the first waits: whoever comes first, the newer word stands in the end."""
    began, over = observed(kind, seq=1), observed(kind, seq=2, active=False)
    async with world.alerts() as one, world.alerts() as other:

        async def first() -> None:
            async with one.transaction():
                await conclude(one, [began], roster=OnDuty(), at=AT)

        async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as tasks, other.transaction():
            await conclude(other, [over], roster=OnDuty(), at=AT)
            waiting = tasks.create_task(first())
            await _blocked(world, one)
            assert not waiting.done()
    (condition,) = world.rows("SELECT seq, active FROM condition")
    assert condition == {"seq": 2, "active": False}
    expected = [("open", False)] if kind is Kind.FIRE_ALARM else []
    assert [(row["handling"], row["device_active"]) for row in world.alarms()] == expected


async def _blocked(world, connection: psycopg.AsyncConnection) -> None:
    """Return when the connection waits for a lock."""
    wanted = connection.info.backend_pid
    while not world.rows("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'", wanted):
        await asyncio.sleep(0.01)


async def test_two_workers_at_the_same_fire_raise_one_alarm(world) -> None:
    async def worker(seqs: range) -> None:
        async with world.alerts() as connection:
            for seq in seqs:
                async with connection.transaction():
                    await conclude(connection, [observed(seq=seq), observed(point="P2", seq=seq)], roster=OnDuty(), at=AT)

    async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as tasks:
        for first in (0, 1, 2):
            tasks.create_task(worker(range(first, 60, 3)))
    assert [(row["occurrences"], row["re_alarms"]) for row in world.alarms()] == [(60, 0), (60, 0)]
    assert world.rows("SELECT count(*) AS n FROM notification")[0]["n"] == 4


async def test_snapshot_resets_and_signals_of_many_workers_never_wait_in_a_circle(world) -> None:
    facts = [
        [observed(point=f"P{number}", seq=seq) for number in range(20)]
        if seq % 4
        else [observed(Kind.RESET, point="", seq=seq), observed(transmitter="T2", seq=seq)]
        for seq in range(1, 41)
    ]

    async def worker(mine: list) -> None:
        async with world.alerts() as connection:
            for batch in mine:
                async with connection.transaction():
                    await conclude(connection, batch, roster=OnDuty(()), at=AT)

    async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as tasks:
        for first in range(4):
            tasks.create_task(worker(facts[first::4][:: 1 if first % 2 else -1]))
    fires = [row for row in world.alarms() if row["transmitter_id"] == "T1"]
    assert len(fires) == 20
    assert {(row["handling"], row["device_active"], row["occurrences"]) for row in fires} == {("open", False, 30)}


async def test_the_database_itself_allows_one_open_alarm_of_a_condition(world) -> None:
    """What a writer that does not lock would meet."""
    await world.conclude(observed())
    copy = """INSERT INTO alarm (transmitter_id, point, kind, behaviour, priority, registered, device_active, occurred_at, received_at,
                                 changed_at)
              SELECT transmitter_id, point, kind, behaviour, priority, registered, device_active, occurred_at, received_at, changed_at
              FROM alarm"""
    async with world.alerts() as connection:
        with pytest.raises(psycopg.errors.UniqueViolation, match="alarm_one_open"):
            await connection.execute(copy)


async def test_an_alarm_storm_is_concluded_in_a_handful_of_statements(world) -> None:
    storm = [observed(point=f"P{number}", seq=number) for number in range(5000)]
    async with world.alerts() as connection:
        statements = _counted(connection)
        started = time.monotonic()
        async with connection.transaction():
            found = await conclude(connection, storm, roster=OnDuty(), at=AT)
        print(f"5,000 signals concluded in {time.monotonic() - started:.2f} s")  # noqa: T201
        assert len(statements) <= 12
    assert len(found) == len({conclusion.alarm_id for conclusion in found}) == 5000
    assert world.rows("SELECT count(*) AS n FROM alarm") == [{"n": 5000}]
    assert world.rows("SELECT count(*) AS n FROM notification") == [{"n": 10000}]


def _counted(connection: psycopg.AsyncConnection) -> list[str]:
    """The statements executed from now on."""
    statements: list[str] = []
    execute = connection.execute

    async def counting(query, *arguments, **named):
        statements.append(str(query))
        return await execute(query, *arguments, **named)

    connection.execute = counting  # type: ignore[method-assign]
    return statements


async def test_the_order_of_arrival_within_a_batch_is_mended_by_the_counter(world) -> None:
    await world.conclude(observed(Kind.FAULT, seq=2, active=False), observed(Kind.FAULT, seq=1))
    assert [row["handling"] for row in world.alarms()] == ["closed"]
    found = await world.conclude(observed(Kind.FAULT, seq=0))
    assert [conclusion.outcome for conclusion in found] == [Ineffective.OLDER]
    assert world.journal()[-1] == (None, "began", "older", "device")
