"""The acceptance test: a township reports while everything it depends on is killed, stopped and started again.

The truth ledger says afterwards whether a signal was lost, stored or alarmed twice, late, or an alarm raised for nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator
from datetime import date
from pathlib import Path

import pytest

from simulator.devices import DeviceClass, Pace
from simulator.fleet import Fleet
from simulator.judging import verdict
from simulator.ledger import Ledger
from simulator.scenarios import campaign
from simulator.transmitter import Line
from simulator.verdict import Violation
from simulator.village import TownshipSettings, make_township
from stack.ports import LOOPBACK
from stack.private import PrivateStack, PrivateStackSettings
from stack.processes import ServiceProcess
from stack.receiver import Receiver
from stack.township import settle

SEED = 26875
TRANSMITTERS_LEAST = 100
SIGNALS, FIRES = 2000, 220
SECONDS = 80.0
TIMEOUT = 60.0
PACES = {
    DeviceClass.CONTROL_ROOM: Pace(heartbeat_seconds=5, telemetry_seconds=1),
    DeviceClass.DETECTOR: Pace(heartbeat_seconds=10, telemetry_seconds=2),
    DeviceClass.BRIDGE: Pace(heartbeat_seconds=5, telemetry_seconds=2),
    DeviceClass.SLEEPY: Pace(heartbeat_seconds=86_400, telemetry_seconds=86_400),
}
ROSTER = '[[officer]]\nname = "officer"\nchannels = ["{channel}"]\n\n[watchdog]\nchannels = ["{channel}"]\n'
KILLED = ("ingest-signal", "ingest-telemetry", "alerts")


@pytest.fixture
def stack(server_folder: Path) -> Iterator[PrivateStack]:
    folder = server_folder / "campaign"
    folder.mkdir(mode=0o755)
    with Receiver() as receiver:
        roster = folder / "roster.toml"
        roster.write_text(ROSTER.format(channel=receiver.channel))
        with PrivateStack(PrivateStackSettings(folder=folder, roster=roster)) as stack:
            stack.start_services()
            yield stack


class Faults:
    """What is done to the stack; every outage is told to the ledger."""

    def __init__(self, stack: PrivateStack, ledger: Ledger) -> None:
        self.stack = stack
        self.ledger = ledger

    @contextlib.asynccontextmanager
    async def outage(self, what: str) -> AsyncIterator[None]:
        since = time.time()
        yield
        self.ledger.outage(what, since=since, until=time.time())

    async def again(self, process: ServiceProcess, *, once: dict[str, str] | None = None) -> None:
        process.start(once=once)
        await asyncio.to_thread(process.wait_ready)

    async def kill_service(self, name: str) -> None:
        process = self.stack.services[name]
        async with self.outage(f"{name} killed"):
            process.kill()
            await self.again(process)

    async def kill_at(self, name: str, failpoint: str) -> None:
        """Let a service kill itself at a failpoint, then start it again."""
        process = self.stack.services[name]
        async with self.outage(f"{name} dies at {failpoint}"):
            process.kill()
            process.start(once={"WANGHUO_FAILPOINT": failpoint})
            async with asyncio.timeout(TIMEOUT):
                while process.running:
                    await asyncio.sleep(0.02)
            assert process.failure is not None, f"{name} did not die at {failpoint}"
            await self.again(process)

    async def stop_database(self, seconds: float) -> None:
        async with self.outage("database stopped"):
            await asyncio.to_thread(self.stack.database.stop)
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.stack.database.start)

    async def restart_broker(self, *, kill: bool) -> None:
        async with self.outage("broker killed" if kill else "broker restarted"):
            await asyncio.to_thread(self.stack.broker.kill if kill else self.stack.broker.stop)
            await asyncio.to_thread(self.stack.broker.start)


async def torment(faults: Faults) -> None:
    """The timetable: five kills of each service, two of them by failpoint, the database away, the broker restarted and killed."""
    await asyncio.sleep(5)
    for _ in range(2):
        for name in KILLED:
            await faults.kill_service(name)
            await asyncio.sleep(1.5)
    await faults.kill_at("ingest-signal", "ingest.after_commit:3")
    await faults.kill_at("alerts", "alerts.after_send:2")
    await faults.kill_at("ingest-telemetry", "ingest.after_commit:3")
    await faults.stop_database(10)
    await asyncio.sleep(3)
    await faults.kill_at("ingest-signal", "ingest.before_commit:3")
    await faults.kill_at("alerts", "alerts.before_commit:2")
    await faults.kill_at("ingest-telemetry", "ingest.before_commit:3")
    await faults.restart_broker(kill=False)
    await asyncio.sleep(3)
    for name in KILLED:
        await faults.kill_service(name)
    await asyncio.sleep(3)
    await faults.restart_broker(kill=True)


@pytest.mark.timeout(420)
async def test_nothing_is_lost_doubled_or_falsely_raised_while_everything_fails(stack: PrivateStack) -> None:
    township = make_township(TownshipSettings(seed=SEED, today=date.today(), key_units=110, workshops=12, paces=PACES))  # noqa: DTZ011
    assert len(township.devices) >= TRANSMITTERS_LEAST
    credentials = await settle(township, stack)
    steps = campaign(township.devices, seed=SEED, duration_seconds=SECONDS, signals=SIGNALS, fires=FIRES)
    with Ledger(stack.folder / "ledger.jsonl") as ledger:
        line = Line(host=LOOPBACK, port=stack.broker.port)
        async with Fleet(township.devices, line=line, credentials=credentials, ledger=ledger) as fleet:
            assert await fleet.connected(timeout_seconds=TIMEOUT)
            async with asyncio.TaskGroup() as group:
                group.create_task(fleet.play(steps), name="devices")
                group.create_task(torment(Faults(stack, ledger)), name="faults")
            assert await fleet.settle(timeout_seconds=TIMEOUT)
        judged = await verdict(
            stack.database_url("wanghuo_reader"), ledger, patience_seconds=TIMEOUT, tolerated=frozenset({Violation.TELEMETRY_LOST})
        )
    assert judged.ok, "\n".join(judged.lines())
    assert judged.tally.signals >= SIGNALS
    assert judged.tally.fires >= 200
    assert judged.tally.telemetry_stored > 0
    assert not stack.services.failures
