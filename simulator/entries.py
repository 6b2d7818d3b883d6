"""What stands in the truth ledger. All times are Unix seconds of one clock."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulator.spans import Runs

FRAME = "frame"
"""Class of an entry that is an upload by GB/T 26875.3; the others are classes of the MQTT profile.

Its members: `boot`, the number of the device's start; `seq`, the frame's serial; `content`, command byte and data, hexadecimal;
`says`, what it states: objects with `point` and its `active` kinds, or an `operation`; `rows`, the facts that it makes;
`in_place_of`, start and serial of the frame that said the same before the device restarted, or null.
"""
EVERYBODY = ""
"""Stands for all transmitters where an outage is ours, the broker's or the database's."""

Counter = tuple[str, int]
"""Transmitter and boot."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One object of a class that is confirmed, or a frame.

    Attributes:
        members: the object as it was sent.
        said_at: when the device wanted it to be known.
        acknowledged_at: when the broker first acknowledged it.
        confirmed_at: when the centre said that it is stored.
        forgotten: the device lost it (a wiped memory, no room) before it was confirmed: nobody owes it.
    """

    transmitter_id: str
    message_class: str
    boot: int
    seq: int
    members: Mapping[str, Any]
    said_at: float
    acknowledged_at: float | None = None
    confirmed_at: float | None = None
    forgotten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A span in which nothing could get through: everybody's, or of one transmitter that was cut off or switched off."""

    transmitter_id: str
    what: str
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A reason why the centre may raise an alarm, other than a signal of that kind: a heating, a burst of garbage.

    `kind`: of the alarm. `point`: None means any point of the transmitter.
    """

    transmitter_id: str
    point: str | None
    kind: str
    at: float


@dataclass(slots=True, kw_only=True)
class Measured:
    """Telemetry of one transmitter and boot, by `seq`: all that was said, and what the broker acknowledged."""

    said: Runs = field(default_factory=Runs)
    acknowledged: Runs = field(default_factory=Runs)
