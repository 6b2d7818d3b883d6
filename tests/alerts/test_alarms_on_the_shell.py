"""`wanghuo alarms …` as an officer types it, each in a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial

import pytest
from alarm_world import TIMEOUT_SECONDS, observed

from alerts.orders import Orders
from signals.kinds import Kind


@pytest.fixture
def shell(wanghuo):
    """Run a command of `wanghuo alarms`."""
    return partial(wanghuo, "alarms")


@asynccontextmanager
async def applying(world):
    """Requests are applied, as by the service."""
    async with world.pool(size=1) as connections, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(Orders(connections, roster=world.roster, now=lambda: datetime.now(UTC)).run())
        yield
        running.cancel()


async def test_the_board_lists_what_is_open_most_urgent_first(world, shell) -> None:
    await world.conclude(observed(Kind.FAULT, seq=1), observed(Kind.FAULT, seq=2, active=False))
    await world.conclude(observed(Kind.LOW_BATTERY, transmitter="T2", seq=1), observed(seq=3))
    said = await shell("list")
    assert said.status == 0, said.err
    lines = said.out.splitlines()
    assert len(lines) == 3
    assert "火警" in lines[1]
    for told in ("白奇村 · 鸿福家具厂 · 烟感 12 · 二层东", "2025-03-01 14:00:03", "active", "open"):
        assert told in lines[1]
    assert "里春村" in lines[2]
    everything = json.loads((await shell("list", "--all", "--json")).out)
    assert {row["handling"] for row in everything} == {"open", "closed"}
    assert everything[0]["occurred_at"].endswith("+08:00")
    villages = json.loads((await shell("list", "--village", "V2", "--json")).out)
    assert [row["kind"] for row in villages] == ["low_battery"]


async def test_an_empty_board_says_so(world, shell) -> None:
    assert (await shell("list")).out == "no alarm is open\n"
    assert json.loads((await shell("list", "--json")).out) == []


async def test_an_alarm_is_shown_with_its_reason_its_journal_and_whom_it_reached(world, shell) -> None:
    text = "热\x1b[2J[red]"
    await world.conclude(observed(detail={"text": text, "values": {"temperature_celsius": 61.25}}), observed(seq=2, active=False))
    said = await shell("show", "1")
    assert said.status == 0, said.err
    for told in ("61.25", "海滨路 3 号", "0595-8712", "began", "raised", "restored", "wang", "due", "acknowledge, verify", "[red]"):
        assert told in said.out
    assert "\x1b[2J" not in said.out
    found = json.loads((await shell("show", "1", "--json")).out)
    assert [entry["effect"] for entry in found["journal"]] == ["raised", "restored"]
    assert [row["recipient"] for row in found["notifications"]] == ["li", "wang"]
    assert found["lawful"] == ["acknowledge", "verify"]
    missing = await shell("show", "99")
    assert (missing.status, missing.err) == (1, "wanghuo: there is no alarm 99\n")


async def test_orders_are_given_and_applied(world, shell) -> None:
    await world.conclude(observed())
    async with applying(world):
        said = await shell("acknowledge", "1", "--operator", "zhao")
        assert (said.status, said.out) == (0, "alarm 1 is acknowledged by zhao\n"), said.err
        verified = await shell("verify", "1", "--disposition", "false_alarm", "--cause", "steam", "--operator", "qian", "--json")
        assert json.loads(verified.out)["effect"] == "verified", verified.err
        assert (await shell("close", "1")).status == 0
    (alarm,) = world.alarms()
    assert (alarm["handling"], alarm["acknowledged_by"], alarm["verified_by"]) == ("closed", "zhao", "qian")
    assert (alarm["disposition"], alarm["cause"]) == ("false_alarm", "steam")


async def test_a_refusal_ends_with_its_reason_and_status_1(world, shell) -> None:
    await world.conclude(observed())
    async with applying(world):
        closed = await shell("close", "1", "--operator", "zhao")
        assert closed.status == 1
        assert "only after it was verified" in closed.err
        causeless = await shell("verify", "1", "--disposition", "false_alarm", "--operator", "zhao")
        assert (causeless.status, "with its cause" in causeless.err) == (1, True)
    assert (await shell("close", "99", "--operator", "zhao")).err == "wanghuo: there is no alarm 99\n"
    nobody = await shell("close", "1", "--operator", "device")
    assert (nobody.status, "cannot be an operator" in nobody.err) == (1, True)
    assert (await shell("verify", "1", "--disposition", "whatever")).status == 2


async def test_without_the_service_it_says_so_and_the_request_stands(world, shell) -> None:
    await world.conclude(observed())
    said = await shell("acknowledge", "1", "--operator", "zhao", "--timeout", "0.2")
    assert said.status == 1
    assert "the alerts service does not run" in said.err
    async with applying(world):
        await world.until("SELECT 1 FROM alarm WHERE acknowledged_by = 'zhao'")


def test_missing_settings_are_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "stack.cli", "alarms", "list"],
        env={"WANGHUO_ENVIRONMENT_FILE": os.devnull},
        timeout=TIMEOUT_SECONDS,
        check=False,
        capture_output=True,
        text=True,
    )
    assert "WANGHUO_READER_DATABASE_URL" in done.stderr
