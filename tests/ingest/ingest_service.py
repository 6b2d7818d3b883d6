"""Lanes as processes, and devices that speak to them through a real broker as independent clients."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import aiomqtt

from runtime.broker_accounts import BrokerAccount
from stack.ports import LOOPBACK, free_port
from stack.processes import ServiceProcess, ServiceSpec

TIMEOUT_SECONDS = 60.0
"""The machine may be busy with something else; nothing here measures time."""


async def eventually(found: Callable[[], Any], *, what: str = "") -> Any:
    """What `found` returns once it is true."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        result = await asyncio.to_thread(found)
        if result:
            return result
        assert time.monotonic() < deadline, what or "it did not happen"
        await asyncio.sleep(0.05)


class LaneService:
    """One lane as a process of its own."""

    def __init__(self, lane: str, *, database, broker, folder) -> None:
        self.lane = lane
        self.port = free_port()
        self.environment = {
            "WANGHUO_ENVIRONMENT_FILE": os.devnull,
            "WANGHUO_BROKER_URL": broker.url,
            "WANGHUO_INGEST_DATABASE_URL": database.url("wanghuo_ingest"),
            "WANGHUO_INGEST_BROKER_PASSWORD": broker.passwords[BrokerAccount.INGEST],
            f"WANGHUO_INGEST_{lane.upper()}_HTTP_PORT": str(self.port),
        }
        self._folder = folder
        self._process: ServiceProcess | None = None

    def start(self, *, failpoint: str = "", ready: bool = True) -> ServiceProcess:
        """Start it; with a failpoint it dies there."""
        spec = ServiceSpec(
            name=f"ingest-{self.lane}",
            arguments=("ingest", self.lane),
            environment={**self.environment, "WANGHUO_FAILPOINT": failpoint},
            ready_url=f"http://{LOOPBACK}:{self.port}/readyz",
        )
        self._process = ServiceProcess(spec, log_folder=self._folder)
        self._process.start()
        if ready:
            self._process.wait_ready()
        return self._process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def stop(self) -> None:
        if self._process is not None:
            self._process.stop()

    def log(self) -> str:
        assert self._process is not None
        return self._process.log.read_text(encoding="utf-8")

    def health(self) -> dict[str, Any]:
        """What it says of itself; empty where it does not answer."""
        try:
            with urlopen(f"http://{LOOPBACK}:{self.port}/readyz", timeout=5) as answer:
                return json.load(answer)
        except HTTPError as refusal:
            return json.load(refusal)
        except OSError:
            return {}

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        with urlopen(f"http://{LOOPBACK}:{self.port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        values = [float(line.rpartition(" ")[2]) for line in lines if line.partition(" ")[0].partition("{")[0] == name]
        assert values, f"there is no metric {name}"
        return sum(values)


class Device:
    """A transmitter on aiomqtt."""

    def __init__(self, client: aiomqtt.Client, name: str) -> None:
        self._client = client
        self.name = name
        self.commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.expiries: list[int] = []

    async def say(self, of: str, content: object, *, qos: int = 1, retain: bool = False) -> None:
        payload = content if isinstance(content, bytes) else json.dumps(content)
        await self._client.publish(f"wanghuo/v1/{self.name}/{of}", payload, qos=qos, retain=retain)

    async def listen(self) -> None:
        async for message in self._client.messages:
            if message.properties is not None and hasattr(message.properties, "MessageExpiryInterval"):
                self.expiries.append(message.properties.MessageExpiryInterval)
            self.commands.put_nowait(json.loads(message.payload))

    async def told(self) -> dict[str, Any]:
        """The next command."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self.commands.get()


@asynccontextmanager
async def device(broker, name: str, *, protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V5) -> AsyncIterator[Device]:
    """A connected transmitter that hears its commands."""
    client = aiomqtt.Client(
        broker.host, broker.port, username=name, password=broker.passwords[name], protocol=protocol, timeout=TIMEOUT_SECONDS
    )
    async with client:
        await client.subscribe(f"wanghuo/v1/{name}/command", qos=1)
        made = Device(client, name)
        listening = asyncio.create_task(made.listen())
        try:
            yield made
        finally:
            listening.cancel()
