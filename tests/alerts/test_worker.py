"""From the hand-over to alarms, whatever happens on the way."""

import asyncio
import secrets
import signal as signals
import subprocess
import sys
import textwrap
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from alarm_world import AT, TIMEOUT_SECONDS, later, signal

from alerts import worker as worker_module
from alerts.listening import listen
from alerts.worker import Worker


async def test_what_is_handed_over_is_concluded_and_gone(world) -> None:
    world.store(signal("fire_alarm", seq=1, detail={"text": "hot"}, defects=["at: unreadable"]), signal("test", seq=2))
    world.store(signal("key_conflict", **{"class": "centre"}, boot=None, seq=None, point="", occurred_at=AT, received_at=AT))
    async with world.worker() as (worker, connection):
        assert await worker.turn(connection) == 3
        assert await worker.turn(connection) == 0
    assert world.rows("SELECT * FROM signal_inbox") == []
    fire, conflict = world.alarms()
    assert (fire["kind"], fire["detail"]) == ("fire_alarm", {"text": "hot", "defects": ["at: unreadable"]})
    assert conflict["kind"] == "key_conflict"
    assert [row[3] for row in world.journal()] == ["device", "centre"]
    (stored,) = world.rows("SELECT origin_key FROM signal WHERE kind = 'fire_alarm'")
    assert world.rows("SELECT origin_key FROM alarm_journal WHERE alarm_id = %s", fire["alarm_id"]) == [stored]


async def test_fire_is_taken_before_everything_else(world, monkeypatch) -> None:
    monkeypatch.setattr(worker_module, "BATCH_ROWS", 1)
    world.store(signal("fault", seq=1), signal("fault", seq=2, point="P2"), signal("fire_alarm", seq=3))
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
    assert [row["kind"] for row in world.alarms()] == ["fire_alarm"]


async def test_an_unknown_word_becomes_an_unclassified_alarm_with_its_raw_name(world) -> None:
    world.store(signal("HUO JING", seq=1))
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
    (alarm,) = world.alarms()
    assert (alarm["kind"], alarm["raw_kind"], alarm["behaviour"], alarm["priority"]) == ("unclassified", "HUO JING", "latching", 0)
    assert "HUO JING" in alarm["reason"]


async def test_a_snapshot_of_several_pages_is_one_and_a_replaced_page_counts_as_received_last(world) -> None:
    world.store(signal("fault", seq=1, point="P1"), signal("fault", seq=2, point="P2"))

    def page(number: int, *active: tuple[str, str], **more):
        listed = [{"point": point, "kind": kind} for point, kind in active]
        detail = {"page": number, "pages": 2, "active": listed}
        return signal(None, **{"class": "snapshot"}, seq=40 + number, detail=detail, occurred_at=later(60 + number), **more)

    first, last = page(1, ("P2", "fault")), page(2, ("P3", "fire_alarm"), ("P4", "huo"))
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
        world.store(page(1, ("P1", "fault"), received_at=later(61)), handed_over=False)
        world.store({**first, "received_at": later(70)}, handed_over=False)
        world.store({**last, "received_at": later(71)})
        assert await worker.turn(connection) == 1
    found = {row["point"]: (row["kind"], row["device_active"], row["handling"]) for row in world.alarms()}
    assert found == {
        "P1": ("fault", False, "closed"),
        "P2": ("fault", True, "open"),
        "P3": ("fire_alarm", True, "open"),
        "P4": ("unclassified", True, "open"),
    }


