"""What came of commands: replies move them on; silence, and nobody at the panel, are alarms.

Replies by MQTT are answers. GB/T 26875.3 tells in stages: sent, confirmed, answered or failed; a duty check is answered by a key at
the transmission device (type 24 bit 5), which names no command.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from psycopg.types.json import Jsonb

from alerts.facts import Actor, Observation
from alerts.inbox import Claimed
from alerts.wording import shanghai
from runtime.database import Connection
from signals.commands import Name, Stage
from signals.gb26875.statements import DUTY_ANSWER
from signals.kinds import Kind
from sql import queries

_SQL = queries.load("alerts_downward")
_TROUBLES = (Kind.UNRESPONSIVE, Kind.DUTY_UNANSWERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word about a command of ours; `command_id` is None for the key of the person on duty."""

    command_id: UUID | None
    transmitter_id: str
    received_at: datetime
    stage: Stage
    ok: bool
    detail: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class _Moved:
    """All that a batch tells of one command."""

    transmitter_id: str
    sent_at: datetime | None = None
    confirmed_at: datetime | None = None
    answered_at: datetime | None = None
    answer: Mapping[str, Any] | None = None
    failure: str | None = None


async def conclude_replies(connection: Connection, claimed: Iterable[Claimed]) -> list[Observation]:
    """Move the commands that are spoken of, in the caller's transaction; returns what begins or ends with that."""
    words = list(words_of(claimed))
    if not words:
        return []
    commanded = [word for word in words if word.command_id is not None]
    if commanded:
        await connection.execute(_SQL["move_commands"], {"rows": Jsonb(_rows(commanded))})
    for word in words:
        if word.command_id is None:
            answer = {"transmitter_id": word.transmitter_id, "received_at": word.received_at, "answer": Jsonb(word.detail)}
            await connection.execute(_SQL["answer_duty_check"], answer)
    cursor = await connection.execute(_SQL["names_of_commands"], {"command_ids": [word.command_id for word in commanded]})
    asked = {(command_id, transmitter_id): name for command_id, transmitter_id, name in await cursor.fetchall()}
    cursor = await connection.execute(_SQL["standing_troubles"], {"transmitters": [word.transmitter_id for word in words]})
    standing = {(str(transmitter_id), Kind(str(kind))) for transmitter_id, kind in await cursor.fetchall()}
    return _troubles(words, asked=cast("Mapping[tuple[UUID, str], str]", asked), standing=standing)


async def expire(connection: Connection, *, at: datetime) -> list[Observation]:
    """Give up what has had its time, in the caller's transaction; returns the duty checks that nobody answered."""
    cursor = await connection.execute(_SQL["expire_commands"], {"at": at})
    rows = cast("list[tuple[str, str, datetime | None, datetime, bool]]", await cursor.fetchall())
    return [
        _observed(
            transmitter_id,
            Kind.DUTY_UNANSWERED,
            at=expires_at,
            reason=f"nobody answered the duty check of {shanghai(sent_at)} until {shanghai(expires_at)}",
        )
        for transmitter_id, name, sent_at, expires_at, reached in rows
        if name == Name.DUTY_CHECK and sent_at is not None and reached
    ]


def words_of(claimed: Iterable[Claimed]) -> Iterator[Word]:
    """What the rows say of commands of ours; what names no id is left out."""
    for row in claimed:
        if row.signal_class == "reply":
            command_id = _uuid(row.detail.get("to"))
            if command_id is not None:
                yield _word(row, command_id, stage=Stage(row.detail.get("stage", Stage.ANSWERED)))
        elif row.signal_class == "report" and row.detail.get(DUTY_ANSWER):
            yield _word(row, None, stage=Stage.ANSWERED)


def _word(row: Claimed, command_id: UUID | None, *, stage: Stage) -> Word:
    return Word(
        command_id=command_id,
        transmitter_id=row.transmitter_id,
        received_at=row.received_at,
        stage=stage,
        ok=bool(row.detail.get("ok", True)),
        detail=row.detail,
    )


def _rows(words: Iterable[Word]) -> list[Mapping[str, Any]]:
    moved: dict[tuple[UUID | None, str], _Moved] = {}
    for word in words:
        row = moved.setdefault((word.command_id, word.transmitter_id), _Moved(transmitter_id=word.transmitter_id))
        if row.answered_at is None and row.failure is None:
            _move(row, word)
    return [
        {
            "command_id": str(command_id),
            "transmitter_id": row.transmitter_id,
            "sent_at": _iso(row.sent_at),
            "confirmed_at": _iso(row.confirmed_at),
            "answered_at": _iso(row.answered_at),
            "answer": row.answer,
            "failure": row.failure,
        }
        for (command_id, _), row in moved.items()
    ]


def _move(row: _Moved, word: Word) -> None:
    match word.stage:
        case Stage.SENT:
            row.sent_at = word.received_at
        case Stage.CONFIRMED:
            row.confirmed_at = word.received_at
        case Stage.ANSWERED if word.ok:
            row.answered_at, row.answer = word.received_at, word.detail
        case _:
            row.failure = str(word.detail.get("text") or "the transmitter answered that it was not done")


def _troubles(
    words: Sequence[Word], *, asked: Mapping[tuple[UUID, str], str], standing: set[tuple[str, Kind]]
) -> list[Observation]:
    """Beginnings and ends, in the order of the words; an end only of what stands."""
    found = []
    for word in words:
        name = Name.DUTY_CHECK if word.command_id is None else asked.get((word.command_id, word.transmitter_id))
        if name is None:
            continue  # no command of ours, or not to this transmitter
        for kind, active, reason in _tells(word, name):
            key = (word.transmitter_id, kind)
            if active or key in standing:
                (standing.add if active else standing.discard)(key)
                found.append(_observed(word.transmitter_id, kind, at=word.received_at, reason=reason, active=active))
    return found


def _tells(word: Word, name: str) -> Iterator[tuple[Kind, bool, str]]:
    text = str(word.detail.get("text", ""))
    silent = word.stage is Stage.FAILED and bool(word.detail.get("silent"))
    if silent:
        yield Kind.UNRESPONSIVE, True, f"command {name}: {text}"
    elif word.stage is not Stage.SENT and not word.detail.get("unsent"):
        yield Kind.UNRESPONSIVE, False, f"command {name}: {word.stage}"
    if name == Name.DUTY_CHECK and word.stage is Stage.ANSWERED:
        yield (
            Kind.DUTY_UNANSWERED,
            not word.ok,
            "answered" if word.ok else f"the duty check was answered by: not done. {text}".rstrip(),
        )


def _observed(transmitter_id: str, kind: Kind, *, at: datetime, reason: str, active: bool = True) -> Observation:
    assert kind in _TROUBLES
    return Observation(
        transmitter_id=transmitter_id,
        point="",
        kind=kind,
        active=active,
        occurred_at=at,
        received_at=at,
        reason=reason,
        actor=Actor.CENTRE,
    )


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
