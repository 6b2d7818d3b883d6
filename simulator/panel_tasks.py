"""What `wanghuo simulator panel` does, and what a demonstration shows of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from runtime.errors import ConfigurationError
from signals.gb26875.addresses import read_address
from signals.gb26875.profiles import PROFILES, Departure, Profile
from simulator import captured, tasks
from simulator.devices import Device, DeviceClass, Pace
from simulator.ledger import Ledger
from simulator.panel import Panel
from simulator.panel_device import make_panel
from simulator.panel_speaker import PanelManner, PanelSpeaker
from simulator.panel_wire import PanelLine
from simulator.panels import Panels
from simulator.timetable import Step

SILENT = Pace(heartbeat_seconds=0, telemetry_seconds=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelTask:
    """What is asked for; see the command."""

    transmitter_id: str
    address: str
    to: str
    udp: bool
    points: int
    profile: str
    captured: bool
    duration_seconds: float
    seed: int


def manner_of(profile: Profile) -> PanelManner:
    """How a panel of this profile shows that it is there: by the shortest of its heartbeats, or not at all."""
    beats = Departure.EMPTY in profile.accepts
    return PanelManner(heartbeat=min(profile.heartbeats, default=b"") if beats else None, state_on_connect=True)


def play(wanted: PanelTask, what: Sequence[str], *, ledger_file: Path | None) -> int:
    """Play. Returns the exit status."""
    with tasks.open_ledger(ledger_file) as ledger:
        panel = _panel(wanted, ledger)
        steps = _steps(what, panel, wanted=wanted)
        settled = uvloop.run(_play(panel, steps, wanted=wanted, ledger=ledger))
        confirmed = sum(entry.confirmed_at is not None for entry in ledger.entries)
    tasks.console.print(f"{panel.id} said {len(ledger.entries):,} frames, {confirmed:,} confirmed by the centre")
    return 0 if settled else 1


async def replay_captured(panel: Panel, *, over_seconds: float) -> None:
    """Say all captured frames, one after the other."""
    frames = captured.load()
    for one in frames:
        panel.replay(one)
        await asyncio.sleep(over_seconds / len(frames))


async def _play(panel: Panel, steps: Sequence[Step], *, wanted: PanelTask, ledger: Ledger) -> bool:
    async with Panels([panel], ledger=ledger, at=time.time()) as panels:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + wanted.duration_seconds
        if not await panels.connected(timeout_seconds=tasks.CONNECT_SECONDS):
            tasks.console.print(f"{panel.id} could not connect within {tasks.CONNECT_SECONDS:g} s; it goes on trying")
        async with asyncio.TaskGroup() as group:
            group.create_task(panels.play(steps), name="steps")
            if wanted.captured:
                group.create_task(replay_captured(panel, over_seconds=wanted.duration_seconds / 2), name="captured")
        await asyncio.sleep(ends_at - loop.time())
        return await panels.settle(timeout_seconds=tasks.SETTLE_SECONDS)


def _panel(wanted: PanelTask, ledger: Ledger) -> Panel:
    if wanted.profile not in PROFILES:
        raise ConfigurationError(f"there is no profile {wanted.profile!r}; there are {', '.join(PROFILES)}")
    profile = PROFILES[wanted.profile]
    host, _, port = wanted.to.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigurationError(f"{wanted.to!r} is no HOST:PORT")
    try:
        address = bytes.fromhex(read_address(wanted.address))
        device = make_panel(wanted.transmitter_id, address=address, points=wanted.points, seed=wanted.seed, order=profile.order)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    speaker = PanelSpeaker(device, ledger=ledger, manner=manner_of(profile), start=int(time.time()))
    return Panel(speaker, PanelLine(host=host, port=int(port), udp=wanted.udp), ledger=ledger)


def _steps(what: Sequence[str], panel: Panel, *, wanted: PanelTask) -> list[Step]:
    """The scenarios see the panel as a device of theirs."""
    device = Device(
        transmitter_id=panel.id,
        device_class=DeviceClass.CONTROL_ROOM,
        points=tuple(panel.speaker.device.points) or ("1",),
        instruments=(),
        seed=wanted.seed,
        pace=SILENT,
    )
    return tasks.steps(what, [device], seed=wanted.seed, duration_seconds=wanted.duration_seconds) if what else []
