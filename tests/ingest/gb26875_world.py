"""The server for GB/T 26875.3 on a real database and real sockets, and a device of few words."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg
from ingest_world import enrol

from ingest.gb26875.service import run
from ingest.settings import Gb26875Settings
from runtime.health import Health
from signals.gb26875 import content
from signals.gb26875.frames import Frame, Receiver
from signals.gb26875.tables import Command
from stack.ports import free_port

ADDRESS = bytes.fromhex("385b01000000")
CENTRE = bytes.fromhex("790300000000")
WAIT_SECONDS = 20.0
TIME = bytes((5, 30, 14, 7, 3, 26))


def enrol_device(
    database, transmitter_id: str = "P1", *, address: bytes = ADDRESS, network: str | None = None, profile: str = "standard"
):
    """Write a device into the register."""
    enrol(database, transmitter_id)
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("INSERT INTO gb26875_device VALUES (%s, %s, %s, %s)", [transmitter_id, address.hex(), network, profile])


def _is_free(port: int) -> bool:
    # UDP is opened last. To connect would count as a connection.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@asynccontextmanager
async def serving(database, *, health: Health | None = None, **settings) -> AsyncIterator[int]:
    """The service; yields the port of TCP and UDP."""
    port = free_port()
    given = Gb26875Settings(
        ingest_database_url=database.url("wanghuo_ingest"), gb26875_tcp_port=port, gb26875_udp_port=port, **settings
    )
    task = asyncio.create_task(run(given, health or Health("ingest gb26875")))
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not task.done() and _is_free(port):
                await asyncio.sleep(0.02)
        yield port
    finally:
        task.cancel()
        await asyncio.wait([task])


def component(status: int, *, point: tuple[int, int] = (41, 8), time: str | None = "2026-03-07 14:30:05", text: str = "") -> dict:
    """A component's status, system 1 of address 2."""
    address = (point[0].to_bytes(2, "little") + point[1].to_bytes(2, "little")).hex()
    place = {"system_type": 1, "system_address": 2, "component_type": 40, "component_address_hex": address}
    return {**place, "status_word": f"0x{status:04X}", "text": text, "time": time}


def upload(*objects: dict, kind: int = 2, serial: int = 0, source: bytes = ADDRESS, command: int = Command.SEND_DATA) -> Frame:
    """A frame with these objects."""
    data = content.encode({"type": kind, "count": len(objects), "objects": list(objects)}) if objects else b""
    return Frame(serial=serial, time=TIME, source=source, destination=CENTRE, command=command, data=data)


@dataclass
class Line:
    """A connection of a device."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    receiver: Receiver = field(default_factory=Receiver)
    frames: list = field(default_factory=list)

    async def say(self, frame: Frame) -> None:
        self.writer.write(frame.encode())
        await self.writer.drain()

    async def hear(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not self.frames:
                data = await self.reader.read(65536)
                assert data, "the centre ended the connection"
                self.frames += [part for part in self.receiver.feed(data) if isinstance(part, Frame)]
        return self.frames.pop(0)

    async def ask(self, frame: Frame) -> Frame:
        await self.say(frame)
        return await self.hear()

    async def ended(self) -> bool:
        """Whether the centre ends the connection."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True


@asynccontextmanager
async def line(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


class Datagrams(asyncio.DatagramProtocol):
    """A device on UDP."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data, addr) -> None:
        self.heard.put_nowait(data)


@asynccontextmanager
async def datagrams(port: int):
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Datagrams, remote_addr=("127.0.0.1", port))
    try:
        yield transport, protocol
    finally:
        transport.close()
