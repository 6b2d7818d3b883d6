"""What the tests of alerts share: a small register, signals as ingest stores them, and a look at what came of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from alerts.conclusions import Actor, Conclusion, Fact, Observation, conclude
from alerts.worker import Worker
from runtime.database import pool
from signals import origin
from signals.kinds import FIRE_KINDS, Kind, classify

AT = datetime(2025, 3, 1, 6, 0, tzinfo=UTC)
TIMEOUT_SECONDS = 60


def later(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


@dataclass(frozen=True)
class OnDuty:
    """A roster with the same people always on duty."""

    names: Sequence[str] = ("wang", "li")

    def recipients(self, *, village_id: str | None, priority: int, at: datetime) -> Sequence[str]:
        return self.names


def observed(
    kind: Kind = Kind.FIRE_ALARM,
    *,
    active: bool = True,
    seq: int | None = 1,
    boot: int | None = 1,
    second: float | None = None,
    transmitter: str = "T1",
    point: str = "P1",
    raw_kind: str = "",
    actor: Actor = Actor.DEVICE,
    **more: Any,
) -> Observation:
    """A signal of a device whose clock is right: second after `AT`, its `seq` where not given."""
    occurred = later(second if second is not None else float(seq or 0))
    return Observation(
        transmitter_id=transmitter,
        point=point,
        kind=kind,
        raw_kind=raw_kind,
        active=active,
        boot=boot if seq is not None else None,
        seq=seq,
        occurred_at=occurred,
        received_at=more.pop("received_at", occurred + timedelta(milliseconds=200)),
        actor=actor,
        **more,
    )


REGISTER = """
INSERT INTO village VALUES ('V1', '白奇村'), ('V2', '里春村');
INSERT INTO key_unit (key_unit_id, village_id, name, address, telephone, has_control_room, listed_on)
VALUES ('U1', 'V1', '鸿福家具厂', '海滨路 3 号', '0595-8712', true, '2024-01-01');
INSERT INTO transmitter (transmitter_id, key_unit_id, village_id, class, name, place)
VALUES ('T1', 'U1', 'V1', 'control_room', '一号主机', '门卫室'), ('T2', NULL, 'V2', 'detector', '独立烟感', '作坊');
INSERT INTO point (transmitter_id, point, name, place) VALUES ('T1', 'P1', '烟感 12', '二层东');
"""


@dataclass
class World:
    """A database with a register, written to as every role writes."""

    database: Any
    roster: OnDuty = field(default_factory=OnDuty)

    def __post_init__(self) -> None:
        with psycopg.connect(self.database.owner_url, autocommit=True) as connection:
            connection.execute(REGISTER)

    def rows(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.database.owner_url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def alarms(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM alarm ORDER BY alarm_id")

    def journal(self) -> list[tuple[Any, ...]]:
        found = self.rows("SELECT alarm_id, event, effect, actor FROM alarm_journal ORDER BY journal_id")
        return [tuple(row.values()) for row in found]

    @asynccontextmanager
    async def alerts(self) -> AsyncIterator[psycopg.AsyncConnection]:
        connection = await psycopg.AsyncConnection.connect(self.database.url("wanghuo_alerts"), autocommit=True)
        async with connection:
            yield connection

    def pool(self, *, size: int = 2):
        return pool(self.database.url("wanghuo_alerts"), name="test", size=size)

    @asynccontextmanager
    async def worker(self, **more: Any) -> AsyncIterator[tuple[Worker, Any]]:
        """A worker, and a connection for its turns."""
        async with self.pool(size=3) as connections, connections.connection() as connection:
            yield Worker(connections, roster=self.roster, now=lambda: AT, **more), connection

    async def until(self, statement: str, *parameters: Any) -> dict[str, Any]:
        """The first row of a statement, once it has one."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (rows := self.rows(statement, *parameters)):
                await asyncio.sleep(0.02)
        return rows[0]

    async def conclude(self, *facts: Fact, at: datetime = AT, roster: OnDuty | None = None) -> list[Conclusion]:
        async with self.alerts() as connection, connection.transaction():
            return await conclude(connection, facts, roster=roster or self.roster, at=at)

    def order(
        self, alarm_id: int, action: str, *, by: str = "wang", disposition: str | None = None, cause: str | None = None
    ) -> str:
        """Ask for an operator's action; returns the request's id."""
        with psycopg.connect(self.database.url("wanghuo_console"), autocommit=True) as connection:
            row = connection.execute(
                "INSERT INTO operator_action (request_id, alarm_id, operator_id, action, disposition, cause)"
                " VALUES (gen_random_uuid(), %s, %s, %s, %s, %s) RETURNING request_id",
                [alarm_id, by, action, disposition, cause],
            ).fetchone()
            assert row is not None
            return str(row[0])

    def store(self, *signals: dict[str, Any], handed_over: bool = True) -> None:
        """Store signals and hand them over, as ingest does, in one transaction."""
        with psycopg.connect(self.database.url("wanghuo_ingest")) as connection:
            with connection.cursor() as cursor:
                cursor.executemany(_INSERT_SIGNAL, [_signal_row(signal) for signal in signals])
                cursor.executemany(_INSERT_INBOX, [_signal_row(signal) for signal in signals if handed_over])
            connection.execute("NOTIFY signal_inbox")


_INSERT_SIGNAL = """
INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, point, kind, raw_kind, active, detail, defects, occurred_at,
                    occurred_source, received_at, payload)
VALUES (%(transmitter_id)s, %(origin_key)s, %(class)s, %(boot)s, %(seq)s, %(point)s, %(kind)s, %(raw_kind)s, %(active)s, %(detail)s,
        %(defects)s, %(occurred_at)s, 'device', %(received_at)s, '')
"""
_INSERT_INBOX = (
    "INSERT INTO signal_inbox (priority, transmitter_id, origin_key) VALUES (%(priority)s, %(transmitter_id)s, %(origin_key)s)"
)


def signal(kind: str = "fire_alarm", **members: Any) -> dict[str, Any]:
    """A signal as `World.store` takes it."""
    return {"class": "signal", "kind": kind, **members}


def _signal_row(signal: dict[str, Any]) -> dict[str, Any]:
    word = signal.get("kind")
    centre = signal["class"] == "centre"
    kind = None if word is None else Kind(word) if centre else classify(word)
    row = {
        "transmitter_id": "T1",
        "boot": 1,
        "seq": 1,
        "point": None if kind is None else "P1",
        "active": None if kind is None else True,
        "defects": [],
        **signal,
    }
    return {
        "occurred_at": later(row["seq"] or 0),
        "received_at": later((row["seq"] or 0) + 0.2),
        "priority": 0 if kind in FIRE_KINDS else 1,
        **row,
        "kind": kind,
        "raw_kind": word if kind is Kind.UNCLASSIFIED else "",
        "detail": json.dumps(row.get("detail", {})),
        "origin_key": origin.key(row["class"], row["boot"], row["seq"], json.dumps(signal, default=str, sort_keys=True)),
    }
