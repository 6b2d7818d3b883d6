"""What a transmitter says and how it answers, as the MQTT profile v1 has it. Knows no socket; time comes in as Unix seconds."""

import json
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from signals.kinds import Kind
from signals.topics import CONFIRMED_CLASSES, MessageClass
from simulator.devices import FIRMWARE, Device, DeviceClass, next_routine, routine
from simulator.ledger import Ledger
from simulator.outbox import Outbox, Patience
from simulator.speech import Counters, Message, Said, compose

CLOCK_VALID_SECONDS = 10.0
"""`set_clock` counts only this soon after an upward message (MQTT profile v1)."""
PAYLOAD_BYTES = 128 * 1024
MEASURED_MAXIMUM = 5_000
"""Telemetry and heartbeats that wait for the broker; beyond it the oldest are dropped."""
COMMANDS_REMEMBERED = 64

MOMENTARY_KINDS = frozenset({Kind.RESET, Kind.SILENCE, Kind.CONFIG_CHANGE, Kind.FEEDBACK})
"""Kinds that happen and do not last: they are in no snapshot."""
REMEMBERING_CLASSES = frozenset({DeviceClass.CONTROL_ROOM, DeviceClass.BRIDGE})
"""Classes that say after every connect, in a snapshot, what is active."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a transmitter behaves where the profile leaves it free.

    Attributes:
        duty_answer_seconds: the person on duty takes this long.
        page_conditions: conditions on one page of a snapshot.
        objects_maximum: objects of one message; 1: each is sent alone.
    """

    patience: Patience = field(default_factory=Patience)
    duty_answer_seconds: float = 3.0
    page_conditions: int = 100
    objects_maximum: int = 50


