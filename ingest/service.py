"""A lane as a process: what it is made of, what runs beside it, and what it says of its health."""

import asyncio
import contextlib
import gc
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ingest import metrics
from ingest.confirms import Command
from ingest.consumer import Consumer, Limits
from ingest.quarantine_trim import TRIM_SECONDS, trim
from ingest.resend import ask_again
from ingest.settings import IngestSettings, SignalSettings, TelemetrySettings
from ingest.signal_lane import SignalLane
from ingest.store import Store
from ingest.telemetry_lane import TelemetryLane
from ingest.transmitters import REFRESH_SECONDS, Transmitters
from ingest.uptime import PROBE_EVERY_SECONDS, Uptime
from runtime.broker_accounts import BrokerAccount
from runtime.database import pool
from runtime.errors import BrokerAway, Refused, Unavailable
from runtime.health import Health
from runtime.mqtt import BrokerAddress, MqttSession, SessionSettings
from signals.origin import key
from signals.topics import Lane, lane_filters, probe

TELEMETRY_LIMITS = Limits(enough=6000, most=30_000, linger_seconds=0.05)
"""While one batch is stored and the broker takes back the one before, a window of 60,000 lets the next be read: measured, a drain
is a quarter to a half faster than with 8,000 (docs/performance.md).
"""
GC_THRESHOLDS = (50_000, 20, 100)
"""Readings are freed by reference counts; a collection for every 700 of them would find nothing."""
SIGNAL_LIMITS = Limits(enough=1, most=2000, linger_seconds=0)
"""A fire does not wait for company."""
ASK_SECONDS = 1.0
CONNECTIONS = 2
"""One writes batches; the other is for what runs beside them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something done beside the batches, again and again; when the database is away, it waits for its next turn."""

    name: str
    every_seconds: float
    work: Callable[[Store], Awaitable[None]]


def client_id(lane: Lane, *, password: str) -> str:
    """The one client id of a lane: its session at the broker hangs on it, and whoever knew it could take that over and wipe it.

    So it holds a digest of the password: with a new password a lane begins a new session, and the old one must be drained before.
    """
    return f"wanghuo.ingest.{lane}.{key(password).hex()[:16]}"


def now() -> datetime:
    """The one clock of ingest, from which everything else gets the time."""
    return datetime.now(UTC)


