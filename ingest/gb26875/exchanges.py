"""Commands to devices: one open exchange a device, repeated until it is answered, given up after three repeats (6.5).

What becomes of a command is told as facts of class `reply`, by stage, stored like everything else; alerts draws the conclusions.
"""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from ingest.facts import Fact
from ingest.gb26875 import metrics
from ingest.gb26875.reader import raw_of
from ingest.quarantine import Provenance
from ingest.signal_batch import Item
from ingest.store import Store
from signals import origin
from signals.commands import Name, Stage, gb26875_unit
from signals.gb26875 import content
from signals.gb26875.frames import SERIAL_MODULUS, Frame
from signals.gb26875.statements import AddressOrder
from signals.gb26875.tables import Command
from signals.payloads import canonical
from sql.queries import load

POLL_SECONDS = 0.5
REPLY = "reply"

log = logging.getLogger(__name__)
_SQL = load("ingest")


class Due(NamedTuple):
    """A row of `due_gb26875_commands`."""

    command_id: UUID
    transmitter_id: str
    name: str
    content: Mapping[str, Any]
    issued_at: datetime
    expires_at: datetime


@dataclass(slots=True, kw_only=True)
class Exchange:
    """One command on its way.

    Attributes:
        frame: as it was said last.
        next_at: when it is said again, on the monotonic clock.
        denial: what the device last said against it.
    """

    due: Due
    serial: int
    frame: Frame | None = None
    sent: int = 0
    next_at: float = 0.0
    denial: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a device is waited for, and how often the command is repeated (6.5: at most 10 s, 3 repeats)."""

    timeout_seconds: float
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a frame gets to a device: made for it (serial, addresses), and sent; False where it is not connected.

    `order`: how its component addresses are written.
    """

    make: Callable[[str, int], Frame]
    order: Callable[[str], AddressOrder]
    send: Callable[[str, Frame], bool]


@dataclass(slots=True, kw_only=True)
class _Line:
    """The commands of one device, the first of them perhaps open."""

    waiting: deque[Due] = field(default_factory=deque)
    open: Exchange | None = None
    serial: int = 0


