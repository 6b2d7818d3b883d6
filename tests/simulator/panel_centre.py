"""A scripted centre for panels: takes frames over TCP or UDP, confirms when it is told to, and commands."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from signals.gb26875 import content
from signals.gb26875.frames import Frame, Passed, Receiver

TIMEOUT_SECONDS = 60
CENTRE, TIME = bytes.fromhex("010000000000"), bytes(6)


@dataclass(kw_only=True)
class PanelCentre(asyncio.DatagramProtocol):
    """`confirming`: the command that an upload is answered with; None: it is not."""

    port: int = 0
    confirming: int | None = 3
    heard: list[Frame] = field(default_factory=list)
    passed: list[Passed] = field(default_factory=list)
    reads: list[int] = field(default_factory=list)
    connections: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    answer: object = None
    transport: object = None

    def take(self, parts, send):
        self.answer = send
        for part in parts:
            if isinstance(part, Passed):
                self.passed.append(part)
                continue
            self.heard.append(part)
            if part.command == 2 and self.confirming is not None:
                send(part.reply(self.confirming, time=TIME).encode())
        self.arrived.set()

    async def serve(self, reader, writer):
        self.connections += 1
        receiver = Receiver()
        while data := await reader.read(65536):
            self.reads.append(len(data))
            self.take(list(receiver.feed(data)), writer.write)
        self.take(list(receiver.tear()), writer.write)
        writer.close()

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        receiver = Receiver()
        self.take([*receiver.feed(data), *receiver.tear()], lambda raw: self.transport.sendto(raw, address))

    def command(self, adu, *, command=1, serial=0, destination=bytes(6)):
        data = content.encode(adu)
        frame = Frame(serial=serial, time=TIME, source=CENTRE, destination=destination, command=command, data=data)
        self.answer(frame.encode())

    def units(self, command=2):
        """What was uploaded, as JSON, re-sends left out."""
        frames = {(frame.serial, frame.data): frame for frame in self.heard if frame.command == command}
        return [content.decode(frame.data) for frame in frames.values()]

    def stated(self):
        """Objects of states, in the order of their first arrival."""
        return [one for unit in self.units() if unit.get("type") in {1, 2, 21} for one in unit["objects"]]

    async def until(self, reached):
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (found := reached()):
                self.arrived.clear()
                await self.arrived.wait()
        return found


@contextlib.asynccontextmanager
async def panel_centre(*, udp=False, **how):
    centre = PanelCentre(**how)
    if udp:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: centre, local_addr=("127.0.0.1", 0))
        centre.port = transport.get_extra_info("sockname")[1]
        try:
            yield centre
        finally:
            transport.close()
        return
    server = await asyncio.start_server(centre.serve, "127.0.0.1", 0)
    centre.port = server.sockets[0].getsockname()[1]
    try:
        yield centre
    finally:
        server.close()
