"""The acceptance test: a township reports while everything it depends on is killed, stopped and started again.

The truth ledger says afterwards whether a signal was lost, stored or alarmed twice, late, or an alarm raised for nothing.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from simulator.devices import Device, DeviceClass, Pace
from simulator.entries import Counter
from simulator.fleet import Fleet
from simulator.judging import verdict
from simulator.ledger import Ledger
from simulator.scenarios import campaign
from simulator.stored import load
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
SECONDS = 70.0
TIMEOUT = 60.0
SAVED_WITHIN_SECONDS = 6.0
"""The broker saves what it holds every 5 s (deploy/mosquitto/mosquitto.conf)."""
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
        self.saved: dict[Counter, int] = {}
        """Of telemetry, the newest number that was acknowledged long before the broker was killed: it had saved it."""

    def note_what_is_saved(self) -> None:
        acknowledged = {counter: list(measured.acknowledged) for counter, measured in self.ledger.telemetry.items()}
        self.saved = {counter: max(last for _, last in runs) for counter, runs in acknowledged.items() if runs}

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
    faults.note_what_is_saved()
    for name in KILLED:
        await faults.kill_service(name)
    await asyncio.sleep(SAVED_WITHIN_SECONDS)
    await faults.restart_broker(kill=True)


async def speak(fleet: Fleet, devices: Sequence[Device], *, tormented: asyncio.Task[None]) -> None:
    """The campaign, and more of it while faults go on: each must have something to fall upon, on a slow machine too."""
    await fleet.play(campaign(devices, seed=SEED, duration_seconds=SECONDS, signals=SIGNALS, fires=FIRES))
    rounds = itertools.count(SEED + 1)
    while not tormented.done():
        await fleet.play(campaign(devices, seed=next(rounds), duration_seconds=2, signals=50, fires=5))


async def lost_telemetry(url: str, ledger: Ledger) -> dict[Counter, set[int]]:
    """Numbers that the broker acknowledged and nobody stored."""
    stored = (await load(url, ledger, patience_seconds=0)).telemetry
    missing = {}
    for counter, measured in ledger.telemetry.items():
        count = stored.get(counter)
        if count is None or count.times is not None:
            missing[counter] = measured.acknowledged.times().keys() - (count.times if count and count.times else {}).keys()
    return missing


@pytest.mark.timeout(420)
async def test_nothing_is_lost_doubled_or_falsely_raised_while_everything_fails(stack: PrivateStack) -> None:
    township = make_township(TownshipSettings(seed=SEED, today=date.today(), key_units=110, workshops=12, paces=PACES))  # noqa: DTZ011
    assert len(township.devices) >= TRANSMITTERS_LEAST
    credentials = await settle(township, stack)
    with Ledger(stack.folder / "ledger.jsonl") as ledger:
        faults = Faults(stack, ledger)
        line = Line(host=LOOPBACK, port=stack.broker.port)
        async with Fleet(township.devices, line=line, credentials=credentials, ledger=ledger) as fleet:
            assert await fleet.connected(timeout_seconds=TIMEOUT)
            async with asyncio.TaskGroup() as group:
                tormented = group.create_task(torment(faults), name="faults")
                group.create_task(speak(fleet, township.devices, tormented=tormented), name="devices")
            assert await fleet.settle(timeout_seconds=TIMEOUT)
        judged = await verdict(
            stack.database_url("wanghuo_reader"), ledger, patience_seconds=TIMEOUT, tolerated=frozenset({Violation.TELEMETRY_LOST})
        )
        lost = await lost_telemetry(stack.database_url("wanghuo_reader"), ledger)
    assert judged.ok, "\n".join(judged.lines())
    assert sum(len(seqs) for seqs in lost.values()) == judged.count(Violation.TELEMETRY_LOST)
    assert all(seq > faults.saved[counter] for counter, seqs in lost.items() for seq in seqs), "lost before the broker was killed"
    assert judged.tally.signals >= SIGNALS
    assert judged.tally.fires >= 200
    assert judged.tally.telemetry_stored > 0
    assert not stack.services.failures
