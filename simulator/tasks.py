"""What the commands do."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import uvloop
from rich.console import Console

from runtime.errors import ConfigurationError
from runtime.mqtt import BrokerAddress, SessionSettings
from runtime.settings import load
from simulator import fires, scenarios, timetable
from simulator.devices import Device, DeviceClass, Pace, make_device
from simulator.fires import QUADRANTS, Place
from simulator.fleet import Fleet
from simulator.flood import Flood, FloodResult, FloodSettings
from simulator.judging import verdict
from simulator.ledger import Ledger
from simulator.settings import FloodTaskSettings, LedgerSettings, SimulatorSettings, line_to, read_credentials
from simulator.speech import SHANGHAI
from simulator.timetable import Step
from simulator.verdict import Verdict, Violation, tolerating
from simulator.village import TownshipSettings, make_township

CONNECT_SECONDS = 30.0
SETTLE_SECONDS = 30.0
POINTS_OF_STRANGERS = 4
QUIET = Pace(heartbeat_seconds=10, telemetry_seconds=0)

console = Console(highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Playing:
    """How a fleet plays."""

    duration_seconds: float
    seed: int
    heartbeat_seconds: float
    telemetry_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """Which fire burns, and how."""

    fire: str
    factor: float
    until_second: float


def today() -> date:
    """The day in Shanghai."""
    return datetime.now(SHANGHAI).date()


def township(folder: Path, settings: TownshipSettings) -> None:
    """Write a township's tables."""
    for table, path in make_township(settings).write_csv(folder).items():
        console.print(f"{table}: {path}")


def run(what: Sequence[str], playing: Playing, *, ledger_file: Path | None) -> int:
    """Play scenarios and timetables on everybody in the credentials file. Returns the exit status."""
    credentials = _credentials()
    pace = Pace(heartbeat_seconds=playing.heartbeat_seconds, telemetry_seconds=playing.telemetry_seconds)
    devices = _devices(credentials, seed=playing.seed, pace=pace)
    made = steps(what, devices, seed=playing.seed, duration_seconds=playing.duration_seconds)

    async def play(fleet: Fleet) -> None:
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + playing.duration_seconds
        await fleet.play(made)
        await asyncio.sleep(ends_at - loop.time())

    return _play(devices, credentials, act=play, ledger_file=ledger_file)


def replay(transmitter_ids: Sequence[str], burn: Burn, *, ledger_file: Path | None) -> int:
    """Replay a fire. Returns the exit status."""
    if len(transmitter_ids) > len(QUADRANTS):
        raise ConfigurationError(f"a fire was measured in {len(QUADRANTS)} quadrants, not in {len(transmitter_ids)}")
    credentials = _credentials()
    devices = [make_device(name, DeviceClass.DETECTOR, seed=0, pace=QUIET) for name in transmitter_ids]
    places = {quadrant: Place(transmitter_id=name, point="1") for quadrant, name in zip(QUADRANTS, transmitter_ids, strict=False)}
    burning = fires.run_named(burn.fire)

    async def act(fleet: Fleet) -> None:
        await fires.replay(fleet, burning, places=places, factor=burn.factor, until_second=burn.until_second)

    return _play(devices, credentials, act=act, ledger_file=ledger_file)


def flood(transmitter_ids: Sequence[str], *, rate: float, duration_seconds: float, ledger_file: Path | None) -> None:
    """Pour."""
    settings = load(FloodTaskSettings)
    address = BrokerAddress.read(settings.broker_url)
    session = SessionSettings(
        address=address,
        client_id="simulator-flood",
        username=settings.simulator_world_user,
        password=settings.simulator_world_password,
        clean_start=True,
        expiry_seconds=0,
        tls=settings.tls(),
    )
    wanted = FloodSettings(
        session=session, transmitter_ids=transmitter_ids, rate=rate, duration_seconds=duration_seconds, boot=int(time.time())
    )
    with open_ledger(ledger_file) as ledger:
        result = uvloop.run(_pour(wanted, ledger))
    per_second = result.sent / result.seconds
    console.print(f"{result.sent:,} readings sent, {result.acknowledged:,} acknowledged by the broker; {per_second:,.0f} a second")


