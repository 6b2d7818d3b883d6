"""The server for GB/T 26875.3 as a process."""

import asyncio
import contextlib
import logging
import time

from ingest.gb26875.book import REFRESH_SECONDS, Book
from ingest.gb26875.exchanges import POLL_SECONDS, Patience
from ingest.gb26875.lane import Lane
from ingest.gb26875.server import Limits, Server
from ingest.service import TRIM, Chore, collect_seldom, do_again, now
from ingest.settings import Gb26875Settings
from ingest.store import Store
from runtime.database import pool
from runtime.health import Health
from signals.gb26875 import LANE

CONNECTIONS = 3
"""One writes signals and one readings; the third is for what runs beside them."""

log = logging.getLogger(__name__)


async def run(settings: Gb26875Settings, health: Health) -> None:
    """Run the server until cancelled."""
    async with contextlib.AsyncExitStack() as stack:
        connections = await stack.enter_async_context(
            pool(settings.ingest_database_url, name=f"wanghuo ingest {LANE}", size=CONNECTIONS)
        )
        store, readings, side = Store(connections), Store(connections), Store(connections)
        for one in (store, readings, side):
            stack.push_async_callback(one.close)
        book, turn = Book(now=now), asyncio.Lock()
        lane = Lane(store, readings=readings, book=book, now=now)
        server = Server(lane, book=book, limits=_limits(settings), patience=_patience(settings), now=now)
        readings.problem = None  # nothing may ever be measured
        _tell(health, store=store, readings=readings)
        # Nobody is turned away as unknown because the database was not asked yet.
        await store.patiently(lambda: book.refresh(store), what="the book of devices")
        collect_seldom()
        host, tcp, udp = settings.gb26875_host, settings.gb26875_tcp_port, settings.gb26875_udp_port
        await stack.enter_async_context(server.listening(host, tcp_port=tcp, udp_port=udp))
        log.info("listening for devices on tcp %s:%d and udp %s:%d", host, tcp, host, udp)
        chores = (
            Chore(name="book", every_seconds=REFRESH_SECONDS, work=book.refresh),
            Chore(name="commands", every_seconds=POLL_SECONDS, work=server.exchanges.look),
            TRIM,
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lane.write(), name="write")
            tasks.create_task(server.sweep(), name="sweep")
            for chore in chores:
                tasks.create_task(do_again(chore, store=side, turn=turn), name=chore.name)


def _limits(settings: Gb26875Settings) -> Limits:
    return Limits(
        connections=settings.gb26875_connections_maximum,
        connections_of_a_host=settings.gb26875_host_connections_maximum,
        idle_seconds=settings.gb26875_idle_seconds,
    )


def _patience(settings: Gb26875Settings) -> Patience:
    return Patience(timeout_seconds=settings.gb26875_timeout_seconds, repeats=settings.gb26875_repeats)


def _tell(health: Health, *, store: Store, readings: Store) -> None:
    health.checks["database"] = lambda: store.problem or readings.problem
    health.facts["lane"] = lambda: LANE
    health.facts["last_commit_age_seconds"] = lambda: round(time.monotonic() - store.committed_at, 3)