class Exchanges:
    """Sends what is due. `say` takes what is to be stored."""

    def __init__(self, way: Way, *, say: Callable[[Item], None], patience: Patience, now: Callable[[], datetime]) -> None:
        self._way = way
        self._say = say
        self._patience = patience
        self._now = now
        self._lines: dict[str, _Line] = {}
        self._known: dict[UUID, datetime] = {}

    async def look(self, store: Store) -> None:
        """Take up what is due in the database.

        Raises:
            Unavailable: it does not answer; what is open goes on.
        """
        at = self._now()
        async with store.transaction() as connection:
            cursor = await connection.execute(_SQL["due_gb26875_commands"], {"at": at})
            rows = [Due(*cast("tuple[Any, ...]", row)) for row in await cursor.fetchall()]
        self._known = {command_id: until for command_id, until in self._known.items() if until > at}
        self.take(rows)

    def take(self, dues: Iterable[Due]) -> None:
        """Take up commands; one that is known already is left."""
        for due in dues:
            if due.command_id not in self._known:
                self._known[due.command_id] = due.expires_at
                self._lines.setdefault(due.transmitter_id, _Line()).waiting.append(due)

    def turn(self, *, at: float) -> None:
        """Send what is to be sent at `at`, on the monotonic clock; give up what has had its time."""
        for line in list(self._lines.values()):
            if line.open is None:
                self._begin(line, at=at)
            elif line.open.next_at <= at:
                self._again(line, at=at)

    def reply(self, transmitter_id: str, frame: Frame) -> None:
        """A device answers with command 3, 5 or 6; what nobody waits for is left."""
        line = self._lines.get(transmitter_id)
        exchange = line.open if line else None
        if line is None or exchange is None or exchange.frame is None or exchange.serial != frame.serial or not exchange.sent:
            return
        if frame.command == Command.DENY:  # it may have come damaged: said again like what is not answered (6.4, 6.5)
            exchange.denial, exchange.next_at = frame, 0.0
        elif frame.command == Command.ANSWER:
            self._end(line, Stage.ANSWERED, frame=frame, answer=content.decode(frame.data))
        elif exchange.frame.command != Command.REQUEST:  # a confirm is no answer to a question
            self._end(line, Stage.CONFIRMED if exchange.due.name == Name.DUTY_CHECK else Stage.ANSWERED, frame=frame)

    def _begin(self, line: _Line, *, at: float) -> None:
        while line.waiting and line.open is None:
            line.open = Exchange(due=line.waiting.popleft(), serial=line.serial)
            self._again(line, at=at)
            if line.open is not None:
                line.serial = (line.serial + 1) % SERIAL_MODULUS

    def _made(self, due: Due, *, serial: int) -> Frame | None:
        """The command in a frame, as of now; None where it cannot be said in one, which is told."""
        try:
            unit = gb26875_unit(due.name, due.content, at=self._now(), order=self._way.order(due.transmitter_id))
            frame = self._way.make(due.transmitter_id, serial)
            return frame._replace(command=unit.command, data=content.encode(unit.adu))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("command %s to %s cannot be said in a frame: %s", due.command_id, due.transmitter_id, error)
            self._tell(due, Stage.FAILED, frame=None, text=f"it cannot be said in a frame: {error}", unsent=True)
            return None

    def _again(self, line: _Line, *, at: float) -> None:
        exchange = line.open
        assert exchange is not None
        said = f"said {exchange.sent} times"
        if exchange.sent > self._patience.repeats and exchange.denial is not None:
            self._end(line, Stage.FAILED, frame=exchange.denial, text=f"the device denied it, {said}")
        elif exchange.sent > self._patience.repeats:
            seconds = self._patience.timeout_seconds
            self._end(line, Stage.FAILED, text=f"no answer within {seconds:g} s, {said}", silent=True)
        elif self._now() >= exchange.due.expires_at and exchange.sent:
            self._end(line, Stage.FAILED, text=f"no answer until it expired, {said}", silent=exchange.denial is None)
        elif self._now() >= exchange.due.expires_at:
            self._end(line, Stage.FAILED, text="the device was not connected until it expired", unsent=True)
        else:
            self._send(line, exchange, at=at)

    def _send(self, line: _Line, exchange: Exchange, *, at: float) -> None:
        # What waits for its device goes stale: the time, and the address by which it knows us. A clock does with every repeat.
        if not exchange.sent or exchange.due.name == Name.SET_CLOCK:
            exchange.frame = self._made(exchange.due, serial=exchange.serial)
        if exchange.frame is None:
            line.open = None
        elif self._way.send(exchange.due.transmitter_id, exchange.frame):
            exchange.sent += 1
            exchange.next_at = at + self._patience.timeout_seconds
            if exchange.sent == 1:
                self._tell(exchange.due, Stage.SENT, frame=exchange.frame)
            else:
                metrics.REPEATS.inc()
        else:
            exchange.next_at = at + POLL_SECONDS

    def _end(self, line: _Line, stage: Stage, *, frame: Frame | None = None, **said: Any) -> None:
        assert line.open is not None
        self._tell(line.open.due, stage, frame=frame or line.open.frame, **said)
        metrics.EXCHANGES.labels(stage).inc()
        line.open = None

    def _tell(self, due: Due, stage: Stage, *, frame: Frame | None, **said: Any) -> None:
        at = self._now()
        detail = {"to": str(due.command_id), "ok": stage is not Stage.FAILED, "stage": stage, **said}
        payload = raw_of(frame) if frame is not None else canonical(detail)
        fact = Fact(
            transmitter_id=due.transmitter_id,
            key=origin.key("gb26875", REPLY, str(due.command_id), stage),
            key_before=None,
            fact_class=REPLY,
            boot=None,
            seq=frame.serial if frame is not None else None,
            point=None,
            kind=None,
            raw_kind="",
            active=None,
            detail=json.dumps(detail),
            defects=(),
            occurred_at=None,
            at_text=None,
            received_at=at,
            payload=payload,
            handed_over=True,
            urgent=False,
        )
        where = Provenance(topic="gb26875/command", transmitter_id=due.transmitter_id, message_class=None, received_at=at)
        self._say(Item(provenance=where, raw=payload, facts=(fact,)))
