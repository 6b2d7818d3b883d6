"""The demo: a township of simulated devices on a private stack, a measured fire, a control room's captured frames, a real webhook,
and the truth ledger's verdict.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Coroutine, Iterator, Mapping
from pathlib import Path

import psycopg
from rich.console import Console

from registry.options import today
from registry.ratio import Denominator, figures_by_village
from simulator import fires
from simulator.devices import Device, DeviceClass, Pace
from simulator.fleet import Fleet
from simulator.judging import verdict
from simulator.ledger import Ledger
from simulator.panels import Panels
from simulator.scenarios import timetable
from simulator.transmitter import Line
from simulator.verdict import Verdict
from simulator.village import Township, TownshipSettings, make_township
from stack import demo_panel
from stack.board import ratio_table, show
from stack.board_data import QUERIES, Totals, read_totals
from stack.folders import default_folder
from stack.ports import LOOPBACK
from stack.private import PrivateStack, PrivateStackSettings, publish_environment
from stack.receiver import Receiver
from stack.township import connection_ratio, settle

SEED = 20261123
FIRE = "RedAccent_Closed_Back_1"
SCENARIOS = ("ordinary_day", "fire", "fault", "duplicate", "out_of_order", "clock_skew", "wiped", "sleepy", "reconnect_storm")
ROUND_SECONDS = 300.0
"""Without an end, the scenarios are spread over so long and the measured fire burns once."""
SHARE_OF_FIRE = 0.6
"""Part of the demo that the measured fire takes."""
SETTLE_SECONDS = 30.0
PACES = {
    DeviceClass.CONTROL_ROOM: Pace(heartbeat_seconds=10, telemetry_seconds=2),
    DeviceClass.DETECTOR: Pace(heartbeat_seconds=20, telemetry_seconds=5),
    DeviceClass.BRIDGE: Pace(heartbeat_seconds=10, telemetry_seconds=5),
    DeviceClass.SLEEPY: Pace(heartbeat_seconds=86_400, telemetry_seconds=86_400),
}
ROSTER = """# Written by the demo: its duty officer is a webhook receiver in the demo's own process.
[[officer]]
name = "duty-officer"
channels = ["{channel}"]

