"""From a notification owed to a person who has it: real rows, a real webhook at the other end."""

import asyncio
import contextlib
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from alarm_world import TIMEOUT_SECONDS, OnDuty, World, observed
from prometheus_client import REGISTRY
from proxy import Proxy

from alerts import notifier
from alerts.channels import HEADER
from alerts.notifier import AT_ONCE_TO_ONE, PAUSE_MOST_SECONDS, pause, run_notifier
from alerts.roster import RosterFile
from runtime.database import pool
from signals.kinds import Kind
from stack.ports import free_port
from stack.receiver import Receiver


@dataclass
class Clock:
    """A clock that the test puts forward; it begins at the true time, for the database's clock is asked as well."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


class Gate:
    """Holds requests back until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._lock = threading.Lock()
        self.held = 0

    def __call__(self) -> int:
        with self._lock:
            self.held += 1
        self._open.wait(TIMEOUT_SECONDS)
        return 200

    def open(self) -> None:
        self._open.set()


@dataclass
class Office:
    """A world, its roster's file, and a clock."""

    world: World
    path: Path
    clock: Clock

    def write(self, **channels: str | list[str]) -> None:
        self.path.write_text(
            "".join(f'[[officer]]\nname = "{name}"\nchannels = {_listed(urls)}\n' for name, urls in channels.items())
        )

    async def owe(self, *kinds: Kind, names: tuple[str, ...] = ("wang",)) -> None:
        """Raise an alarm of each of the kinds, of which `names` are to be told."""
        facts = [observed(kind, point=f"N{number}", seq=number) for number, kind in enumerate(kinds, 1)]
        await self.world.conclude(*facts, at=self.clock.at, roster=OnDuty(names))

    @asynccontextmanager
    async def running(self, url: str | None = None, wake: asyncio.Event | None = None) -> AsyncIterator[None]:
        url = url or self.world.database.url("wanghuo_alerts")
        async with pool(url, name="notifier", size=1) as connections:
            task = asyncio.create_task(run_notifier(connections, roster=RosterFile(self.path), now=self.clock, wake=wake))
            yield
            assert not task.done()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, condition: str) -> dict:
        """Wait for a notification of which the condition holds."""
        return await self.world.until(
            f"SELECT n.*, a.priority FROM notification AS n JOIN alarm AS a USING (alarm_id) WHERE {condition}"
        )

    async def all_sent(self) -> list[dict]:
        await self.world.until("SELECT 1 WHERE NOT EXISTS (SELECT FROM notification WHERE state <> 'sent')")
        return self.world.rows("SELECT * FROM notification ORDER BY alarm_id, recipient")

    async def after_attempts(self, count: int) -> dict:
        """Wait until so many attempts have ended."""
        return await self.until(f"attempts = {count} AND leased_until IS NULL")


def _listed(urls: str | list[str]) -> str:
    return str([urls] if isinstance(urls, str) else urls).replace("'", '"')


