"""The alerts service: what it is made of, and what it says of its health."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from alerts import metrics
from alerts.downward.dispatch import Dispatch
from alerts.listening import listen
from alerts.liveness import run_liveness
from alerts.notifier import run_notifier
from alerts.orders import Orders
from alerts.patience import patiently
from alerts.publications import Publications
from alerts.roster import RosterFile
from alerts.settings import AlertsSettings
from alerts.worker import Worker
from runtime.broker_accounts import BrokerAccount
from runtime.database import Pool, pool, refuse_other_version, translated
from runtime.health import Health
from runtime.mqtt import BrokerAddress, MqttSession, SessionSettings
from sql import queries

CONNECTIONS = 8
"""One each for worker, orders, publications, commands, liveness, notifier and figures, and one to spare."""
FIGURES_EVERY_SECONDS = 2.0

_SQL = queries.load("alerts")


def now() -> datetime:
    """The service's one clock."""
    return datetime.now(UTC)


async def run(settings: AlertsSettings, health: Health) -> None:
    """Run until cancelled. Database or broker away: whatever needs it waits, the rest goes on."""
    roster, session = RosterFile(settings.roster_file), _session(settings)
    async with pool(settings.alerts_database_url, name="wanghuo alerts", size=CONNECTIONS) as connections:
        publications, owed = Publications(connections, session=session), asyncio.Event()

        def concluded() -> None:
            publications.wake.set()
            owed.set()

        worker = Worker(connections, roster=roster, now=now, concluded=concluded)
        orders = Orders(connections, roster=roster, now=now, concluded=concluded)
        dispatch = Dispatch(
            connections, session=session, roster=roster, clocks_every=_clocks_every(settings), now=now, concluded=concluded
        )
        _tell(health, worker=worker, session=session)
        health.checks["roster"] = roster.problem
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(session.run(), name="session")
            await patiently(lambda: _refuse_other_version(connections), what="the service")
            tasks.create_task(worker.run(), name="worker")
            tasks.create_task(listen(settings.alerts_database_url, heard=worker.wake.set), name="listening")
            tasks.create_task(orders.run(), name="orders")
            tasks.create_task(publications.run(), name="publications")
            tasks.create_task(dispatch.run(), name="commands")
            tasks.create_task(run_liveness(connections, roster=roster, now=now), name="liveness")
            tasks.create_task(run_notifier(connections, roster=roster, now=now, wake=owed), name="notifier")
            tasks.create_task(patiently(lambda: _figures(connections), what="figures"), name="figures")


def _clocks_every(settings: AlertsSettings) -> timedelta | None:
    return timedelta(hours=settings.gb26875_clock_hours) if settings.gb26875_clock_hours else None


def _session(settings: AlertsSettings) -> MqttSession:
    return MqttSession(
        SessionSettings(
            address=BrokerAddress.read(settings.broker_url),
            # It subscribes to nothing, so the broker has nothing to keep for it; two services do not drive each other out.
            client_id=f"wanghuo.alerts.{secrets.token_hex(4)}",
            clean_start=True,
            expiry_seconds=0,
            username=BrokerAccount.ALERTS,
            password=settings.alerts_broker_password,
            tls=settings.tls(),
        )
    )


def _tell(health: Health, *, worker: Worker, session: MqttSession) -> None:
    health.checks["database"] = lambda: worker.problem
    health.checks["broker"] = lambda: None if session.connected else session.last_refusal or "not connected to the broker yet"
    health.facts["connected"] = lambda: session.connected
    health.facts["last_commit_age_seconds"] = lambda: round((now() - worker.committed_at).total_seconds(), 3)


async def _refuse_other_version(connections: Pool) -> None:
    async with translated(), connections.connection() as connection:
        await refuse_other_version(connection)


async def _figures(connections: Pool) -> None:
    while True:
        async with translated(), connections.connection() as connection:
            cursor = await connection.execute(_SQL["open_alarms"])
            counts = {str(priority): float(str(count)) for priority, count in await cursor.fetchall()}
            cursor = await connection.execute(_SQL["inbox_backlog"])
            (backlog,) = await cursor.fetchone() or (0,)
        for priority in metrics.PRIORITY_LABELS:
            metrics.OPEN.labels(priority).set(counts.get(priority, 0))
        metrics.BACKLOG.set(float(str(backlog)))
        await asyncio.sleep(FIGURES_EVERY_SECONDS)
