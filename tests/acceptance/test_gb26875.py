"""The acceptance test of GB/T 26875.3: a panel with 1,000 points, everything between its line and the officer's notification.

The truth ledger says afterwards whether anything was lost, stored or alarmed twice, late, or an alarm raised for nothing.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg
import pytest
from psycopg.rows import dict_row

from registry.enrolment import NewTransmitter
from registry.ratio import TransmitterClass
from simulator.devices import DeviceClass, make_device
from simulator.judging import verdict
from simulator.ledger import Ledger
from simulator.outbox import Patience
from simulator.panel import Panel
from simulator.panel_device import make_panel
from simulator.panel_speaker import PanelManner, PanelSpeaker
from simulator.panel_wire import PanelLine
from simulator.panels import Panels
from simulator.scenarios import timetable
from stack.ports import LOOPBACK
from stack.private import DATABASE, PrivateStack, PrivateStackSettings
from stack.receiver import Receiver
from stack.township import enrol_panel

PANEL, ADDRESS = "CR1", bytes.fromhex("385b01000000")
POINTS = 1000
TIMEOUT = 60.0
ROSTER = '[[officer]]\nname = "officer"\nchannels = ["{channel}"]\n\n[watchdog]\nchannels = ["{channel}"]\n'
MANNER = PanelManner(patience=Patience(seconds=2, resends=3), duty_answer_seconds=1.0, operator=4, state_on_connect=True)
INGEST = "ingest-gb26875"
BAD_DAY = ("fire", "fault", "duplicate", "clock_skew", "wiped", "reconnect_storm", "alarm_storm", "offline", "out_of_order")


@pytest.fixture(scope="module")
def stack(server_folder: Path) -> Iterator[PrivateStack]:
    folder = server_folder / "gb26875"
    folder.mkdir(mode=0o755)
    with Receiver() as receiver:
        roster = folder / "roster.toml"
        roster.write_text(ROSTER.format(channel=receiver.channel))
        with PrivateStack(PrivateStackSettings(folder=folder, roster=roster)) as stack:
            stack.start_services()
            with psycopg.connect(stack.database.superuser_url(DATABASE)) as connection:
                connection.execute("INSERT INTO village VALUES ('V1', 'a village')")
            yield stack


class Centre:
    """What stands in the database, read as the role that only reads."""

    def __init__(self, stack: PrivateStack) -> None:
        self._stack = stack

    async def rows(self, statement: str, *values: object) -> list[dict[str, Any]]:
        async with await psycopg.AsyncConnection.connect(
            self._stack.database_url("wanghuo_reader"), autocommit=True, row_factory=dict_row
        ) as connection:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def until(self, statement: str, *values: object) -> list[dict[str, Any]]:
        """Rows, once there are any."""
        async with asyncio.timeout(TIMEOUT):
            while not (found := await self.rows(statement, *values)):
                await asyncio.sleep(0.1)
        return found


@contextlib.asynccontextmanager
async def a_panel(
    stack: PrivateStack, name: str, *, address: bytes, points: int, udp: bool = False, manner: PanelManner = MANNER
) -> AsyncIterator[tuple[Panel, Panels, Ledger]]:
    """An enrolled panel on the line, and the ledger that knows all it says."""
    known = NewTransmitter(transmitter_id=name, village_id="V1", transmitter_class=TransmitterClass.CONTROL_ROOM)
    await enrol_panel(known, stack, address=address)
    with Ledger(stack.folder / f"{name}.jsonl") as ledger:
        device = make_panel(name, address=address, points=points, seed=1)
        speaker = PanelSpeaker(device, ledger=ledger, manner=manner, start=int(time.time()))
        panel = Panel(speaker, PanelLine(host=LOOPBACK, port=stack.gb26875_port, udp=udp), ledger=ledger)
        async with Panels([panel], ledger=ledger, at=time.time()) as panels:
            assert await panels.connected(timeout_seconds=TIMEOUT)
            yield panel, panels, ledger


async def judged_good(stack: PrivateStack, ledger: Ledger) -> None:
    judged = await verdict(stack.database_url("wanghuo_reader"), ledger, patience_seconds=TIMEOUT, tolerated=frozenset())
    assert judged.ok, "\n".join(judged.lines())


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("failpoint", "udp"), [("before_commit", False), ("after_commit", False), ("after_confirm", True)])
async def test_ingest_killed_while_it_stores_a_fire(stack: PrivateStack, failpoint: str, *, udp: bool) -> None:
    name = f"K_{failpoint}"
    process, centre = stack.services[INGEST], Centre(stack)
    manner = PanelManner(patience=Patience(seconds=1, resends=30), heartbeat_seconds=5)
    async with a_panel(stack, name, address=crc32(name.encode()).to_bytes(6, "little"), points=10, udp=udp, manner=manner) as (
        panel,
        panels,
        ledger,
    ):
        panel.begin("1-1-1", "fault")
        assert await panels.settle(timeout_seconds=TIMEOUT)
        since = time.time()
        process.kill()
        process.start(once={"WANGHUO_FAILPOINT": f"ingest.{failpoint}:1"})
        panel.begin("1-1-2", "fire_alarm")
        async with asyncio.timeout(TIMEOUT):
            while process.running:
                await asyncio.sleep(0.02)
        assert process.failure is not None, f"it did not die at {failpoint}"
        assert panel.speaker.unconfirmed
        process.start()
        await asyncio.to_thread(process.wait_ready)
        ledger.outage("ingest killed", since=since, until=time.time())
        assert await panels.settle(timeout_seconds=TIMEOUT)
        stored = await centre.rows("SELECT seq FROM signal WHERE transmitter_id = %s AND point = '1-1-2'", name)
        assert stored == [{"seq": 1}], "its repeat is the same fact"
        alarms = await centre.until("SELECT kind, occurrences FROM alarm WHERE transmitter_id = %s AND point = '1-1-2'", name)
        assert [alarm["occurrences"] for alarm in alarms] == [1]
    await judged_good(stack, ledger)


@pytest.mark.timeout(300)
async def test_a_panel_with_a_thousand_points(stack: PrivateStack) -> None:
    centre = Centre(stack)
    async with a_panel(stack, PANEL, address=ADDRESS, points=POINTS) as (panel, panels, ledger):
        assert await panels.settle(timeout_seconds=TIMEOUT)
        stored = await centre.rows("SELECT count(DISTINCT point) FROM signal WHERE transmitter_id = %s AND class = 'state'", PANEL)
        assert stored == [{"count": POINTS + 2}], "its points, the panel and the device"

        panel.begin("1-3-7", "fire_alarm")
        assert await panels.settle(timeout_seconds=TIMEOUT)
        (fire,) = await centre.until("SELECT * FROM alarm WHERE transmitter_id = %s", PANEL)
        assert (fire["point"], fire["occurrences"], fire["device_active"]) == ("1-3-7", 1, True)
        by_point = "SELECT stored_at FROM signal WHERE transmitter_id = %s AND point = %s ORDER BY stored_at DESC LIMIT 1"
        (row,) = await centre.rows(by_point, PANEL, fire["point"])
        assert ledger.entries[-1].confirmed_at is not None
        assert row["stored_at"].timestamp() <= ledger.entries[-1].confirmed_at, "confirmed is what is stored"

        before = panel.connects
        panel.tear()
        panel.begin("1-3-8", "fire_alarm")
        assert await panels.until(lambda panel: panel.connects > before, timeout_seconds=TIMEOUT)
        assert await panels.settle(timeout_seconds=TIMEOUT)
        panel.say_all()
        assert await panels.settle(timeout_seconds=TIMEOUT)
        await centre.until("SELECT 1 FROM alarm WHERE transmitter_id = %s AND point = '1-3-8'", PANEL)
        alarms = await centre.rows(
            "SELECT point, occurrences, re_alarms FROM alarm WHERE transmitter_id = %s ORDER BY point", PANEL
        )
        assert alarms == [{"point": point, "occurrences": 1, "re_alarms": 0} for point in ("1-3-7", "1-3-8")]

        checked = await told(stack, "duty_check", "--json")
        assert (checked["state"], checked["answer"]["operator"]) == ("answered", 4)
        assert 0.9 < checked["latency_seconds"] < TIMEOUT, "the person on duty takes a second"
        found = await told(stack, "query", "what=component_status", "point=1-3-7", "--json")
        (component,) = found["answer"]["answer"]["objects"]
        assert "fire" in component["status"]
        assert (await told(stack, "set_clock", "--json"))["confirmed_at"] is None, "a control command is answered by its confirm"
        assert {90, 91} <= set(panel.speaker.confirmed_commands)
    await judged_good(stack, ledger)
    assert not stack.services.failures


async def told(stack: PrivateStack, *arguments: str) -> dict[str, Any]:
    """What `wanghuo commands send` tells of a command that was answered."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "stack.cli", "commands", "send", PANEL, *arguments],
        env={**os.environ, **stack.environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("udp", [False, True])
async def test_a_bad_day_of_a_panel(stack: PrivateStack, *, udp: bool) -> None:
    """Storms, clocks an hour off, restarts that count from 0, lines cut, hours of absence; and its state again every 3 s."""
    name = f"S_{'udp' if udp else 'tcp'}"
    manner = PanelManner(
        patience=Patience(seconds=1, resends=3), state_on_connect=True, state_seconds=3, heartbeat_seconds=1, open_maximum=1 + udp
    )
    async with a_panel(stack, name, address=crc32(name.encode()).to_bytes(6, "little"), points=60, udp=udp, manner=manner) as (
        panel,
        panels,
        ledger,
    ):
        device = make_device(name, DeviceClass.CONTROL_ROOM, seed=1, points=1)
        device = replace(device, points=tuple(panel.speaker.device.points))
        await panels.play(timetable(BAD_DAY, [device], seed=1, duration_seconds=12))
        panel.operate("reset", point="1")
        assert await panels.settle(timeout_seconds=TIMEOUT)
    await judged_good(stack, ledger)
