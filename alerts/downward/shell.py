"""What `wanghuo commands …` does: ask as the console, and look how far it came."""

import asyncio
import json as codec
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import psycopg
from psycopg.types.json import Jsonb

from alerts import console
from alerts.console import POLL_SECONDS, Connection, Row
from alerts.downward import views
from alerts.printing import as_json
from alerts.printing import say as tell
from runtime.errors import Refused, Unavailable
from signals.commands import DUTY_CHECK_SECONDS, Name
from sql import queries

EXPIRES_SECONDS = 300.0
"""A command is worth this long where nothing else is said."""
TAKEN_UP_WITHIN_SECONDS = 10.0
CONCLUDED_WITHIN_SECONDS = 15.0
"""After its time is over, so long is waited for alerts to say so."""
ENDS = frozenset({"answered", "expired", "failed"})

_SQL = queries.load("alerts_downward")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a transmitter is to be told."""

    transmitter_id: str
    name: Name
    content: Mapping[str, Any]
    expires_seconds: float | None = None

    @property
    def seconds(self) -> float:
        """How long it is worth: a duty check as long as its window."""
        if self.expires_seconds is not None:
            return self.expires_seconds
        window = self.content.get("deadline_seconds", DUTY_CHECK_SECONDS)
        return float(window) if self.name is Name.DUTY_CHECK and isinstance(window, int | float) else EXPIRES_SECONDS


def content_of(members: Iterable[str]) -> dict[str, Any]:
    """The members of a command from `member=value`. A value is JSON where it can be read so; words and hexadecimal are text.

    Raises:
        Refused: one is not of that form, or is there twice.
    """
    content: dict[str, Any] = {}
    for member in members:
        name, equals, text = member.partition("=")
        if not equals or not name or name in content:
            raise Refused(f"{member!r}: member=value is due, each member once")
        content[name] = text if name.endswith("_hex") or name in {"what", "since", "point"} else _value(text)
    return content


def send(wish: Wish, *, operator: str | None, wait: bool, json: bool) -> None:
    """Ask for a command and print what came of it.

    Raises:
        Refused: it cannot be said to this transmitter, or it failed, or nobody answered in time.
        Unavailable: nobody took it up.
    """
    name = console.operator_name(operator)

    async def ask(connection: Connection) -> Row:
        command_id = uuid4()
        try:
            await connection.execute(
                _SQL["request_command"],
                {
                    "request_id": command_id,
                    "transmitter_id": wish.transmitter_id,
                    "name": wish.name,
                    "content": Jsonb(dict(wish.content)),
                    "operator_id": name,
                    "seconds": wish.seconds,
                },
            )
        except psycopg.errors.ForeignKeyViolation:
            raise Refused(f"there is no transmitter {wish.transmitter_id}") from None
        return await (_end(connection, command_id, say=not json) if wait else _now(connection, command_id))

    found = console.order(ask)
    if json:
        as_json(found)
    elif not wait:
        tell(f"command {found['command_id']} is asked for")
    if wait and found["state"] in {"failed", "expired"}:
        raise Refused(f"command {found['command_id']}: {_why(found)}")


def list_commands(*, transmitter_id: str | None, most: int, json: bool) -> None:
    """Print commands."""
    found = console.read(
        lambda connection: console.rows(connection, _SQL["newest_commands"], transmitter_id=transmitter_id, most=most)
    )
    if json:
        as_json(found)
    else:
        views.board(found)


def show(command: str, *, json: bool) -> None:
    """Print one command.

    Raises:
        Refused: there is none of that id.
    """
    try:
        command_id = UUID(command)
    except ValueError:
        raise Refused(f"{command!r} is no id of a command") from None
    found = console.read(lambda connection: _now(connection, command_id))
    if json:
        as_json(found)
    else:
        views.card(found)


async def _now(connection: Connection, command_id: UUID) -> Row:
    found = await console.rows(connection, _SQL["command_now"], command_id=command_id)
    if not found:
        raise Refused(f"there is no command {command_id}")
    return found[0]


async def _end(connection: Connection, command_id: UUID, *, say: bool) -> Row:
    """Follow it to its end, saying every stage once."""
    said: list[str] = []
    waited = 0.0
    while True:
        now = await _now(connection, command_id)
        for stage in _stages(now):
            if stage not in said:
                said.append(stage)
                if say:
                    tell(stage)
        # By MQTT nobody answers that a clock was set.
        if now["state"] in ENDS or (now["name"] == Name.SET_CLOCK and now["state"] == "sent" and not now["by_gb26875"]):
            return now
        over = (datetime.now(UTC) - now["expires_at"]).total_seconds()
        if over > CONCLUDED_WITHIN_SECONDS or (now["state"] == "requested" and waited > TAKEN_UP_WITHIN_SECONDS):
            raise Unavailable(
                f"command {command_id} is {now['state']} and nothing more came of it: the alerts or ingest service does not run, or"
                " has no database. It stands until it expires"
            )
        await asyncio.sleep(POLL_SECONDS)
        waited += POLL_SECONDS


def _stages(now: Row) -> Iterable[str]:
    if now["sent_at"]:
        yield "sent"
    if now["confirmed_at"]:
        yield "the device took it"
    if now["state"] == "answered":
        latency = "" if now["latency_seconds"] is None else f" after {now['latency_seconds']:.1f} s"
        yield f"answered{latency}: {codec.dumps(now['answer'].get('answer', now['answer']), ensure_ascii=False)}"


def _why(found: Row) -> str:
    return str(found["failure"] or "nobody answered before it expired")


def _value(text: str) -> Any:
    try:
        return codec.loads(text)
    except ValueError:
        return text
