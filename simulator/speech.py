"""What a transmitter says: objects with `boot`, `seq` and `at`, sent, and sent again, as the same bytes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from signals.topics import MessageClass

SHANGHAI = timezone(timedelta(hours=8))

Key = tuple[str, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An object as it is sent, and sent again: member-identical because the bytes are the same.

    Of class `simulator.entries.FRAME`: what the ledger knows of a frame.
    """

    message_class: str
    boot: int
    seq: int
    body: bytes

    @property
    def key(self) -> Key:
        """What a confirmation names."""
        return self.message_class, self.boot, self.seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One payload: objects of one class."""

    message_class: MessageClass
    objects: tuple[Said, ...]

    @property
    def payload(self) -> bytes:
        """A lone object stands alone, several in an array."""
        bodies = [said.body for said in self.objects]
        return bodies[0] if len(bodies) == 1 else b"[" + b",".join(bodies) + b"]"


class Counters:
    """`boot`, and `seq` of every class apart."""

    def __init__(self, boot: int) -> None:
        self._first_boot = boot
        self._seq: dict[MessageClass, int] = {}
        self.boot = boot

    def next(self, message_class: MessageClass) -> int:
        """The `seq` of the next object of this class, from 0."""
        seq = self._seq.get(message_class, 0)
        self._seq[message_class] = seq + 1
        return seq

    def restart(self, now: float) -> None:
        """Begin a boot with a strictly greater number."""
        self.boot = max(self.boot + 1, int(now))
        self._seq.clear()

    def wipe(self) -> None:
        """Forget everything and count anew from the first boot, as a replaced device does."""
        self.boot = self._first_boot
        self._seq.clear()


def compose(message_class: MessageClass, counters: Counters, *, clock: float, members: Mapping[str, Any]) -> Said:
    """The next object of a class. `clock`: what the device's clock shows, Unix seconds."""
    boot, seq = counters.boot, counters.next(message_class)
    found = {"boot": boot, "seq": seq, "at": stamp(clock), **members}
    body = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    return Said(message_class=message_class, boot=boot, seq=seq, body=body)


def stamp(clock: float) -> str:
    """RFC 3339 with offset, cut to milliseconds."""
    return datetime.fromtimestamp(clock, SHANGHAI).isoformat(timespec="milliseconds")
