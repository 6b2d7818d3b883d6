"""From a device's publish to the committed alarm row, and to the duty officer: at rest, and beside a flood of telemetry."""

import asyncio
import json
import re
import time
from dataclasses import dataclass

import psycopg

from bench.measured import BenchError, Measured, percentile
from bench.stage import WORLD_USER, flooded, resident_mebibytes
from runtime.mqtt import BrokerAddress, MqttSession, SessionSettings
from stack.board_data import metric
from stack.ports import LOOPBACK
from stack.private import DATABASE, INGEST_SERVICES, PrivateStack
from stack.receiver import Receiver

ALARMS = 1200
RATE = 20.0
"""Alarms a second: 60 s of them, each of a point of its own."""
FLOOD_RATE = 10_000
FLOOD_LEAST = 9_900
FLOOD_LEAD_SECONDS = 5.0
FLOOD_WINDOW_SECONDS = 10.0
SETTLE_SECONDS = 60.0
STORED = "wanghuo_ingest_stored_total"
COMMITTED = """
SELECT point, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8, alarm_id
FROM alarm WHERE kind = 'fire_alarm' AND point LIKE %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """Seconds, one for each alarm: to the committed row, and to the arrival of the notification."""

    alarm: list[float]
    notification: list[float]


def measure(stack: PrivateStack, receiver: Receiver) -> dict[str, Measured]:
    """At rest, then loaded.

    Raises:
        BenchError: an alarm or notification was missing, or the flood was not stored at its rate throughout.
    """
    stack.start_services()
    rest = asyncio.run(_alarms(stack, receiver, label="rest"))
    with flooded(stack, rate=FLOOD_RATE, seconds=ALARMS / RATE + 4 * FLOOD_LEAD_SECONDS):
        time.sleep(FLOOD_LEAD_SECONDS)
        stored = Stored(stack)
        loaded = asyncio.run(_alarms(stack, receiver, label="loaded", stored=stored))
    pids = [pid for name in INGEST_SERVICES if (pid := stack.services[name].pid)]
    found = {
        "ingest_rss_mib": Measured(
            value=max(map(resident_mebibytes, pids)), unit="MiB", note="the larger of both lanes; ≤ 200 is due"
        )
    }
    for label, latencies, limit in (("rest", rest, 0.1), ("loaded", loaded, 0.25)):
        load = f"beside ≥ {FLOOD_LEAST:,} telemetry messages/s stored throughout" if label == "loaded" else "nothing beside"
        note = (
            f"{len(latencies.alarm):,} alarms, {RATE:g}/s, {load}; device publish → commit of the alarm row; p99 ≤ {limit} is due"
        )
        for share, name in ((0.5, "p50"), (0.99, "p99"), (1.0, "max")):
            found[f"alarm_latency_{label}_{name}_seconds"] = Measured(value=percentile(latencies.alarm, share), unit="s", note=note)
        value = percentile(latencies.notification, 0.99)
        note = f"{len(latencies.notification):,} notifications, {load}; device publish → arrival at a webhook"
        found[f"notification_latency_{label}_p99_seconds"] = Measured(value=value, unit="s", note=note)
    return found


async def _alarms(stack: PrivateStack, receiver: Receiver, *, label: str, stored: "Stored | None" = None) -> Latencies:
    published = await _publish(stack, label=label)
    if stored is not None:
        stored.require()
    notified: dict[int, float] = {}
    committed: dict[str, tuple[float, int]] = {}
    deadline = time.monotonic() + SETTLE_SECONDS
    while len(committed) < ALARMS or not all(alarm_id in notified for _, alarm_id in committed.values()):
        if time.monotonic() > deadline:
            raise BenchError(f"{label}: of {ALARMS} alarms {len(committed)} were raised and {len(notified)} notified")
        await asyncio.sleep(0.5)
        with psycopg.connect(stack.database.superuser_url(DATABASE), autocommit=True) as connection:
            rows = connection.execute(COMMITTED, [f"{label}-%"]).fetchall()
        committed = {point: (at, alarm_id) for point, at, alarm_id in rows}
        for delivery in list(receiver.deliveries):
            if (number := re.search(r"alarm: (\d+)", delivery.message)) is not None:
                notified.setdefault(int(number[1]), delivery.at)
    return Latencies(
        alarm=[at - published[point] for point, (at, _) in committed.items()],
        notification=[notified[alarm_id] - published[point] for point, (_, alarm_id) in committed.items()],
    )


async def _publish(stack: PrivateStack, *, label: str) -> dict[str, float]:
    """Publish the alarms at their rate; returns when each was, Unix seconds."""
    settings = SessionSettings(
        address=BrokerAddress(host=LOOPBACK, port=stack.broker.port),
        client_id=f"bench-{label}",
        username=WORLD_USER,
        password=stack.password(WORLD_USER),
        clean_start=True,
        expiry_seconds=0,
    )
    session = MqttSession(settings)
    running = asyncio.create_task(session.run())
    while not session.connected:
        await asyncio.sleep(0.01)
    published: dict[str, float] = {}
    boot, start = int(time.time()), time.monotonic()
    for number in range(ALARMS):
        await asyncio.sleep(max(0.0, start + number / RATE - time.monotonic()))
        point = f"{label}-{number}"
        message = {"boot": boot, "seq": number, "point": point, "kind": "fire_alarm", "active": True}
        published[point] = time.time()
        session.send(f"wanghuo/v1/T{number % 50}/signal", json.dumps(message).encode())
    await asyncio.sleep(1)
    running.cancel()
    return published


class Stored:
    """Watches that telemetry is stored at the flood's rate all the time."""

    def __init__(self, stack: PrivateStack) -> None:
        self._url = stack.url("ingest-telemetry")
        self.samples = [(time.monotonic(), metric(self._url, STORED))]

    def sample(self) -> None:
        """Note how much is stored by now."""
        self.samples.append((time.monotonic(), metric(self._url, STORED)))

    def require(self) -> None:
        """Refuse the run where a window's rate was lower than the least."""
        self.sample()
        for (since, before), (until, after) in zip(self.samples, self.samples[1:], strict=False):
            rate = (after - before) / (until - since)
            if rate < FLOOD_LEAST:
                raise BenchError(f"only {rate:,.0f} telemetry messages/s were stored for {until - since:.0f} s")