TRIM = Chore(name="trim quarantine", every_seconds=TRIM_SECONDS, work=trim)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every lane is made of. `store` writes batches, `side` everything else, by turns."""

    lane: Lane
    session: MqttSession
    uptime: Uptime
    transmitters: Transmitters
    store: Store
    side: Store
    turn: asyncio.Lock


async def run_telemetry(settings: TelemetrySettings, health: Health) -> None:
    """Run the telemetry lane until cancelled."""
    async with contextlib.AsyncExitStack() as stack:
        window = settings.ingest_telemetry_receive_maximum
        parts = await _parts(settings, lane=Lane.TELEMETRY, receive_maximum=window, stack=stack)
        work = TelemetryLane(parts.store, transmitters=parts.transmitters, uptime=parts.uptime, now=now)
        consumer = Consumer(parts.session, work, store=parts.store, limits=TELEMETRY_LIMITS, now=now)
        await _run(parts, consumer, health=health, chores=[TRIM])


async def run_signal(settings: SignalSettings, health: Health) -> None:
    """Run the signal lane until cancelled."""
    async with contextlib.AsyncExitStack() as stack:
        window = settings.ingest_signal_receive_maximum
        parts = await _parts(settings, lane=Lane.SIGNAL, receive_maximum=window, stack=stack)
        work = SignalLane(parts.store, transmitters=parts.transmitters, uptime=parts.uptime, now=now)
        consumer = Consumer(parts.session, work, store=parts.store, limits=SIGNAL_LIMITS, now=now)

        def send(command: Command) -> None:
            # Lost with the connection, it is asked for again.
            with contextlib.suppress(BrokerAway):
                parts.session.send(command.topic, command.payload, expiry_seconds=command.expiry_seconds)

        async def ask(store: Store) -> None:
            await ask_again(store, send=send, caught_up=lambda at: parts.uptime.caught_up(at=at), now=now)

        await _run(parts, consumer, health=health, chores=[Chore(name="resend", every_seconds=ASK_SECONDS, work=ask), TRIM])


async def _parts(settings: IngestSettings, *, lane: Lane, receive_maximum: int, stack: contextlib.AsyncExitStack) -> Parts:
    uptime = Uptime()
    session = MqttSession(
        SessionSettings(
            address=BrokerAddress.read(settings.broker_url),
            client_id=client_id(lane, password=settings.ingest_broker_password),
            username=BrokerAccount.INGEST,
            password=settings.ingest_broker_password,
            filters=lane_filters(lane),
            receive_maximum=receive_maximum,
            byte_budget=settings.ingest_byte_budget,
            tls=settings.tls(),
        ),
        on_connection=lambda connected: uptime.connected_anew() if connected else None,
    )
    connections = await stack.enter_async_context(
        pool(settings.ingest_database_url, name=f"wanghuo ingest {lane}", size=CONNECTIONS)
    )
    store, side = Store(connections), Store(connections)
    stack.push_async_callback(store.close)
    stack.push_async_callback(side.close)
    transmitters, turn = Transmitters(now=now), asyncio.Lock()
    return Parts(lane=lane, session=session, uptime=uptime, transmitters=transmitters, store=store, side=side, turn=turn)


def collect_seldom() -> None:
    """What lives until the end is left out of every later collection of garbage, and those are few."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _run(parts: Parts, consumer: Consumer[Any], *, health: Health, chores: Sequence[Chore]) -> None:
    _tell(health, parts=parts)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(parts.session.run(), name="session")
        await parts.store.patiently(lambda: parts.transmitters.refresh(parts.store), what="the register of transmitters")
        collect_seldom()
        tasks.create_task(consumer.receive(), name="receive")
        tasks.create_task(consumer.write(), name="write")
        tasks.create_task(_probe(parts), name="probe")
        for chore in (Chore(name="refresh", every_seconds=REFRESH_SECONDS, work=parts.transmitters.refresh), *chores):
            tasks.create_task(do_again(chore, store=parts.side, turn=parts.turn), name=chore.name)


async def _probe(parts: Parts) -> None:
    """Prove, again and again, up to when the lane has heard everything."""
    topic = probe(parts.lane)
    while True:
        at = now()
        metrics.BACKLOG.set(parts.uptime.lag_seconds(at=at))
        payload = parts.uptime.probe(at=at) if parts.session.connected else None
        if payload is not None:
            with contextlib.suppress(BrokerAway):
                parts.session.send(topic, payload)
        await asyncio.sleep(PROBE_EVERY_SECONDS)


async def do_again(chore: Chore, *, store: Store, turn: asyncio.Lock) -> None:
    """Do a chore for ever, by turns with others."""
    while True:
        try:
            async with turn:
                await chore.work(store)
        except Unavailable as error:
            log.info("%s: %s", chore.name, error)
        except Refused:
            log.exception("%s is refused", chore.name)
        await asyncio.sleep(chore.every_seconds)


def _tell(health: Health, *, parts: Parts) -> None:
    session, store = parts.session, parts.store
    health.checks["broker"] = lambda: None if session.connected else session.last_refusal or "not connected to the broker yet"
    health.checks["database"] = lambda: store.problem
    health.facts["lane"] = lambda: parts.lane
    health.facts["connected"] = lambda: session.connected
    health.facts["last_commit_age_seconds"] = lambda: round(time.monotonic() - store.committed_at, 3)
    health.facts["backlog_seconds"] = lambda: round(parts.uptime.lag_seconds(at=now()), 3)