async def test_a_poisonous_row_rings_as_unreadable_and_does_not_stop_the_others(world) -> None:
    world.store(signal("fire_alarm", seq=1))
    world.store(signal("fault", seq=2, transmitter_id="T2"))
    world.rows("UPDATE signal SET kind = 'no kind' WHERE seq = 2")
    world.store(signal("fire_alarm", seq=3, point="P9"))
    async with world.worker() as (worker, connection):
        assert await worker.turn(connection) == 3
    assert world.rows("SELECT * FROM signal_inbox") == []
    found = {(row["transmitter_id"], row["point"], row["kind"]) for row in world.alarms()}
    assert found == {("T1", "P1", "fire_alarm"), ("T1", "P9", "fire_alarm"), ("T2", "", "unreadable")}
    (poison,) = world.rows("SELECT reason, detail FROM alarm WHERE kind = 'unreadable'")
    assert "no kind" in poison["detail"]["detail"]


async def test_what_the_database_cannot_hold_rings_as_unreadable(world) -> None:
    endless = secrets.token_hex(1325)  # with its point and kind too long for the index of conditions (2,704 bytes)
    world.store(signal("fire_alarm", seq=1), signal("fire_alarm", seq=2, transmitter_id=endless, point=secrets.token_hex(30)))
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
    assert {(row["transmitter_id"], row["kind"]) for row in world.alarms()} == {("T1", "fire_alarm"), (endless, "unreadable")}
    assert world.rows("SELECT * FROM signal_inbox") == []


REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON condition FOR EACH ROW WHEN (NEW.point = 'P2') EXECUTE FUNCTION refuse();
"""


async def test_a_row_that_the_database_will_not_take_is_found_though_the_error_does_not_blame_it(world) -> None:
    world.rows(REFUSING)
    world.store(*(signal("fire_alarm", seq=seq, point=f"P{seq}") for seq in (1, 2, 3)))
    async with world.worker() as (worker, connection):
        assert await worker.turn(connection) == 3
    assert [(row["point"], row["kind"]) for row in world.alarms()] == [
        ("P1", "fire_alarm"),
        ("", "unreadable"),
        ("P3", "fire_alarm"),
    ]
    assert world.rows("SELECT * FROM signal_inbox") == []


async def test_what_cannot_even_be_said_to_be_unreadable_is_set_aside_and_tried_again_at_the_next_start(world) -> None:
    world.rows(REFUSING.replace("NEW.point = 'P2'", "NEW.transmitter_id = 'T2'"))
    world.store(signal("fire_alarm", seq=1, transmitter_id="T2"), signal("fire_alarm", seq=2))
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
        assert await worker.turn(connection) == 0
    assert [row["transmitter_id"] for row in world.alarms()] == ["T1"]
    world.rows("DROP TRIGGER refuse ON condition")
    async with world.worker() as (worker, connection):
        assert await worker.turn(connection) == 1
    assert [row["transmitter_id"] for row in world.alarms()] == ["T1", "T2"]


async def test_a_hand_over_without_its_signal_rings(world) -> None:
    world.rows("INSERT INTO signal_inbox (priority, transmitter_id, origin_key) VALUES (1, 'T1', '')")
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
    assert [row["kind"] for row in world.alarms()] == ["unreadable"]


@asynccontextmanager
async def running(*works):
    """Coroutines running beside the test."""
    async with asyncio.timeout(TIMEOUT_SECONDS), asyncio.TaskGroup() as tasks:
        started = [tasks.create_task(work) for work in works]
        yield started
        for task in started:
            task.cancel()


async def test_notify_wakes_the_worker_and_its_loss_does_not_matter(world) -> None:
    async with world.pool(size=1) as connections:
        worker = Worker(connections, roster=world.roster, now=lambda: AT)
        heard = asyncio.Event()
        listening = listen(world.database.url("wanghuo_alerts"), heard=lambda: (heard.set(), worker.wake.set()))
        async with running(worker.run(), listening) as tasks:
            await heard.wait()
            heard.clear()
            world.store(signal("fire_alarm", seq=1))
            await heard.wait()
            await world.until("SELECT 1 FROM alarm WHERE point = 'P1'")
            heard.clear()
            _end(world, "wanghuo alerts listening")
            await heard.wait()  # it listens anew
            tasks[1].cancel()
            await asyncio.wait([tasks[1]])
            world.store(signal("fire_alarm", seq=2, point="P2"))
            await world.until("SELECT 1 FROM alarm WHERE point = 'P2'")


def _end(world, name: str) -> None:
    ended = world.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", name)
    assert ended


async def test_a_lost_connection_and_a_stopped_database_are_waited_for(world) -> None:
    async with world.pool(size=1) as connections:
        worker = Worker(connections, roster=world.roster, now=lambda: AT)
        async with running(worker.run()):
            world.store(signal("fire_alarm", seq=1))
            await world.until("SELECT 1 FROM alarm")
            await _until(lambda: worker.problem is None)
            _end(world, "test")
            world.store(signal("fire_alarm", seq=2, point="P2"))
            await world.until("SELECT 1 FROM alarm WHERE point = 'P2'")
            await asyncio.to_thread(world.database.server.stop)
            await _until(lambda: worker.problem is not None)
            await asyncio.to_thread(world.database.server.start)
            world.store(signal("fire_alarm", seq=3, point="P3"))
            await world.until("SELECT 1 FROM alarm WHERE point = 'P3'")


async def _until(holds) -> None:
    while not holds():
        await asyncio.sleep(0.02)


async def test_workers_beside_each_other_conclude_everything_once(world) -> None:
    for first in range(0, 600, 60):
        numbers = range(first, first + 60)
        world.store(*(signal("fire_alarm", seq=seq, point=f"P{seq % 40}", active=seq < 560) for seq in numbers))
    async with world.pool(size=3) as connections:
        workers = [Worker(connections, roster=world.roster, now=lambda: AT) for _ in range(3)]
        async with running(*(worker.run() for worker in workers)):
            await world.until("SELECT 1 WHERE NOT EXISTS (SELECT FROM signal_inbox)")
    found = world.alarms()
    assert len(found) == 40
    assert {(row["handling"], row["device_active"], row["occurrences"]) for row in found} == {("open", False, 14)}
    assert world.rows("SELECT count(*) AS n FROM alarm_journal WHERE event <> 'over'") == [{"n": 560}]


RUN = """
import asyncio, logging, sys
from datetime import UTC, datetime
sys.path.insert(0, {tests!r})
from alarm_world import OnDuty
from alerts.worker import Worker
from runtime.database import pool

