"""Lanes that a test feeds by hand, on a real database: messages in, rows and commands out."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import mqtt5
import psycopg
from psycopg.rows import dict_row

from ingest.confirms import Command
from ingest.signal_lane import SignalLane
from ingest.store import Store
from ingest.telemetry_lane import TelemetryLane
from ingest.transmitters import Transmitters
from ingest.uptime import Uptime
from runtime.database import pool
from signals.topics import Lane

NOON = datetime(2026, 11, 23, 4, 0, 5, tzinfo=UTC)
"""12:00:05 in Shanghai."""
AT = "2026-11-23T12:00:04.500+08:00"


def enrol(database, *transmitter_ids: str, transmitter_class: str = "control_room") -> None:
    """Write transmitters into the register, enrolled."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("INSERT INTO village VALUES ('v1', 'Village') ON CONFLICT DO NOTHING")
        for transmitter_id in transmitter_ids:
            connection.execute(
                "INSERT INTO transmitter (transmitter_id, village_id, class, enrolled_at) VALUES (%s, 'v1', %s, now())",
                [transmitter_id, transmitter_class],
            )


def rows(database, query: str, *parameters: object) -> list[Any]:
    """Rows as dictionaries."""
    with psycopg.connect(database.owner_url, row_factory=dict_row) as connection:
        return connection.execute(query, parameters).fetchall()


def column(database, query: str, *parameters: object) -> list[Any]:
    """The first column."""
    return [next(iter(row.values())) for row in rows(database, query, *parameters)]


def signal(
    seq: int, *, boot: int = 1, point: str = "1-1", kind: str = "fire_alarm", active: object = True, **others: object
) -> dict:
    return {"boot": boot, "seq": seq, "at": AT, "point": point, "kind": kind, "active": active, **others}


def reading(seq: int, *, boot: int = 1, point: str = "1-1", at: object = AT, **values: float) -> dict:
    return {"boot": boot, "seq": seq, "at": at, "point": point, "values": values or {"temperature_celsius": 21.5}}


def message(
    payload: object, *, transmitter: str = "T1", of: str = "signal", duplicate: bool = False, retain: bool = False, topic: str = ""
) -> mqtt5.PublishPacket:
    """A message as the broker delivers it; anything but bytes becomes JSON."""
    content = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    name = topic or f"wanghuo/v1/{transmitter}/{of}"
    return mqtt5.PublishPacket(name, content, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=1, duplicate=duplicate, retain=retain)


@dataclass(kw_only=True)
class LaneByHand:
    """One lane of one process, and the clock it reads."""

    lane: SignalLane | TelemetryLane
    uptime: Uptime
    transmitters: Transmitters
    store: Store
    clock: datetime = NOON

    def now(self) -> datetime:
        return self.clock

    def pass_time(self, seconds: float) -> None:
        self.clock += timedelta(seconds=seconds)

    async def take(self, *messages: mqtt5.PublishPacket) -> list[Command]:
        """One batch: read, stored; returns the commands that follow."""
        batch: Any = self.lane.new_batch()
        self.lane.read(messages, batch, received_at=self.clock)
        batch.redelivered = sum(message.duplicate for message in messages)
        await self.lane.prepare(batch)
        self.lane.close(batch, at=self.clock)
        await self.lane.store(batch)
        return list(self.lane.commands(batch, at=self.clock))

    async def catch_up(self) -> None:
        """Let a probe come back: from here on the lane hears live messages."""
        name = Lane.SIGNAL if isinstance(self.lane, SignalLane) else Lane.TELEMETRY
        payload = self.uptime.probe(at=self.clock)
        assert payload is not None
        await self.take(message(payload, topic=f"wanghuo/centre/v1/probe/{name}"))


@asynccontextmanager
async def lane_by_hand(database, name: Lane, *, role: str = "wanghuo_ingest") -> AsyncIterator[LaneByHand]:
    """A lane on this database."""
    async with pool(database.url(role), name="test", size=2) as connections:
        store = Store(connections)
        made: list[LaneByHand] = []
        uptime = Uptime()
        transmitters = Transmitters(now=lambda: made[0].clock)
        kind = SignalLane if name is Lane.SIGNAL else TelemetryLane
        lane = kind(store, transmitters=transmitters, uptime=uptime, now=lambda: made[0].clock)
        made.append(LaneByHand(lane=lane, uptime=uptime, transmitters=transmitters, store=store))
        yield made[0]
        await store.close()


def seqs(commands: Iterable[Command]) -> list[tuple[str, str, int, list[int]]]:
    """Confirms as (transmitter, class, boot, numbers)."""
    found = []
    for command in commands:
        content = json.loads(command.payload)
        assert content["name"] == "confirm"
        found.append((command.transmitter_id, content["class"], content["boot"], content["seqs"]))
    return found
