"""Who sends a notification, and that it is sent again only where it may have been lost."""

import asyncio
import subprocess
import sys
import textwrap
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg
from alarm_world import TIMEOUT_SECONDS, OnDuty, observed
from office import Gate, wait_for
from proxy import Proxy

from alerts.channels import HEADER
from signals.kinds import Kind
from stack.ports import free_port
from stack.receiver import Receiver


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
