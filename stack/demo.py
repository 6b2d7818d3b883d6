"""The demo: a township of simulated devices on a private stack, a measured fire, a control room's captured frames, a real webhook,
and the truth ledger's verdict.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from pathlib import Path

from rich.console import Console

from registry.options import today
from simulator import fires
from simulator.devices import Device, DeviceClass, Pace
from simulator.fleet import Fleet
from simulator.judging import verdict
from simulator.ledger import Ledger
from simulator.panels import Panels
from simulator.scenarios import timetable
from simulator.transmitter import Line
from simulator.verdict import Violation, tolerating
from simulator.village import Township, TownshipSettings, make_township
from stack import demo_panel
from stack.board import show
from stack.demo_summary import sum_up
from stack.errors import StackError
from stack.folders import default_folder
from stack.ports import LOOPBACK
from stack.private import PrivateStack, PrivateStackSettings, publish_environment
from stack.receiver import Receiver
from stack.township import settle
from stack.up import WATCH_SECONDS, mend

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
    """Run the demo; returns the exit status: 0 when all went well (see `stack.demo_summary`).

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


def _say_what_to_try(stack: PrivateStack, *, village_id: str, console: Console) -> None:
    fire = '{"boot": 1, "seq": 1, "point": "1", "kind": "fire_alarm", "active": true}'
    lines = (
        "try in another terminal:",
        "  .venv/bin/wanghuo alarms list",
        f"  .venv/bin/wanghuo registry enrol T0815 --village {village_id} --class detector",
        f"  mosquitto_pub -V 5 -q 1 -p {stack.broker.port} -u T0815 -P PASSWORD -t wanghuo/v1/T0815/signal -m '{fire}'",
    )
    console.print("\n".join(lines), soft_wrap=True, highlight=False, markup=False)


async def _play(stack: PrivateStack, receiver: Receiver, *, duration_seconds: float | None, console: Console) -> int:
    township = make_township(TownshipSettings(seed=SEED, today=today(), paces=PACES))
    credentials = await settle(township, stack)
    _say_what_to_try(stack, village_id=township.villages[0].village_id, console=console)
    length, room = duration_seconds or ROUND_SECONDS, _fire_room(township)
    places = _places(room)
    actors = [device for device in township.devices if device is not room]
    steps = timetable(SCENARIOS, actors, seed=SEED, duration_seconds=0.7 * length)
    with Ledger(stack.folder / "ledger.jsonl") as ledger:
        broker, line = stack.broker.pid, Line(host=LOOPBACK, port=stack.broker.port)
        panel = await demo_panel.make(township, stack, ledger=ledger, seed=SEED)
        async with (
            Fleet(township.devices, line=line, credentials=credentials, ledger=ledger) as fleet,
            Panels([panel], ledger=ledger, at=time.time()) as panels,
            _tended(stack, ledger, console=console),
        ):
            plays = {
                "scenarios": fleet.play(steps),
                "fire": _burn(fleet, places, length_seconds=length),
                "panel": demo_panel.play(panel, stack, length_seconds=length),
            }
            await _until_the_end(plays, duration_seconds=duration_seconds)
            await fleet.settle(timeout_seconds=SETTLE_SECONDS)
            await panels.settle(timeout_seconds=SETTLE_SECONDS)
        # A broker that was killed has lost the telemetry that it had not saved.
        lost = {Violation.TELEMETRY_LOST} if stack.broker.pid != broker else set[Violation]()
        judged = await verdict(stack.database_url("wanghuo_reader"), ledger, tolerated=tolerating({Violation.UNCONFIRMED, *lost}))
    early = duration_seconds is None
    return 0 if await sum_up(stack, receiver, judged=judged, place=places["A"], early=early, console=console) else 1


@contextlib.asynccontextmanager
async def _tended(stack: PrivateStack, ledger: Ledger, *, console: Console) -> AsyncIterator[None]:
    """Meanwhile show the board, and start again what ends: somebody may kill something to see what follows."""
    over = asyncio.Event()
    board = asyncio.create_task(show(stack, ledger, console=console), name="board")
    mending = asyncio.create_task(_mend(stack, ledger, over=over, console=console), name="mending")
    try:
        yield
    finally:
        over.set()
        board.cancel()
        await asyncio.wait([board, mending])


async def _mend(stack: PrivateStack, ledger: Ledger, *, over: asyncio.Event, console: Console) -> None:
    def say(what: str) -> None:
        console.print(what.partition("\n")[0], style="bold red", highlight=False, markup=False, soft_wrap=True)

    since = time.time()
    while not over.is_set():
        try:
            if await asyncio.to_thread(mend, stack, say=say):
                ledger.outage("something ended and was started again", since=since, until=time.time())
        except StackError as error:
            say(str(error))
        since = time.time()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), WATCH_SECONDS)


async def _until_the_end(plays: Mapping[str, Coroutine[None, None, None]], *, duration_seconds: float | None) -> None:
    """Let everything play until the end of the time, or until somebody interrupts it."""
    with _until_interrupted(duration_seconds) as ended:
        async with asyncio.TaskGroup() as group:
            playing = [group.create_task(play, name=name) for name, play in plays.items()]
            await ended.wait()
            for task in playing:
                task.cancel()


async def _burn(fleet: Fleet, places: Mapping[str, fires.Place], *, length_seconds: float) -> None:
    burning = fires.run_named(FIRE)
    factor = max(1.0, (burning.seconds[-1] - burning.seconds[0]) / (SHARE_OF_FIRE * length_seconds))
    await fires.replay(fleet, burning, places=places, factor=factor)


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
