"""A scripted centre: an independent client that hears everything, confirms when it is told to, and commands."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field

import aiomqtt

from runtime.broker_accounts import BrokerAccount
from signals.topics import CONFIRMED_CLASSES, MessageClass, command, read_upward

TIMEOUT_SECONDS = 60


@dataclass(kw_only=True)
class Heard:
    """One message, as it came."""

    transmitter_id: str
    message_class: MessageClass
    payload: bytes
    retained: bool

    @property
    def objects(self):
        found = json.loads(self.payload)
        return found if isinstance(found, list) else [found]


@dataclass(kw_only=True)
class Centre:
    """`confirming`: whether it confirms what it hears."""

    client: aiomqtt.Client
    confirming: bool = True
    heard: list[Heard] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def messages(self, message_class, transmitter_id=None):
        return [one for one in self.heard if one.message_class == message_class and transmitter_id in {None, one.transmitter_id}]

    def objects(self, message_class, transmitter_id=None):
        return [found for one in self.messages(message_class, transmitter_id) for found in one.objects]

    def facts(self, message_class, transmitter_id=None):
        """Objects in the order of their first arrival, re-sends left out."""
        found = {json.dumps(one, sort_keys=True): one for one in reversed(self.objects(message_class, transmitter_id))}
        return list(found.values())[::-1]

    async def until(self, reached):
        """Wait until `reached()` is true of what was heard."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (found := reached()):
                self.arrived.clear()
                await self.arrived.wait()
        return found

    async def command(self, transmitter_id, name, identifier="c1", **members):
        document = {"id": identifier, "name": name, "issued_at": "", "expires_at": "", **members}
        await self.client.publish(command(transmitter_id), json.dumps(document), qos=1)

    async def confirm(self, transmitter_id, message_class, *objects):
        for boot in {one["boot"] for one in objects}:
            seqs = [one["seq"] for one in objects if one["boot"] == boot]
            await self.command(transmitter_id, "confirm", **{"class": message_class, "boot": boot, "seqs": seqs})

    async def listen(self):
        async for message in self.client.messages:
            transmitter_id, message_class = read_upward(str(message.topic))
            heard = Heard(
                transmitter_id=transmitter_id, message_class=message_class, payload=message.payload, retained=message.retain
            )
            self.heard.append(heard)
            self.arrived.set()
            if self.confirming and message_class in CONFIRMED_CLASSES:
                await self.confirm(transmitter_id, message_class, *heard.objects)


@contextlib.asynccontextmanager
async def centre_at(broker, *, confirming=True):
    """A centre that listens while the context is open; it does not survive the broker."""
    name = str(BrokerAccount.INGEST)
    async with aiomqtt.Client(
        broker.host, broker.port, username=name, password=broker.passwords[name], timeout=TIMEOUT_SECONDS
    ) as client:
        centre = Centre(client=client, confirming=confirming)
        for message_class in MessageClass:
            await client.subscribe(f"wanghuo/v1/+/{message_class}", qos=1)
        listening = asyncio.create_task(centre.listen())
        try:
            yield centre
        finally:
            # Before Python 3.12 a cancellation is lost when it meets the broker's answer (asyncio.wait_for in aiomqtt).
            while not listening.done():
                listening.cancel()
                await asyncio.wait([listening], timeout=1)
