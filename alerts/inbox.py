"""Rows of the hand-over become facts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from alerts.facts import Actor, CompleteSnapshot, ConditionKey, Fact, Observation, StateReport
from runtime.database import Connection
from signals.kinds import Kind, classify
from sql import queries

_SQL = queries.load("alerts")


class Claimed(NamedTuple):
    """A row of `claim_inbox`. What follows `origin_key` is None where the signal is missing, but for `claimed_at`."""

    inbox_id: int
    transmitter_id: str
    origin_key: bytes
    signal_class: str | None
    boot: int | None
    seq: int | None
    point: str | None
    kind: str | None
    raw_kind: str
    active: bool | None
    detail: Mapping[str, Any]
    defects: Sequence[str]
    occurred_at: datetime
    received_at: datetime
    stored_at: datetime
    claimed_at: datetime


async def claim(connection: Connection, *, most: int, set_aside: Iterable[int]) -> list[Claimed]:
    """Take the next rows for this transaction."""
    cursor = await connection.execute(_SQL["claim_inbox"], {"most": most, "set_aside": list(set_aside)})
    return [Claimed(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]


async def facts_of(connection: Connection, claimed: Sequence[Claimed]) -> list[Fact]:
    """What the rows state, in their order; of replies and reports see `alerts.downward.outcomes`.

    Raises:
        ValueError: a row that cannot be understood.
    """
    snapshots = await _snapshots(connection, [row for row in claimed if row.signal_class == "snapshot"])
    found: list[Fact] = []
    for row in claimed:
        match row.signal_class:
            case "signal" | "centre":
                found.append(_observation(row))
            case "snapshot":
                found.append(snapshots[row.inbox_id])
            case "state":
                found.append(_state(row))
            case "reply" | "report":
                pass
            case _:
                raise ValueError(f"the hand-over names a signal of {row.transmitter_id} that is not stored")
    return found


async def delete(connection: Connection, inbox_ids: Sequence[int]) -> None:
    """The rows were concluded."""
    await connection.execute(_SQL["delete_inbox"], {"inbox_ids": list(inbox_ids)})


def _observation(row: Claimed) -> Observation:
    # signal_has_a_condition
    assert row.point is not None
    assert row.kind is not None
    assert row.active is not None
    counted = row.boot is not None and row.seq is not None
    return Observation(
        transmitter_id=row.transmitter_id,
        point=row.point,
        kind=Kind(row.kind),
        raw_kind=row.raw_kind,
        active=row.active,
        boot=row.boot if counted else None,
        seq=row.seq if counted else None,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        detail={**row.detail, "defects": list(row.defects)} if row.defects else row.detail,
        origin_key=row.origin_key,
        actor=Actor.CENTRE if row.signal_class == "centre" else Actor.DEVICE,
    )


async def _snapshots(connection: Connection, rows: Sequence[Claimed]) -> dict[int, CompleteSnapshot]:
    """Snapshots by the inbox id of the row that completed them."""
    if not rows:
        return {}
    wanted = {
        "transmitters": [row.transmitter_id for row in rows],
        "boots": [row.boot for row in rows],
        "first_seqs": [cast("int", row.seq) - row.detail["page"] + 1 for row in rows],
        "pages": [row.detail["pages"] for row in rows],
    }
    cursor = await connection.execute(_SQL["snapshot_pages"], wanted)
    # Of two pages under one number (a device that counts anew) the one received last stays.
    pages: dict[int, dict[int, tuple[Any, ...]]] = {}
    for number, page, *content in await cursor.fetchall():
        pages.setdefault(int(str(number)), {})[int(str(page))] = tuple(content)
    return {row.inbox_id: _snapshot(row, pages.get(number, {})) for number, row in enumerate(rows, start=1)}


def _snapshot(row: Claimed, pages: Mapping[int, tuple[Any, ...]]) -> CompleteSnapshot:
    if len(pages) != row.detail["pages"]:
        raise ValueError(f"{len(pages)} of {row.detail['pages']} pages of a snapshot of {row.transmitter_id} are stored")
    return CompleteSnapshot(
        transmitter_id=row.transmitter_id,
        boot=row.boot,
        taken_at=min(occurred_at for _, occurred_at, _ in pages.values()),
        received_at=max(received_at for _, _, received_at in pages.values()),
        active=frozenset(_key(row.transmitter_id, item) for detail, _, _ in pages.values() for item in detail["active"]),
        origin_key=row.origin_key,
    )


def _state(row: Claimed) -> StateReport:
    point = row.point
    assert point is not None  # signal_state_has_a_point
    covers = tuple(_named(row.transmitter_id, point, word=word) for word in row.detail["covers"])
    detail = {name: value for name, value in row.detail.items() if name not in {"active", "covers"}}
    return StateReport(
        transmitter_id=row.transmitter_id,
        serial=row.seq,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        active=frozenset(_named(row.transmitter_id, point, word=word) for word in row.detail["active"]),
        covers=covers,
        detail={**detail, "defects": list(row.defects)} if row.defects else detail,
        origin_key=row.origin_key,
    )


def _key(transmitter_id: str, item: Mapping[str, str]) -> ConditionKey:
    return _named(transmitter_id, item["point"], word=item["kind"])


def _named(transmitter_id: str, point: str, *, word: str) -> ConditionKey:
    kind = classify(word)
    return ConditionKey(transmitter_id, point, kind, word if kind is Kind.UNCLASSIFIED else "")