logging.basicConfig(level="INFO")

async def main():
    async with pool({url!r}, name="killed", size=1) as connections:
        await Worker(connections, roster=OnDuty(), now=lambda: datetime.now(UTC)).run()

asyncio.run(main())
"""


def _run(script: str, *, environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [sys.executable, "-c", script], env=environment, timeout=TIMEOUT_SECONDS, check=False, capture_output=True
        )
    except subprocess.TimeoutExpired as late:
        pytest.fail(f"not killed within {TIMEOUT_SECONDS} s: {(late.stderr or b'').decode()[-5000:]}")


@pytest.mark.parametrize("failpoint", ["alerts.before_commit", "alerts.after_commit"])
async def test_a_worker_killed_around_its_commit_neither_loses_nor_doubles(world, failpoint: str) -> None:
    for seq in range(8):
        world.store(signal("fire_alarm", seq=seq, point=f"P{seq}"))
    script = textwrap.dedent(RUN.format(tests=str(Path(__file__).parent), url=world.database.url("wanghuo_alerts")))
    killed = await asyncio.to_thread(_run, script, environment={"WANGHUO_FAILPOINT": failpoint})
    assert killed.returncode == -signals.SIGKILL, killed.stderr.decode()
    assert len(world.alarms()) == (8 if failpoint == "alerts.after_commit" else 0)
    async with world.worker() as (worker, connection):
        await worker.turn(connection)
    assert [row["occurrences"] for row in world.alarms()] == [1] * 8
    assert len(world.journal()) == 8
    assert world.rows("SELECT count(*) AS n FROM notification") == [{"n": 16}]
