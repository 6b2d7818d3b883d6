"""The timetable language: what happens to which device when.

As text, one step a line, `#` begins a comment; a point may hold blanks or be left out (the transmitter itself):

    # seconds  transmitter  action   what
    0.0        CR1          begin    fire_alarm 1-12
    2.5        CR1          end      fire_alarm 1-12
    3          D7           skew     3600
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from runtime.errors import ConfigurationError
from signals.topics import is_identifier

_COMMENT = re.compile(r"(^|\s)#.*$")


class Action(StrEnum):
    """What can happen to a device."""

    BEGIN = "begin"  # a condition: kind, point
    END = "end"  # likewise
    REPEAT = "repeat"  # the last signal is sent so many more times
    HOLD = "hold"  # signals are held back …
    RELEASE = "release"  # … and sent, the newest first
    SKEW = "skew"  # the clock is set so many seconds ahead
    RESTART = "restart"  # power-cycled: a new boot
    WIPE = "wipe"  # loses its memory, as soon as everything is confirmed, and counts anew
    CUT = "cut"  # the connection breaks
    OFF = "off"  # it disappears …
    ON = "on"  # … and comes back


CONDITION_ACTIONS = frozenset({Action.BEGIN, Action.END})
AMOUNT_ACTIONS = frozenset({Action.REPEAT, Action.SKEW})


class TimetableError(ConfigurationError):
    """A line of a timetable cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line. `amount`: seconds of SKEW, times of REPEAT."""

    offset_seconds: float
    transmitter_id: str
    action: Action
    kind: str = ""
    point: str = ""
    amount: float = 0.0

    def __str__(self) -> str:
        """The line it is read from."""
        what = f" {self.kind} {self.point}" if self.action in CONDITION_ACTIONS else ""
        amount = f" {self.amount!r}" if self.action in AMOUNT_ACTIONS else ""
        return f"{self.offset_seconds!r} {self.transmitter_id} {self.action}{what}{amount}".rstrip()


def in_order(*parts: Iterable[Step]) -> list[Step]:
    """One timetable from several, by time; steps of the same instant keep their order."""
    return sorted((step for part in parts for step in part), key=lambda step: step.offset_seconds)


def read(text: str) -> list[Step]:
    """Read a timetable.

    Raises:
        TimetableError: names the line and what is wrong with it.
    """
    steps = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = _COMMENT.sub("", line).split(maxsplit=3)
        if not words:
            continue
        try:
            steps.append(_step(words))
        except ValueError as error:
            raise TimetableError(f"timetable, line {number}: {error}: {line.strip()}") from None
    return in_order(steps)


def _step(words: list[str]) -> Step:
    if len(words) < 3:
        raise ValueError("seconds, transmitter and action are due")
    rest = words[3] if len(words) > 3 else ""
    action = Action(words[2])
    kind, _, point = rest.partition(" ") if action in CONDITION_ACTIONS else ("", "", "")
    if action in CONDITION_ACTIONS and not kind:
        raise ValueError(f"{action} needs a kind")
    if not is_identifier(words[1]):
        raise ValueError(f"{words[1]!r} is no id of a transmitter")
    amount = float(rest) if action in AMOUNT_ACTIONS else 0.0
    where = {"transmitter_id": words[1], "kind": kind, "point": point.strip()}
    return Step(offset_seconds=float(words[0]), action=action, amount=amount, **where)
