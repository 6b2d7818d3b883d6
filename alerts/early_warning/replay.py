"""`wanghuo early-warning replay`: recorded readings through the engine, each new level of a point when it begins.

A line is answered as soon as it is whole; lines that come together are fed together, whatever their runs: a run is a transmitter to
the engine, and knows nothing of another.
"""

import csv
import math
import os
import select
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Finding
from signals.metrics import METRIC_INDEX

MEMBERS = ("run", "t_s", "point", "metric", "value")
OUT = ("run", "point", "t_s", "level", "reason")
READ_BYTES = 1 << 16
TOGETHER_BYTES = 1 << 22
"""Lines that are there already are fed together up to this: the more, the fewer steps of the engine."""
LINE_MOST_BYTES = 4096
TOO_LONG = f"longer than {LINE_MOST_BYTES} bytes"
T_MOST_SECONDS = 1e11
VALUE_MOST = 1e9
BOM = "\ufeff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A line that reads; its value is None where nothing was measured."""

    run: str
    seconds: float
    point: str
    metric: str
    value: float | None


class Replay:
    """The engine, and what could not be fed to it."""

    def __init__(self, out: TextIO, *, errors: TextIO) -> None:
        self._engine = Engine()
        self._writer = csv.writer(out, lineterminator="\n")
        self._out = out
        self._errors = errors
        self._line = 0
        self._passed_over: Counter[str] = Counter()
        self.wrong = 0

    def begin(self) -> None:
        """Write the header."""
        self._writer.writerow(OUT)
        self._out.flush()

    def take(self, lines: list[bytes]) -> None:
        """Take whole lines, and write what they begin."""
        slots: list[int] = []
        times: list[float] = []
        values: list[float] = []
        for line in lines:
            self._line += 1
            reading = self._read(line)
            if reading is None or reading.value is None:
                continue
            slots.append(self._engine.slot(reading.run, reading.point, metric=reading.metric))
            times.append(reading.seconds)
            values.append(reading.value)
        for finding in self._engine.feed(slots, times=times, values=values):
            if finding.active:
                self._writer.writerow(_row(finding))
        self._out.flush()

    def end(self) -> None:
        """Say what read well and yet had nothing to follow."""
        for why, count in self._passed_over.items():
            print(f"{count} lines passed over: {why}", file=self._errors, flush=True)

    def refuse(self, why: str) -> None:
        """Say that the line just counted does not read."""
        self.wrong += 1
        print(f"line {self._line}: {why}", file=self._errors, flush=True)

    def refuse_next(self, why: str) -> None:
        """Count a line that does not read."""
        self._line += 1
        self.refuse(why)

    def _read(self, line: bytes) -> Reading | None:
        """The reading of a line; None for a header, an empty line, one of nothing to follow, or a wrong one, which is told."""
        try:
            cells = _cells(line)
            if not cells or cells == MEMBERS:
                return None
            reading = parse(cells)
        except (ValueError, csv.Error) as error:
            self.refuse(str(error))
            return None
        if reading.metric not in METRIC_INDEX:
            self._passed_over[f"metric {reading.metric!r} is none of the MQTT profile"] += 1
            return None
        if reading.value is None:
            self._passed_over["nothing was measured"] += 1
        return reading


def replay(descriptor: int, *, out: TextIO, errors: TextIO) -> int:
    """Replay what can be read from a file descriptor until it ends; 1 where a line did not read, else 0."""
    replayed = Replay(out, errors=errors)
    replayed.begin()
    for lines in _lines(descriptor, replayed=replayed):
        replayed.take(lines)
    replayed.end()
    return 1 if replayed.wrong else 0


def _cells(line: bytes) -> tuple[str, ...]:
    if len(line) > LINE_MOST_BYTES:
        raise ValueError(TOO_LONG)
    text = line.decode().strip(BOM + "\r\n \t")
    if not text:
        return ()
    cells = next(csv.reader((text,), strict=True)) if '"' in text else text.split(",")
    return tuple(cell.strip() for cell in cells)


def parse(cells: Sequence[str]) -> Reading:
    """The reading in a line's cells. An empty value, or nan, is a reading at which nothing was measured.

    Raises:
        ValueError: names the member that is wrong.
    """
    if len(cells) != len(MEMBERS):
        raise ValueError(f"{len(cells)} members, not the {len(MEMBERS)} of {','.join(MEMBERS)}")
    run, seconds, point, metric, value = cells
    if not run:
        raise ValueError("run is empty")
    return Reading(
        run=run,
        seconds=_number("t_s", seconds, most=T_MOST_SECONDS),
        point=point,
        metric=metric,
        value=None if value.lower() in {"", "nan"} else _number("value", value, most=VALUE_MOST),
    )


def _number(member: str, text: str, *, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(f"{member} {text!r} is no number") from None
    if not math.isfinite(number) or abs(number) > most:
        raise ValueError(f"{member} {text!r} is not within ±{most:g}")
    return number


def _row(finding: Finding) -> tuple[str, str, str, str, str]:
    return finding.transmitter_id, finding.point, f"{finding.time:.15g}", finding.level.name.lower(), finding.reason


def _lines(descriptor: int, *, replayed: Replay) -> Iterator[list[bytes]]:
    """Whole lines as they come."""
    rest = b""
    skipping = False
    while chunk := _there(descriptor):
        *lines, rest = (rest + chunk).split(b"\n")
        if skipping and lines:
            lines, skipping = lines[1:], False
        if lines:
            yield lines
        if skipping or len(rest) > LINE_MOST_BYTES:
            if not skipping:
                replayed.refuse_next(TOO_LONG)
            rest, skipping = b"", True
    if rest and not skipping:
        yield [rest]


def _there(descriptor: int) -> bytes:
    """What can be read without waiting, at least something; nothing at the end."""
    pieces = [os.read(descriptor, READ_BYTES)]
    size = len(pieces[0])
    while pieces[-1] and size < TOGETHER_BYTES and select.select([descriptor], [], [], 0)[0]:
        pieces.append(os.read(descriptor, READ_BYTES))
        size += len(pieces[-1])
    return b"".join(pieces)