class Speaker:
    """The mind of one transmitter.

    Args:
        device: whom it plays.
        ledger: is told what was said, acknowledged and confirmed.
        manner: see `Manner`.
        boot: the first boot; of a device that ran before, greater than any of then.
    """

    def __init__(self, device: Device, *, ledger: Ledger, manner: Manner, boot: int) -> None:
        self.device = device
        self.id = device.transmitter_id
        self.skew_seconds = device.clock_skew_seconds
        self.held = False
        self._ledger = ledger
        self._manner = manner
        self._counters = Counters(boot)
        self._outbox = Outbox(manner.patience)
        self._active: dict[tuple[str, str], None] = {}
        self._measured: deque[Said] = deque(maxlen=MEASURED_MAXIMUM)
        self._again: deque[Said] = deque()
        self._backwards: list[Said] = []
        self._appointments: list[tuple[float, Callable[[float], None]]] = []
        self._answered: deque[str] = deque(maxlen=COMMANDS_REMEMBERED)
        self._routine_from: float | None = None
        self._upward_at = -math.inf

    @property
    def boot(self) -> int:
        """The present boot."""
        return self._counters.boot

    @property
    def unconfirmed(self) -> int:
        """Objects that the centre has not confirmed."""
        return len(self._outbox)

    @property
    def quiet(self) -> bool:
        """Whether everything that was said has arrived: signals are confirmed, telemetry and heartbeats acknowledged."""
        return not self._outbox and not self._measured

    def signal(self, point: str, kind: str, *, active: bool, now: float, **more: Any) -> Said:
        """Say that a condition began or is over. `more`: further members; `clock` (Unix seconds) in place of the device's."""
        clock = more.pop("clock", None)
        if active and kind not in MOMENTARY_KINDS:
            self._active[point, kind] = None
        elif kind == Kind.RESET:
            self._active.clear()
        else:
            self._active.pop((point, kind), None)
        members = {"point": point, "kind": kind, "active": active, **more}
        return self._say(MessageClass.SIGNAL, members, now=now, clock=clock)

    def telemetry(self, point: str, values: Mapping[str, float], *, now: float, clock: float | None = None) -> Said:
        """Say what an instrument reads."""
        return self._say(MessageClass.TELEMETRY, {"point": point, "values": values}, now=now, clock=clock)

    def snapshot(self, *, now: float) -> None:
        """Say everything that is active, in pages."""
        active = [{"point": point, "kind": kind} for point, kind in self._active]
        size = self._manner.page_conditions
        pages = [active[start : start + size] for start in range(0, len(active), size)] or [[]]
        for page, conditions in enumerate(pages, start=1):
            self._say(MessageClass.SNAPSHOT, {"page": page, "pages": len(pages), "active": conditions}, now=now)

    def repeat(self, times: int) -> None:
        """Send the last signal again, member-identical."""
        said = self._outbox.last(MessageClass.SIGNAL)
        if said is not None:
            self._again.extend([said] * times)

    def release(self, *, now: float) -> None:
        """Send what was held back, the newest first."""
        self.held = False
        self._backwards = self._outbox.due(now)[::-1]

    def restart(self, *, now: float) -> None:
        """Begin a new boot; what is unconfirmed stands in flash memory and is kept."""
        self._counters.restart(now)

    def wipe(self, *, now: float) -> None:
        """Forget everything and count anew: the next objects use counters that were used before."""
        self._ledger.forgotten(self.id, self._outbox.wipe(), at=now)
        self._counters.wipe()
        for forgotten in (self._active, self._measured, self._again, self._backwards, self._appointments):
            forgotten.clear()

    def connected(self, *, now: float) -> None:
        """There is a new connection: unconfirmed objects are due, life is shown, and what is active is listed."""
        self._outbox.reconnected()
        # What was due while there was no line is left out; but a sleepy device connects because something is due.
        if self.device.device_class is not DeviceClass.SLEEPY or self._routine_from is None:
            self._routine_from = now
        promise = {"interval_seconds": self.device.pace.promised_seconds, "firmware": FIRMWARE}
        if self.device.pace.heartbeat_seconds > 0:
            self._say(MessageClass.HEARTBEAT, promise, now=now)
        if self.device.device_class in REMEMBERING_CLASSES:
            self.snapshot(now=now)

    def next_message(self, now: float) -> Message | None:
        """What is to be published now, and not again before it was `sent` or a new connection was made."""
        for due_at, appointment in [found for found in self._appointments if found[0] <= now]:
            self._appointments.remove((due_at, appointment))
            appointment(now)
        if self._routine_from is not None and self._routine_from < now:
            for utterance in routine(self.device, since=self._routine_from, until=now):
                self._say(utterance.message_class, utterance.members, now=now, clock=utterance.time + self.skew_seconds)
            self._routine_from = now
        if self._backwards:
            return Message(message_class=MessageClass(self._backwards[0].message_class), objects=(self._backwards[0],))
        due = [] if self.held else self._outbox.due(now)
        for queue in (self._again, due, self._measured):
            if queue:
                return self._gather(queue)
        return None

    def next_at(self) -> float:
        """When there is something to publish next, if nothing happens before."""
        if self._backwards or self._again or self._measured:
            return -math.inf
        appointments = [due_at for due_at, _ in self._appointments]
        due = math.inf if self.held else self._outbox.next_due()
        coming = math.inf if self._routine_from is None else next_routine(self.device, since=self._routine_from)
        return min([due, coming, *appointments])

    def sent(self, message: Message, *, now: float) -> None:
        """The broker has acknowledged the message."""
        self._upward_at = now
        for said in message.objects:
            for queue in (self._again, self._measured, self._backwards):
                if queue and queue[0] is said:
                    queue.popleft() if isinstance(queue, deque) else queue.pop(0)
                    break
            if said.message_class is MessageClass.TELEMETRY:
                self._ledger.measured(self.id, said.boot, seqs=(said.seq, said.seq), acknowledged=True)
        if message.message_class in CONFIRMED_CLASSES:
            self._outbox.sent(message.objects, now=now)
            self._ledger.acknowledged(self.id, message.objects, at=now)

    def obey(self, payload: bytes, *, now: float) -> None:
        """Carry out a command. What is no command is passed over.

        Sessions here end with their connection, so nothing that expired long ago is waiting in them.
        """
        try:
            command = json.loads(payload)
            name, identifier = command["name"], str(command.get("id", ""))
        except (ValueError, TypeError, KeyError):
            return
        if name == "confirm":
            self._take_confirmation(command, now=now)
        elif identifier not in self._answered:
            self._answered.append(identifier)
            self._carry_out(name, command, now=now)

    def _carry_out(self, name: str, command: Mapping[str, Any], *, now: float) -> None:
        to = str(command.get("id", ""))
        match name:
            case "set_clock":
                self._set_clock(command, now=now)
            case "duty_check":
                self._appointments.append((now + self._manner.duty_answer_seconds, lambda then: self._answer_duty(to, now=then)))
            case "resend":
                self._resend(command, now=now)
            case "query":
                self._answer_query(to, str(command.get("what")), now=now)
            case "configure":
                self._configure(command, now=now)
            case _:
                self._reply(to, ok=False, now=now, text="unknown command")

    def _take_confirmation(self, command: Mapping[str, Any], *, now: float) -> None:
        try:
            message_class = MessageClass(command["class"])
            found = self._outbox.confirm(message_class, command["boot"], seqs=command["seqs"])
        except (KeyError, TypeError, ValueError):
            return
        self._ledger.confirmed(self.id, found, at=now)

    def _set_clock(self, command: Mapping[str, Any], *, now: float) -> None:
        if now - self._upward_at > CLOCK_VALID_SECONDS:
            return
        try:
            self.skew_seconds = datetime.fromisoformat(command["now"]).timestamp() - now
        except (KeyError, TypeError, ValueError):
            return

    def _answer_duty(self, to: str, *, now: float) -> None:
        if self.device.operator is not None:
            self._reply(to, ok=True, now=now, operator=self.device.operator)

    def _resend(self, command: Mapping[str, Any], *, now: float) -> None:
        try:
            ranges = [(int(first), int(last)) for first, last in command["ranges"]]
            found, gone = self._outbox.recall(MessageClass(command["class"]), command["boot"], ranges=ranges)
        except (KeyError, TypeError, ValueError):
            self._reply(str(command.get("id", "")), ok=False, now=now, text="unreadable ranges")
            return
        self._again.extend(found)
        more = {"gone": gone} if gone else {}
        self._reply(str(command.get("id", "")), ok=not gone, now=now, **more)

    def _answer_query(self, to: str, what: str, *, now: float) -> None:
        texts = {
            "status": f"{len(self._active)} active, {self.unconfirmed} unconfirmed",
            "snapshot": "follows",
            "points": f"{len(self.device.points)} points",
            "firmware": FIRMWARE,
        }
        if what == "snapshot":
            self.snapshot(now=now)
        known = what in texts
        self._reply(to, ok=known, now=now, text=texts.get(what, "unknown query"))

    def _configure(self, command: Mapping[str, Any], *, now: float) -> None:
        seconds = command.get("report_seconds")
        if isinstance(seconds, int | float) and seconds > 0:
            self.device = replace(self.device, pace=replace(self.device.pace, telemetry_seconds=float(seconds)))
        unable = "report_on_change" in command
        more = {"text": "cannot report on change"} if unable else {}
        self._reply(str(command.get("id", "")), ok=not unable, now=now, **more)

    def _reply(self, to: str, *, ok: bool, now: float, **more: Any) -> None:
        self._say(MessageClass.REPLY, {"to": to, "ok": ok, **more}, now=now)

    def _say(self, message_class: MessageClass, members: Mapping[str, Any], *, now: float, clock: float | None = None) -> Said:
        said = compose(message_class, self._counters, clock=now + self.skew_seconds if clock is None else clock, members=members)
        if message_class in CONFIRMED_CLASSES:
            self._ledger.said(self.id, said, at=now)
            lost = self._outbox.keep(said)
            if lost is not None:
                self._ledger.forgotten(self.id, [lost], at=now)
        else:
            self._measured.append(said)
            if message_class is MessageClass.TELEMETRY:
                self._ledger.measured(self.id, said.boot, seqs=(said.seq, said.seq), acknowledged=False)
        return said

    def _gather(self, queue: "deque[Said] | list[Said]") -> Message:
        """The first objects of the queue that are of one class and fit one message."""
        objects: list[Said] = []
        size = 0
        for said in queue:
            size += len(said.body) + 1
            full = len(objects) >= self._manner.objects_maximum or size > PAYLOAD_BYTES
            if objects and (full or said.message_class is not objects[0].message_class):
                break
            objects.append(said)
        return Message(message_class=MessageClass(objects[0].message_class), objects=tuple(objects))