async def wait_for(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not reached():
            await asyncio.sleep(0.02)


@pytest.fixture
def office(world, tmp_path) -> Office:
    return Office(world, tmp_path / "roster.toml", Clock(datetime.now(UTC)))


def sample(name: str) -> float:
    return REGISTRY.get_sample_value(f"wanghuo_{name}") or 0


def answering(*statuses: int) -> Callable[[], int]:
    """Answers in turn, the last for ever."""
    left = list(statuses)
    return lambda: left.pop(0) if len(left) > 1 else left[0]


async def test_everybody_concerned_is_told_once_with_a_stable_id_in_body_and_header(office) -> None:
    before = sample("notification_latency_seconds_count")
    with Receiver() as wang, Receiver() as li:
        office.write(wang=wang.channel, li=li.channel)
        await office.owe(Kind.FIRE_ALARM, names=("wang", "li"))
        async with office.running():
            rows = await office.all_sent()
    for row, receiver in zip(rows, (li, wang), strict=True):
        (delivery,) = receiver.deliveries
        identity = str(row["notification_id"])
        assert delivery.title == row["title"]
        assert delivery.message == f"{row['body']}\n通知 notification: {identity}"
        assert delivery.headers[HEADER] == identity
        assert (row["attempts"], row["last_error"], row["leased_until"]) == (1, None, None)
        assert row["sent_at"] == office.clock.at
    assert sample("notification_latency_seconds_count") == before + 2


async def test_a_refusal_and_a_dead_line_are_tried_again_after_a_pause(office) -> None:
    with Receiver(answering(500, 200)) as wang:
        office.write(wang=wang.channel)
        await office.owe(Kind.FAULT)
        async with office.running():
            row = await office.after_attempts(1)
            assert row["state"] == "due"
            assert office.clock.at < row["due_at"] <= office.clock.at + timedelta(seconds=1)
            assert "500" in row["last_error"]
            assert urlsplit(wang.channel).netloc.split(":")[0] in row["last_error"]
            office.clock.at += timedelta(seconds=1)
            (row,) = await office.all_sent()
    assert (row["attempts"], len(wang.deliveries)) == (2, 1)
    assert "500" in row["last_error"], "why it took two attempts stays known"


def test_pauses_double_to_a_minute_with_jitter() -> None:
    for attempts in range(1, 2000):
        longest = min(PAUSE_MOST_SECONDS, 2.0 ** min(attempts - 1, 30))
        assert longest / 2 <= pause(attempts).total_seconds() <= longest
    assert len({pause(5) for _ in range(20)}) > 1


async def test_a_fire_is_tried_until_its_alarm_is_closed(office) -> None:
    office.write(wang=f"json://127.0.0.1:{free_port()}/")
    await office.owe(Kind.FIRE_ALARM)
    async with office.running():
        await office.after_attempts(1)
        office.clock.at += timedelta(days=3)
        assert (await office.after_attempts(2))["state"] == "due"
        office.world.rows("UPDATE alarm SET handling = 'closed', closed_at = now(), closed_by = 'wang'")
        office.clock.at += timedelta(minutes=1)
        row = await office.after_attempts(3)
    assert row["state"] == "given_up"
    assert "error" in row["last_error"].lower()


async def test_what_is_no_fire_is_given_up_after_a_day(office) -> None:
    before = sample("notifications_given_up_total")
    office.write(wang=f"json://127.0.0.1:{free_port()}/")
    await office.owe(Kind.FAULT)
    async with office.running():
        await office.after_attempts(1)
        office.clock.at += timedelta(hours=23)
        assert (await office.after_attempts(2))["state"] == "due"
        office.clock.at += timedelta(hours=2)
        assert (await office.after_attempts(3))["state"] == "given_up"
    assert sample("notifications_given_up_total") == before + 1


async def test_fires_are_claimed_before_everything_else_and_no_more_than_can_be_sent(office) -> None:
    gate = Gate()
    with Receiver(gate) as wang:
        office.write(wang=wang.channel)
        await office.owe(*[Kind.FAULT] * 20, *[Kind.FIRE_ALARM] * 3)
        async with office.running():
            await wait_for(lambda: gate.held == AT_ONCE_TO_ONE)
            leased = office.world.rows(
                "SELECT a.priority FROM notification JOIN alarm AS a USING (alarm_id) WHERE leased_until IS NOT NULL"
            )
            gate.open()
            await office.all_sent()
    assert sorted(row["priority"] for row in leased) == [0, 0, 0, 2, 2, 2, 2, 2]
    assert len(wang.deliveries) == 23


async def test_a_dead_channel_holds_up_neither_others_nor_another_channel_of_the_same_officer(office) -> None:
    dead = Gate()
    with Receiver(dead) as mute, Receiver() as good, Receiver() as li:
        office.write(wang=mute.channel, zhao=[mute.channel, good.channel], li=li.channel)
        await office.owe(*[Kind.FIRE_ALARM] * 30, names=("wang", "zhao", "li"))
        async with office.running():
            await office.world.until(
                "SELECT 1 WHERE NOT EXISTS (SELECT FROM notification WHERE state <> 'sent' AND recipient <> 'wang')"
            )
            told = office.world.rows("SELECT count(*) AS n FROM notification WHERE recipient = 'wang' AND state = 'sent'")
        dead.open()
    assert told == [{"n": 0}]
    assert (len(good.deliveries), len(li.deliveries)) == (30, 30)


class Crowd:
    """Refuses everything, and remembers how many requests were there when each came."""

    def __init__(self) -> None:
        self.together: list[int] = []
        self._here = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self._here += 1
            self.together.append(self._here)
        time.sleep(0.005)
        with self._lock:
            self._here -= 1
        return 503


async def test_a_channel_that_fails_is_tried_with_one_message_at_a_time(office) -> None:
    crowd = Crowd()
    with Receiver(crowd) as wang:
        office.write(wang=wang.channel, li=wang.channel)
        await office.owe(*[Kind.FIRE_ALARM] * 40, names=("wang", "li"))
        async with office.running():
            await wait_for(lambda: len(crowd.together) >= 2 * AT_ONCE_TO_ONE + 20)
    assert set(crowd.together[2 * AT_ONCE_TO_ONE :]) == {1}
    assert wang.deliveries == []


async def test_while_it_sends_no_transaction_is_open(office) -> None:
    gate = Gate()
    with Receiver(gate) as wang:
        office.write(wang=wang.channel)
        await office.owe(Kind.FIRE_ALARM)
        async with office.running():
            await wait_for(lambda: gate.held == 1)
            await office.world.until("SELECT 1 FROM pg_stat_activity WHERE application_name = 'notifier' AND state = 'idle'")
            with psycopg.connect(office.world.database.owner_url) as connection:
                connection.execute("SELECT FROM notification FOR UPDATE NOWAIT")
            gate.open()
            await office.all_sent()


async def test_an_officer_who_left_the_roster_is_replaced_by_everybody(office) -> None:
    with Receiver() as li, Receiver() as zhao:
        office.write(li=li.channel, zhao=zhao.channel)
        await office.owe(Kind.FIRE_ALARM, names=("wang",))
        async with office.running():
            await office.all_sent()
            await wait_for(lambda: bool(li.deliveries and zhao.deliveries))


async def test_a_channel_is_mended_in_the_running_service(office) -> None:
    with Receiver() as wang:
        office.write(wang=f"json://127.0.0.1:{free_port()}/")
        await office.owe(Kind.FIRE_ALARM)
        async with office.running():
            await office.after_attempts(1)
            office.write(wang=wang.channel)
            office.clock.at += timedelta(seconds=2)
            await office.all_sent()
    assert len(wang.deliveries) == 1


async def test_what_is_on_its_way_is_not_sent_again_by_the_same_process_however_late_its_lease(office) -> None:
    gate = Gate()
    with Receiver(gate) as wang, Receiver() as li:
        office.write(wang=wang.channel, li=li.channel)
        await office.owe(Kind.FIRE_ALARM)
        async with office.running():
            await wait_for(lambda: gate.held == 1)
            office.world.rows("UPDATE notification SET leased_until = '2020-01-01Z'")
            await office.world.conclude(observed(point="later", seq=9), at=office.clock.at, roster=OnDuty(("li",)))
            await office.until("recipient = 'li' AND state = 'sent'")
            gate.open()
            await office.all_sent()
    assert gate.held == 1


async def test_two_notifiers_send_everything_once(office) -> None:
    with Receiver() as wang:
        office.write(wang=wang.channel)
        await office.owe(*[Kind.FIRE_ALARM] * 60)
        async with office.running(), office.running():
            rows = await office.all_sent()
    assert {row["attempts"] for row in rows} == {1}
    assert len({delivery.headers[HEADER] for delivery in wang.deliveries}) == len(wang.deliveries) == 60


async def test_woken_it_does_not_wait_for_the_next_look(office, monkeypatch) -> None:
    monkeypatch.setattr(notifier, "POLL_SECONDS", 3600)
    wake = asyncio.Event()
    with Receiver() as wang:
        office.write(wang=wang.channel)
        async with office.running(wake=wake):
            await office.owe(Kind.FIRE_ALARM)
            wake.set()
            await office.all_sent()
            await office.world.conclude(observed(point="later", seq=9), at=office.clock.at, roster=OnDuty(("wang",)))
            wake.set()
            await office.all_sent()
    assert len(wang.deliveries) == 2


async def test_what_was_sent_while_the_database_was_away_is_marked_and_not_sent_again(office) -> None:
    gate = Gate()
    with Receiver(gate) as wang:
        office.write(wang=wang.channel)
        await office.owe(Kind.FIRE_ALARM)
        parts = urlsplit(office.world.database.url("wanghuo_alerts"))
        async with Proxy(parts.port) as wire:
            url = parts._replace(netloc=parts.netloc.replace(f":{parts.port}", f":{wire.port}")).geturl()
            async with office.running(url):
                await wait_for(lambda: gate.held == 1)
                wire.target = free_port()
                wire.cut()
                gate.open()
                await wait_for(lambda: len(wang.deliveries) == 1)
                office.clock.at += timedelta(hours=1)
                wire.target = parts.port
                (row,) = await office.all_sent()
    assert row["attempts"] == 1
    assert len(wang.deliveries) == 1


RUN = """
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from alerts.notifier import run_notifier
from alerts.roster import RosterFile
from runtime.database import pool

async def main():
    async with pool({url!r}, name="killed", size=1) as connections:
        await run_notifier(connections, roster=RosterFile(Path({path!r})), now=lambda: datetime.now(UTC))

asyncio.run(main())
"""


async def test_killed_between_sending_and_marking_it_sends_again_under_the_same_id(office) -> None:
    with Receiver() as wang:
        office.write(wang=wang.channel)
        await office.owe(Kind.FIRE_ALARM)
        script = textwrap.dedent(RUN.format(url=office.world.database.url("wanghuo_alerts"), path=str(office.path)))
        killed = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", script],
            env={"WANGHUO_FAILPOINT": "alerts.after_send"},
            timeout=TIMEOUT_SECONDS,
            check=False,
            capture_output=True,
        )
        assert killed.returncode == -9, killed.stderr.decode()
        (row,) = office.world.rows("SELECT * FROM notification")
        assert (row["state"], row["attempts"], len(wang.deliveries)) == ("due", 1, 1)
        async with office.running():
            assert office.world.rows("SELECT state FROM notification") == [{"state": "due"}], "leased by the one that was killed"
            office.clock.at = row["leased_until"] + timedelta(seconds=1)
            (row,) = await office.all_sent()
    first, second = wang.deliveries
    assert first.headers[HEADER] == second.headers[HEADER] == str(row["notification_id"])
    assert first.message == second.message
    assert row["attempts"] == 2


async def test_an_attempt_longer_than_its_lease_keeps_it_and_others_are_marked_meanwhile(office) -> None:
    gate = Gate()
    with Receiver(gate) as wang, Receiver() as li:
        office.write(wang=wang.channel, li=li.channel)
        await office.owe(Kind.FIRE_ALARM, names=("wang", "li"))
        async with office.running(), office.running():
            await wait_for(lambda: gate.held == 1)
            await office.until("recipient = 'li' AND n.state = 'sent'")
            for _ in range(4):
                office.clock.at += timedelta(seconds=2)
                await office.until(f"recipient = 'wang' AND leased_until > '{office.clock.at + timedelta(seconds=3)}'")
            gate.open()
            await office.all_sent()
    assert (gate.held, len(wang.deliveries), len(li.deliveries)) == (1, 1, 1)
