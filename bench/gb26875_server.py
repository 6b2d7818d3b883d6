"""The server for GB/T 26875.3 under load: 1,000 connections that upload 10 frames a second each, every frame to be confirmed."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
import uvloop

from bench.measured import BenchError, Measured, percentile
from bench.stage import processor_seconds, resident_mebibytes
from signals.gb26875 import clock
from signals.gb26875.content import encode
from signals.gb26875.frames import EMPTY_BYTES, HEAD_BYTES, SERIAL_MODULUS, Frame
from signals.gb26875.tables import Command
from stack.ports import LOOPBACK
from stack.private import PrivateStack

SERVICE = "ingest-gb26875"
CONNECTIONS = 1000
RATE = 10
"""Frames a second on each connection."""
TICKS = 500
"""A second is so many steps, so that frames come evenly and not in bursts."""
WARM_SECONDS = 10.0
MEASURED_SECONDS = 30.0
SETTLE_SECONDS = 10.0
SHARE_LEAST = 0.99
"""Of the frames that are due, so many must have been sent: the load must not wait for the server."""
CENTRE = bytes(6)
TIME, OBJECT_TIME = slice(6, 12), slice(-9, -3)
"""Where a frame has the time of sending, and at its end the one of its object."""
ENROL = """
INSERT INTO gb26875_device (transmitter_id, address)
SELECT 'T' || number, lpad(to_hex(number % 256), 2, '0') || lpad(to_hex(number / 256), 2, '0') || '00000000'
FROM generate_series(0, %(connections)s - 1) AS number
"""


@dataclass(slots=True)
class Load:
    """What is measured, seconds from writing a frame to its confirm."""

    latencies: list[float] = field(default_factory=list)
    sent: int = 0
    denied: int = 0
    measuring: bool = False


class Device(asyncio.Protocol):
    """One device: frames with its own serials out, confirms in."""

    def __init__(self, number: int, load: Load) -> None:
        self._load = load
        self._frames = [bytearray(frame) for frame in _frames(number)]
        self._serial = 0
        self._open: dict[int, float] = {}
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport) or hasattr(transport, "write")
        self._transport = transport  # type: ignore[assignment]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.lost = True

    @property
    def unconfirmed(self) -> int:
        """Frames that nobody has confirmed yet."""
        return len(self._open)

    def upload(self, *, tag: bytes) -> None:
        """Send the next frame, with this time in it and in its object."""
        assert self._transport is not None
        frame = self._frames[self._serial % len(self._frames)]
        frame[2:4] = self._serial.to_bytes(2, "little")
        frame[TIME] = frame[OBJECT_TIME] = tag
        frame[-3] = sum(frame[2:-3]) & 0xFF
        self._open[self._serial] = time.perf_counter()
        self._serial = (self._serial + 1) % SERIAL_MODULUS
        self._load.sent += self._load.measuring
        self._transport.write(bytes(frame))

    def data_received(self, data: bytes) -> None:
        now, data = time.perf_counter(), self._rest + data
        whole = len(data) - len(data) % EMPTY_BYTES
        for offset in range(0, whole, EMPTY_BYTES):
            began = self._open.pop(int.from_bytes(data[offset + 2 : offset + 4], "little"), None)
            if data[offset + HEAD_BYTES - 1] != Command.CONFIRM:
                self._load.denied += 1
            elif began is not None and self._load.measuring:
                self._load.latencies.append(now - began)
        self._rest = data[whole:]


def measure(stack: PrivateStack) -> dict[str, Measured]:
    """Confirmed latency and memory of the server.

    Raises:
        BenchError: frames were lost or denied, or the load was not sent at its rate.
    """
    with psycopg.connect(stack.database_url("wanghuo_registry")) as connection:
        connection.execute(ENROL.replace("%(connections)s", str(CONNECTIONS)).encode())
    stack.start_services([SERVICE])
    pid = stack.services[SERVICE].pid
    assert pid is not None
    before = processor_seconds(pid)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = runner.run(_loaded(stack.gb26875_port))
    each = CONNECTIONS * RATE * (WARM_SECONDS + MEASURED_SECONDS) / (processor_seconds(pid) - before)
    note = (
        f"{CONNECTIONS:,} connections x {RATE} frames/s for {MEASURED_SECONDS:g} s over TCP; four of five a component's state,"
        " one an analog value, each of its own second; frame written -> confirm read, the row committed between; p99 <= 0.25 is due"
    )
    found = {
        f"gb26875_confirmed_{name}_seconds": Measured(value=percentile(load.latencies, share), unit="s", note=note)
        for share, name in ((0.5, "p50"), (0.99, "p99"), (1.0, "max"))
    }
    rate = Measured(value=len(load.latencies) / MEASURED_SECONDS, unit="frames/s", note="confirmed while measured")
    rss = Measured(value=resident_mebibytes(pid), unit="MiB", note="the server's most; <= 300 is due")
    return {
        **found,
        "gb26875_confirmed_frames_per_second": rate,
        "gb26875_frames_per_processor_second": Measured(value=each, unit="1/s", note="by the server's own processor time"),
        "gb26875_rss_mib": rss,
    }


async def _loaded(port: int) -> Load:
    load, loop = Load(), asyncio.get_running_loop()
    devices = [Device(number, load) for number in range(CONNECTIONS)]
    for device in devices:
        await loop.create_connection(lambda device=device: device, LOOPBACK, port)  # type: ignore[misc]
    await _upload(devices, seconds=WARM_SECONDS)
    load.measuring = True
    await _upload(devices, seconds=MEASURED_SECONDS)
    await _settled(devices)
    due = CONNECTIONS * RATE * MEASURED_SECONDS
    if load.denied or any(device.lost for device in devices):
        raise BenchError(f"{load.denied} frames denied, {sum(device.lost for device in devices)} connections lost")
    if load.sent < SHARE_LEAST * due:
        raise BenchError(f"{load.sent:,} frames were sent where {due:,.0f} were due")
    return load


async def _settled(devices: list[Device]) -> None:
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while any(device.unconfirmed for device in devices) and not any(device.lost for device in devices):
                await asyncio.sleep(0.05)
    except TimeoutError:
        left = sum(device.unconfirmed for device in devices)
        raise BenchError(f"{left:,} frames are not confirmed {SETTLE_SECONDS:g} s after the last was sent") from None


async def _upload(devices: list[Device], *, seconds: float) -> None:
    began, count = time.perf_counter(), CONNECTIONS * RATE // TICKS
    for tick in range(int(seconds * TICKS)):
        tag = clock.write(datetime.now(UTC))
        for number in range(tick * count, (tick + 1) * count):
            devices[number % CONNECTIONS].upload(tag=tag)
        wait = began + (tick + 1) / TICKS - time.perf_counter()
        await asyncio.sleep(max(0.0, wait))


PLACE = {"system_type": 1, "system_address": 1, "time": None}
NORMAL = {"component_type": 40, "status_word": "0x0001"}
WARM = {"component_type": 31, "component_address_hex": "09000000", "analog_type": 3, "raw_value": 215}


def _frames(number: int) -> Iterator[bytes]:
    """What a device says in turn: the states of four components, and a temperature."""
    source = number.to_bytes(6, "little")
    here = {**PLACE, **NORMAL, "text": f"{number}号楼走道"}
    states = [(2, {**here, "component_address_hex": address.to_bytes(4, "little").hex()}) for address in range(4)]
    for kind, members in (*states, (3, {**PLACE, **WARM})):
        data = encode({"type": kind, "count": 1, "objects": [members]})
        yield Frame(serial=0, time=clock.NONE, source=source, destination=CENTRE, command=Command.SEND_DATA, data=data).encode()
