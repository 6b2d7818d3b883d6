"""What a transmitter keeps until the centre has confirmed it, and when it says it again.

Pure: time comes in as Unix seconds.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from signals.topics import MessageClass
from simulator.speech import Key, Said

RESEND_OBJECTS_MAXIMUM = 1000
"""Objects that one `resend` may ask for (MQTT profile v1)."""

Range = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """When an unconfirmed object is sent again: after `seconds`, at most `resends` times, then at every reconnect.

    The defaults are those of GB/T 26875.3-2011 6.5.
    """

    seconds: float = 10.0
    resends: int = 3


@dataclass(slots=True, kw_only=True)
class _Kept:
    said: Said
    due_at: float = -math.inf
    timed_resends: int = 0


class Outbox:
    """Unconfirmed objects, and the last confirmed ones in case the centre asks for them."""

    def __init__(self, patience: Patience, *, unconfirmed_maximum: int = 10_000, remembered_maximum: int = 2_000) -> None:
        self._patience = patience
        self._unconfirmed_maximum = unconfirmed_maximum
        self._remembered_maximum = remembered_maximum
        self._unconfirmed: dict[Key, _Kept] = {}
        self._confirmed: OrderedDict[Key, Said] = OrderedDict()

    def __len__(self) -> int:
        return len(self._unconfirmed)

    def keep(self, said: Said) -> Said | None:
        """Keep an object, due at once. Returns the oldest one, lost for want of room, where there is no more."""
        self._unconfirmed[said.key] = _Kept(said=said)
        if len(self._unconfirmed) <= self._unconfirmed_maximum:
            return None
        return self._unconfirmed.pop(next(iter(self._unconfirmed))).said

    def due(self, now: float) -> list[Said]:
        """What is to be sent now, oldest first."""
        return [kept.said for kept in self._unconfirmed.values() if kept.due_at <= now]

    def next_due(self) -> float:
        """When something is next to be sent; infinite where only a confirmation or a reconnect can change anything."""
        return min((kept.due_at for kept in self._unconfirmed.values()), default=math.inf)

    def sent(self, said: Sequence[Said], *, now: float) -> None:
        """These have been handed to the broker."""
        for one in said:
            kept = self._unconfirmed.get(one.key)
            if kept is not None:
                kept.timed_resends += kept.due_at > -math.inf
                kept.due_at = now + self._patience.seconds if kept.timed_resends < self._patience.resends else math.inf

    def reconnected(self) -> None:
        """A new connection: everything unconfirmed is due."""
        for kept in self._unconfirmed.values():
            kept.due_at = -math.inf

    def confirm(self, message_class: MessageClass, boot: int, *, seqs: Iterable[int]) -> list[Said]:
        """The centre has stored these. Returns those that were waiting for it."""
        found = [kept.said for seq in seqs if (kept := self._unconfirmed.pop((message_class, boot, seq), None)) is not None]
        for said in found:
            self._confirmed[said.key] = said
        while len(self._confirmed) > self._remembered_maximum:
            self._confirmed.popitem(last=False)
        return found

    def recall(self, message_class: MessageClass, boot: int, *, ranges: Iterable[Range]) -> tuple[list[Said], list[Range]]:
        """What is still known of these ranges of `seq`, in order, and the ranges that are gone; 1,000 objects at most."""
        found: list[Said] = []
        gone: list[Range] = []
        room = RESEND_OBJECTS_MAXIMUM
        for first, last in ranges:
            for seq in range(first, min(last, first + room - 1) + 1):
                said = self._find((message_class, boot, seq))
                if said is not None:
                    found.append(said)
                elif gone and gone[-1][1] == seq - 1 and gone[-1][0] >= first:
                    gone[-1] = (gone[-1][0], seq)
                else:
                    gone.append((seq, seq))
            room -= max(0, min(last - first + 1, room))
        return found, gone

    def last(self, message_class: MessageClass) -> Said | None:
        """The newest object of a class that is still known."""
        known = [key for key in (*self._confirmed, *self._unconfirmed) if key[0] is message_class]
        return self._find(max(known, key=lambda key: key[1:])) if known else None

    def wipe(self) -> list[Said]:
        """Forget everything. Returns what had not been confirmed."""
        lost = [kept.said for kept in self._unconfirmed.values()]
        self._unconfirmed.clear()
        self._confirmed.clear()
        return lost

    def _find(self, key: Key) -> Said | None:
        kept = self._unconfirmed.get(key)
        return kept.said if kept is not None else self._confirmed.get(key)