[watchdog]
channels = ["{channel}"]
"""


def run(*, duration_seconds: float | None, console: Console) -> int:
    """Run the demo; returns the exit status: 0 when the ledger's verdict is good and the fire was warned of.

    Raises:
        StackError, WanghuoError: with one clear sentence; everything started is stopped.
    """
    folder = default_folder() / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with Receiver() as receiver:
        roster = folder / "roster.toml"
        roster.write_text(ROSTER.format(channel=receiver.channel), encoding="utf-8")
        console.print("starting a private broker, a private database and all services …")
        with PrivateStack(PrivateStackSettings(folder=folder, fresh=True, roster=roster)) as stack:
            stack.start_services()
            publish_environment(stack, where=Path(".stack/env"))
            _say_ready(stack, console=console)
            return asyncio.run(_play(stack, receiver, duration_seconds=duration_seconds, console=console))


def _say_ready(stack: PrivateStack, *, console: Console) -> None:
    services = ", ".join(f"{name} {stack.url(name)}" for name in stack.ports)
    console.print(f"ready: broker {stack.broker.url}; database {LOOPBACK}:{stack.database.port}; {services}", soft_wrap=True)
    console.print("try in another terminal: .venv/bin/wanghuo alarms list", soft_wrap=True)


async def _play(stack: PrivateStack, receiver: Receiver, *, duration_seconds: float | None, console: Console) -> int:
    township = make_township(TownshipSettings(seed=SEED, today=today(), paces=PACES))
    credentials = await settle(township, stack)
    length = duration_seconds or ROUND_SECONDS
    burning, room = fires.run_named(FIRE), _fire_room(township)
    places = _places(room)
    actors = [device for device in township.devices if device is not room]
    steps = timetable(SCENARIOS, actors, seed=SEED, duration_seconds=0.7 * length)
    factor = max(1.0, (burning.seconds[-1] - burning.seconds[0]) / (SHARE_OF_FIRE * length))
    with Ledger(stack.folder / "ledger.jsonl") as ledger:
        line = Line(host=LOOPBACK, port=stack.broker.port)
        panel = await demo_panel.make(township, stack, ledger=ledger, seed=SEED)
        async with (
            Fleet(township.devices, line=line, credentials=credentials, ledger=ledger) as fleet,
            Panels([panel], ledger=ledger, at=time.time()) as panels,
        ):
            board = asyncio.create_task(show(stack, ledger, console=console, failures=lambda: stack.services.failures))
            plays = {
                "scenarios": fleet.play(steps),
                "fire": fires.replay(fleet, burning, places=places, factor=factor),
                "panel": demo_panel.play(panel, stack, length_seconds=length),
            }
            await _until_the_end(plays, duration_seconds=duration_seconds)
            await fleet.settle(timeout_seconds=SETTLE_SECONDS)
            await panels.settle(timeout_seconds=SETTLE_SECONDS)
            board.cancel()
        judged = await verdict(stack.database_url("wanghuo_reader"), ledger)
    return await _sum_up(stack, receiver, judged=judged, place=places["A"], console=console)


async def _until_the_end(plays: Mapping[str, Coroutine[None, None, None]], *, duration_seconds: float | None) -> None:
    """Let everything play until the end of the time, or until somebody interrupts it."""
    with _until_interrupted(duration_seconds) as ended:
        async with asyncio.TaskGroup() as group:
            playing = [group.create_task(play, name=name) for name, play in plays.items()]
            await ended.wait()
            for task in playing:
                task.cancel()


def _fire_room(township: Township) -> Device:
    """A control room whose first four points stand in the room that burns."""
    return next(
        device for device in township.devices if device.device_class is DeviceClass.CONTROL_ROOM and len(device.points) >= 4
    )


def _places(room: Device) -> dict[str, fires.Place]:
    """The quadrants of the room that burns."""
    return {
        quadrant: fires.Place(transmitter_id=room.transmitter_id, point=point)
        for quadrant, point in zip(fires.QUADRANTS, room.points, strict=False)
    }


@contextlib.contextmanager
def _until_interrupted(duration_seconds: float | None) -> Iterator[asyncio.Event]:
    """An event that comes with SIGINT, SIGTERM, or the end of the time."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    timer = loop.call_later(duration_seconds, ended.set) if duration_seconds else None
    try:
        yield ended
    finally:
        if timer is not None:
            timer.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


async def _sum_up(stack: PrivateStack, receiver: Receiver, *, judged: Verdict, place: fires.Place, console: Console) -> int:
    async with await psycopg.AsyncConnection.connect(stack.database_url("wanghuo_reader"), autocommit=True) as connection:
        totals = await read_totals(connection)
        cursor = await connection.execute(
            QUERIES["fire_and_warning"], {"transmitter_id": place.transmitter_id, "point": place.point}
        )
        warned_at, fire_at, reason = (await cursor.fetchone()) or (None, None, None)
        on_duty = await demo_panel.duty_latency(connection)
    measured = await connection_ratio(stack)
    villages = figures_by_village(measured.evidence, villages=measured.villages, denominator=Denominator.ALL)
    console.print(ratio_table({measured.villages[name]: found for name, found in villages.items()}))
    _print_totals(totals, receiver, console=console)
    warned = warned_at is not None and (fire_at is None or warned_at < fire_at)
    lead = f", {(fire_at - warned_at).total_seconds():.0f} s before its 58 °C alarm" if warned and fire_at else ""
    console.print(f"measured fire: {'early warning' if warned else 'NO early warning'}{lead}: {reason}", soft_wrap=True)
    answered = "NOT answered" if on_duty is None else f"answered after {on_duty:.1f} s"
    console.print(f"control room {demo_panel.PANEL} by GB/T 26875.3: its duty check was {answered}", soft_wrap=True)
    for text in judged.lines():
        console.print(text, soft_wrap=True, highlight=False)
    return 0 if judged.ok and warned and receiver.deliveries else 1


def _print_totals(totals: Totals, receiver: Receiver, *, console: Console) -> None:
    console.print(
        f"stored: {totals.signals:,} signals and {totals.telemetry:,} readings; raised: {totals.alarms:,} alarms,"
        f" {totals.fires:,} of them fires, {totals.early_warnings:,} early warnings; notifications:"
        f" {totals.notifications_sent:,} sent,"
        f" {len(receiver.deliveries):,} arrived at the duty officer's webhook, {totals.notifications_due:,} owed",
        soft_wrap=True,
    )
