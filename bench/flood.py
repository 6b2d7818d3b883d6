"""A process of its own that publishes telemetry: `python -m bench.flood PORT RATE SECONDS [wide]`, password in BENCH_PASSWORD.

A message holds two values of one point a transmitter; `wide`, four values of twenty points a transmitter in turn.
"""

import asyncio
import json
import os
import sys
import time

import uvloop

from bench.backlog import TRANSMITTERS
from bench.stage import WORLD_USER
from runtime.mqtt import BrokerAddress, MqttSession, SessionSettings
from stack.ports import LOOPBACK

SLICE_SECONDS = 0.01


NARROW = {"smoke_obscuration_db_per_m": 0.0123, "temperature_celsius": 23.4}
WIDE = {**NARROW, "co_ppm": 1.5, "humidity_ratio": 0.55}
WIDE_POINTS = 20


def payload(seq: int, *, boot: int, wide: bool) -> bytes:
    """One object. Wide ones move a little, as sensors do."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    point = f"1-12-{seq % WIDE_POINTS}" if wide else "1-12-3"
    moved = 1 + (seq // WIDE_POINTS % 7) / 1000
    values = {metric: value * moved for metric, value in WIDE.items()} if wide else NARROW
    return json.dumps({"boot": boot, "seq": seq, "at": at, "point": point, "values": values}).encode()


async def flood(port: int, *, rate: float, seconds: float, wide: bool) -> None:
    """Publish `rate` messages a second, in slices of 10 ms, acknowledged by the broker."""
    settings = SessionSettings(
        address=BrokerAddress(host=LOOPBACK, port=port),
        client_id="bench-flood",
        username=WORLD_USER,
        password=os.environ["BENCH_PASSWORD"],
        clean_start=True,
        expiry_seconds=0,
    )
    session = MqttSession(settings)
    running = asyncio.create_task(session.run())
    while not session.connected:
        await asyncio.sleep(SLICE_SECONDS)
    boot, start, sent = int(time.time()), time.monotonic(), 0
    while (elapsed := time.monotonic() - start) < seconds:
        while sent < elapsed * rate:
            session.send(f"wanghuo/v1/T{sent % TRANSMITTERS}/telemetry", payload(sent // TRANSMITTERS, boot=boot, wide=wide))
            sent += 1
        await asyncio.sleep(SLICE_SECONDS)
    running.cancel()


if __name__ == "__main__":
    uvloop.run(flood(int(sys.argv[1]), rate=float(sys.argv[2]), seconds=float(sys.argv[3]), wide="wide" in sys.argv[4:]))
