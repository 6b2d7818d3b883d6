"""What a panel says by GB/T 26875.3 and how it answers. Knows no socket; time comes in as Unix seconds.

Uploads are kept until they are confirmed: as long as the device runs they keep their serial, through reconnects too. A device that
restarts counts from 0 anew, and says what was unconfirmed in new frames.
"""

import json
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from signals.gb26875 import clock, content
from signals.gb26875.frames import SERIAL_MODULUS, Frame
from signals.gb26875.tables import Command
from signals.kinds import FIRE_KINDS, Kind
from simulator.captured import Captured
from simulator.entries import FRAME
from simulator.ledger import Ledger
from simulator.outbox import Patience
from simulator.panel_answers import Memory, answer
from simulator.panel_device import OBJECTS_MAXIMUM, OPERATION_KINDS, PanelDevice, Part, Unit
from simulator.panel_outbox import PanelOutbox, Upload
from simulator.speech import Said

DUTY_ANSWER = "duty_check_answer"
REPEATED_SECONDS = 60.0
"""The same command within this time is a repeat: confirmed again, not carried out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelManner:
    """How a panel behaves where the standard leaves it free.

    Attributes:
        patience: time-out and repeats of an upload (6.5).
        open_maximum: uploads on their way at once; more than one stick together.
        duty_answer_seconds: the person on duty takes this long; None: nobody is there.
        operator: number of that person.
        heartbeat: data of an upload that only says that it is there; None: it does not.
        heartbeat_seconds: after so long without a frame of its own.
        state_seconds: period in which the unchanged state of everything is uploaded; 0: never.
        state_on_connect: whether it is uploaded at the first connection.
    """

    patience: Patience = field(default_factory=Patience)
    open_maximum: int = 1
    duty_answer_seconds: float | None = 3.0
    operator: int = 1
    heartbeat: bytes | None = b""
    heartbeat_seconds: float = 30.0
    state_seconds: float = 0.0
    state_on_connect: bool = False


class PanelSpeaker:
    """The mind of one panel. `start`: number of the first start, greater than any before."""

    def __init__(self, device: PanelDevice, *, ledger: Ledger, manner: PanelManner, start: int) -> None:
        self.device = device
        self.id = device.transmitter_id
        self.skew_seconds = 0.0
        self.start = start
        self.restarting = False
        """Told to initialise: the line restarts it once its answer is out."""
        self.confirmed_commands: list[int] = []
        """Types of the control commands that were carried out."""
        self._ledger = ledger
        self._manner = manner
        self._serial = 0
        self._memory = Memory()
        self._outbox = PanelOutbox(manner.patience, open_maximum=manner.open_maximum)
        self._replies: list[Frame] = []
        self._duty_at = math.inf
        self._spoken_at = -math.inf
        self._state_at = math.inf
        self._was_connected = False
        self._taken: dict[tuple[int, bytes], float] = {}

    @property
    def unconfirmed(self) -> int:
        """Uploads that the centre has not confirmed."""
        return len(self._outbox)

    @property
    def active(self) -> Mapping[str, Collection[Kind]]:
        """What is on, by point."""
        return self._memory.active

    def begin(self, point: str, kind: str, *, now: float) -> None:
        """A condition began."""
        part = self.device.parts[point]
        self._memory.active.setdefault(point, {})[part.able(kind)] = None
        self.say_states([part], now=now)

    def end(self, point: str, kind: str, *, now: float) -> None:
        """A condition is over."""
        part = self.device.parts[point]
        self._memory.active.get(point, {}).pop(part.able(kind), None)
        self.say_states([part], now=now)

    def operate(self, *operations: str, point: str = "", now: float) -> None:
        """Somebody did something at the panel (`point` "1") or at the device (""); a reset ends every state."""
        facility = self.device.parts[point].unit is Unit.SYSTEM
        unit = Unit.FACILITY_OPERATION if facility else Unit.DEVICE_OPERATION
        stated = {**self.device.parts[point].members, "operations": list(operations), "operator": self._manner.operator}
        stated["time"] = self._tag(now)
        self._memory.operations[unit].append(stated)
        kinds = list(dict.fromkeys(OPERATION_KINDS[name] for name in operations if name in OPERATION_KINDS))
        says = [{"point": point, "operation": kind} for kind in kinds]
        if Kind.RESET in kinds:
            self._memory.active.clear()
        self.upload({"type": unit, "objects": [stated]}, says=says, rows=1 + len(says), now=now)

    def replay(self, captured: Captured, *, now: float) -> None:
        """Say what a captured frame said, at the present time."""
        for stated in captured.says:
            if stated.get("operation") == Kind.RESET:
                self._memory.active.clear()
            elif "active" in stated:
                self._memory.active[stated["point"]] = dict.fromkeys(map(Kind, stated["active"]))
        self.upload(captured.at(self._tag(now)), says=captured.says, rows=captured.rows, now=now)

    def say_states(self, parts: Iterable[Part], *, now: float) -> None:
        """Upload the states of parts, as many in a frame as fit."""
        by_unit: dict[Unit, list[Part]] = {}
        for part in parts:
            by_unit.setdefault(part.unit, []).append(part)
        for unit, found in by_unit.items():
            size = OBJECTS_MAXIMUM[unit]
            for start in range(0, len(found), size):
                self._say_states(unit, found[start : start + size], now=now)

    def upload(
        self, unit: Mapping[str, Any], *, says: Sequence[Mapping[str, Any]], rows: int, now: float, before: Upload | None = None
    ) -> None:
        """Upload a unit, and tell the ledger.

        Args:
            unit: as `signals.gb26875.content` has it.
            says: what it states: `point` with `active` kinds, or with an `operation`.
            rows: facts that it makes.
            now: when.
            before: the upload that it takes the place of, after a restart.
        """
        serial, self._serial = self._serial, (self._serial + 1) % SERIAL_MODULUS
        frame = self._frame(Command.SEND_DATA, serial=serial, data=content.encode(unit), now=now)
        said_at = now if before is None else before.said_at
        said = self._tell(frame, says=says, rows=rows, at=said_at, before=before)
        urgent = any(FIRE_KINDS & {*one.get("active", ()), one.get("operation")} for one in says)
        points = frozenset(one["point"] for one in says)
        self._outbox.keep(Upload(frame=frame, said=said, said_at=said_at, points=points, urgent=urgent))

    def connected(self, *, now: float) -> None:
        """There is a new line: what is unconfirmed is said again on it, fires first."""
        self._outbox.begin_anew()
        self._replies.clear()
        self._spoken_at = now
        if not self._was_connected and self._manner.state_on_connect:
            self.say_states(self.device.parts.values(), now=now)
        if not self._was_connected and self._manner.state_seconds:
            self._state_at = now + self._manner.state_seconds
        self._was_connected = True

    def restart(self, *, now: float) -> None:
        """Power-cycled: the serial begins at 0; what is unconfirmed is kept and gets new frames."""
        kept = self._outbox.empty()
        self.start, self._serial, self.restarting = self.start + 1, 0, False
        self._taken.clear()
        self._ledger.forgotten(self.id, [upload.said for upload in kept], at=now)
        for upload in kept:
            members = json.loads(upload.said.body)
            unit = content.decode(upload.frame.data)
            self.upload(unit, says=members["says"], rows=members["rows"], now=now, before=upload)

    def frames(self, now: float) -> list[Frame]:
        """What is to be sent now, in order: answers, then uploads that are due, then a heartbeat where nothing else is said."""
        if self._duty_at <= now:
            self._duty_at = math.inf
            self.operate(DUTY_ANSWER, now=now)
        if self._state_at <= now:
            self._state_at = now + self._manner.state_seconds
            if not self._outbox:  # a line that is down is no reason to heap up the same state
                self.say_states(self.device.parts.values(), now=now)
        found, self._replies = self._replies, []
        found += self._outbox.due(now)
        if not found and self._heartbeat_at() <= now:
            found = [self._beat(now)]
        if found:
            self._spoken_at = now
        return found

    def next_at(self) -> float:
        """When there is something to send next, if nothing happens before."""
        if self._replies:
            return -math.inf
        return min(self._outbox.next_due(), self._duty_at, self._state_at, self._heartbeat_at())

    def given_up(self, now: float) -> bool:
        """Whether an exchange has failed: no answer to the upload and all of its repeats. A new line starts it anew."""
        return self._outbox.given_up(now)

    def take(self, frame: Frame, *, now: float) -> None:
        """A frame of the centre's came."""
        match frame.command:
            case Command.CONFIRM:
                self._confirm(frame.serial, now=now)
            case Command.CONTROL:
                self._obey(frame, now=now)
            case Command.REQUEST:
                self._answer(frame, now=now)
            case _:  # denied: the repeats go on (6.4)
                return

    def _confirm(self, serial: int, *, now: float) -> None:
        found = self._outbox.confirm(serial)
        self._ledger.acknowledged(self.id, found, at=now)
        self._ledger.confirmed(self.id, found, at=now)

    def _obey(self, frame: Frame, *, now: float) -> None:
        self._replies.append(frame.reply(Command.CONFIRM, time=self._time(now)))
        command = (frame.serial, frame.data)
        if now - self._taken.get(command, -math.inf) < REPEATED_SECONDS:
            return
        self._taken[command] = now
        unit = content.decode(frame.data)
        self.confirmed_commands.append(unit.get("type", -1))
        match unit:
            case {"type": 90, "objects": [{"time": str(tag)}]} if not tag.startswith("invalid:"):
                told = clock.read(clock.unshow(tag))
                self.skew_seconds = told.timestamp() - now if told is not None else self.skew_seconds
            case {"type": 91} if self._manner.duty_answer_seconds is not None:
                self._duty_at = now + self._manner.duty_answer_seconds
            case {"type": 89}:
                self.restarting = True
            case _:
                return

    def _answer(self, frame: Frame, *, now: float) -> None:
        unit = answer(content.decode(frame.data), device=self.device, memory=self._memory, tag=self._tag(now))
        if unit is None:
            self._replies.append(frame.reply(Command.DENY, time=self._time(now)))
            return
        data = content.encode(unit.adu)
        reply = self._frame(Command.ANSWER, serial=frame.serial, data=data, now=now)
        self._replies.append(reply)
        said = self._tell(reply, says=unit.says, rows=unit.rows, at=now)
        self._ledger.forgotten(self.id, [said], at=now)  # nobody owes an answer: the centre asks again

    def _say_states(self, unit: Unit, parts: Sequence[Part], *, now: float) -> None:
        tag, active = self._tag(now), self._memory.active
        objects = [part.object(active.get(part.point, ()), time=tag) for part in parts]
        says = [{"point": part.point, "active": list(active.get(part.point, ()))} for part in parts]
        self.upload({"type": unit, "objects": objects}, says=says, rows=len(parts), now=now)

    def _tell(self, frame: Frame, *, says: Sequence[Mapping[str, Any]], rows: int, at: float, before: Upload | None = None) -> Said:
        members = {
            "boot": self.start,
            "seq": frame.serial,
            "content": f"{frame.command:02x}{frame.data.hex()}",
            "says": says,
            "rows": rows,
            "in_place_of": [before.said.boot, before.said.seq] if before else None,
        }
        said = Said(message_class=FRAME, boot=self.start, seq=frame.serial, body=json.dumps(members).encode())
        self._ledger.said(self.id, said, at=at)
        return said

    def _heartbeat_at(self) -> float:
        return math.inf if self._manner.heartbeat is None else self._spoken_at + self._manner.heartbeat_seconds

    def _beat(self, now: float) -> Frame:
        serial, self._serial = self._serial, (self._serial + 1) % SERIAL_MODULUS
        return self._frame(Command.SEND_DATA, serial=serial, data=self._manner.heartbeat or b"", now=now)

    def _frame(self, command: Command, *, serial: int, data: bytes, now: float) -> Frame:
        device = self.device
        return Frame(
            serial=serial,
            version=device.version,
            time=self._time(now),
            source=device.address,
            destination=device.centre,
            command=command,
            data=data,
        )

    def _time(self, now: float) -> bytes:
        return clock.write(datetime.fromtimestamp(now + self.skew_seconds, UTC))

    def _tag(self, now: float) -> str | None:
        return clock.show(self._time(now))