def check(file: Path, *, limit_seconds: float, patience_seconds: float, tolerate: Sequence[str]) -> int:
    """Judge a ledger. Returns the exit status."""
    known = {str(violation): violation for violation in Violation}
    unknown = [word for word in tolerate if word not in known]
    if unknown:
        raise ConfigurationError(f"nothing is called {unknown[0]!r}; there are {', '.join(known)}")
    try:
        ledger = Ledger.read(file)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    tolerated = tolerating([Violation.UNCONFIRMED, *(known[word] for word in tolerate)])
    url = load(LedgerSettings).reader_database_url

    async def judged() -> Verdict:
        return await verdict(url, ledger, limit_seconds=limit_seconds, patience_seconds=patience_seconds, tolerated=tolerated)

    given = asyncio.run(judged())
    for line in given.lines():
        console.print(line, markup=False)
    return 0 if given.ok else 1


async def _pour(settings: FloodSettings, ledger: Ledger) -> FloodResult:
    return await Flood(settings, ledger=ledger).run()


def _play(
    devices: Sequence[Device],
    credentials: Mapping[str, str],
    *,
    act: Callable[[Fleet], Awaitable[None]],
    ledger_file: Path | None,
) -> int:
    line = line_to(load(SimulatorSettings))

    async def playing(ledger: Ledger) -> bool:
        async with Fleet(devices, line=line, credentials=credentials, ledger=ledger) as fleet:
            if not await fleet.connected(timeout_seconds=CONNECT_SECONDS):
                console.print(f"not everybody could connect within {CONNECT_SECONDS:g} s; the others go on")
            await act(fleet)
            return await fleet.settle(timeout_seconds=SETTLE_SECONDS)

    with open_ledger(ledger_file) as ledger:
        settled = uvloop.run(playing(ledger))
        confirmed = sum(entry.confirmed_at is not None for entry in ledger.entries)
        readings = sum(len(measured.acknowledged) for measured in ledger.telemetry.values())
    console.print(
        f"{len(devices):,} transmitters said {len(ledger.entries):,} objects, {confirmed:,} confirmed by the centre;"
        f" {readings:,} readings acknowledged by the broker"
    )
    return 0 if settled else 1


def open_ledger(file: Path | None) -> AbstractContextManager[Ledger]:
    """A ledger in this file, or in memory.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        return Ledger(file)
    except OSError as error:
        raise ConfigurationError(f"cannot write the ledger {file}: {error.strerror}") from error


def _credentials() -> dict[str, str]:
    return read_credentials(load(SimulatorSettings).simulator_credentials_file)


def _devices(credentials: Mapping[str, str], *, seed: int, pace: Pace) -> list[Device]:
    """Devices of the township of this seed where the credentials name them, and detectors for strangers."""
    made = make_township(TownshipSettings(seed=seed, today=today(), paces=dict.fromkeys(DeviceClass, pace)))
    known: dict[str, Device | None] = {terminal.transmitter_id: None for terminal in made.terminals}
    known |= {device.transmitter_id: device for device in made.devices}
    strangers = {
        name: make_device(name, DeviceClass.DETECTOR, seed=seed, points=POINTS_OF_STRANGERS, pace=pace)
        for name in credentials.keys() - known.keys()
    }
    found = [{**known, **strangers}[name] for name in credentials]
    return [device for device in found if device is not None]


def steps(what: Sequence[str], devices: Sequence[Device], *, seed: int, duration_seconds: float) -> list[Step]:
    """Scenarios and files with timetables as one timetable.

    Raises:
        ConfigurationError: a word is neither, or a file cannot be read.
    """
    files = [Path(word) for word in what if word not in scenarios.SCENARIOS and Path(word).is_file()]
    names = [word for word in what if word in scenarios.SCENARIOS or not Path(word).is_file()]
    written = [timetable.read(path.read_text(encoding="utf-8")) for path in files]
    made = scenarios.timetable(names, devices, seed=seed, duration_seconds=duration_seconds)
    return timetable.in_order(made, *written)
