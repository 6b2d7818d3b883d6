"""`wanghuo early-warning replay`: recorded readings through the engine, each new level of a point when it begins.

A line is answered as soon as it is whole; lines that come together are fed together. Runs know nothing of each other. At most
`RUNS_MOST` runs are remembered, the one not heard of for longest is forgotten.
"""

import csv
import io
import math
import os
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

from alerts.early_warning.engine import Engine
from alerts.early_warning.findings import Finding
from signals.metrics import METRIC_INDEX

MEMBERS = ("run", "t_s", "point", "metric", "value")
OUT = ("run", "point", "t_s", "level", "reason")
READ_BYTES = 1 << 16
LINE_MOST_BYTES = 4096
"""A longer line is none."""
RUNS_MOST = 256
T_MOST_SECONDS = 1e11
VALUE_MOST = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A line that reads."""

    run: str
    seconds: float
    point: str
    metric: str
    value: float


@dataclass(slots=True, kw_only=True)
class Pending:
    """Readings of one run, in the order of their lines, not fed yet."""

    run: str
    readings: list[Reading] = field(default_factory=list)


class Replay:
    """The engines of the runs."""

    def __init__(self, out: TextIO, *, errors: TextIO) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._writer = csv.writer(out, lineterminator="\n")
        self._out = out
        self._errors = errors
        self._line = 0
        self.wrong = 0

    def begin(self) -> None:
        """Write the header."""
        self._writer.writerow(OUT)
        self._out.flush()

    def take(self, lines: list[bytes]) -> None:
        """Take whole lines, and write what they begin."""
        pending: Pending | None = None
        for line in lines:
            self._line += 1
            reading = self._read(line)
            if reading is None:
                continue
            if pending is None or pending.run != reading.run:
                self._feed(pending)
                pending = Pending(run=reading.run)
            pending.readings.append(reading)
        self._feed(pending)
        self._out.flush()

    def refuse(self, why: str) -> None:
        """Say that the line just counted does not read."""
        self.wrong += 1
        print(f"line {self._line}: {why}", file=self._errors, flush=True)

    def refuse_next(self, why: str) -> None:
        """Count a line that does not read."""
        self._line += 1
        self.refuse(why)

    def _read(self, line: bytes) -> Reading | None:
        """The reading of a line; None for the header, an empty line, or a wrong one, which is told."""
        try:
            text = line.decode("utf-8-sig" if self._line == 1 else "utf-8").strip("\r\n")
            if not text.strip():
                return None
            cells = next(csv.reader(io.StringIO(text), strict=True))
            if self._line == 1 and [cell.strip() for cell in cells] == list(MEMBERS):
                return None
            return parse(cells)
        except (ValueError, csv.Error) as error:
            self.refuse(str(error))
            return None

    def _feed(self, pending: Pending | None) -> None:
        if pending is None:
            return
        engine = self._engine(pending.run)
        readings = pending.readings
        findings = engine.feed(
            [engine.slot(pending.run, reading.point, metric=reading.metric) for reading in readings],
            times=[reading.seconds for reading in readings],
            values=[reading.value for reading in readings],
        )
        for finding in findings:
            if finding.active:
                self._writer.writerow(_row(finding))

    def _engine(self, run: str) -> Engine:
        engine = self._engines.get(run)
        if engine is None:
            engine = self._engines[run] = Engine()
        self._engines.move_to_end(run)
        if len(self._engines) > RUNS_MOST:
            self._engines.popitem(last=False)
        return engine


def replay(descriptor: int, *, out: TextIO, errors: TextIO) -> int:
    """Replay what can be read from a file descriptor until it ends; 1 where a line did not read, else 0."""
    replayed = Replay(out, errors=errors)
    replayed.begin()
    for lines in _chunks(descriptor, replayed=replayed):
        replayed.take(lines)
    return 1 if replayed.wrong else 0


def parse(cells: list[str]) -> Reading:
    """The reading in a line's cells.

    Raises:
        ValueError: names the member that is wrong.
    """
    if len(cells) != len(MEMBERS):
        raise ValueError(f"{len(cells)} members, not the {len(MEMBERS)} of {','.join(MEMBERS)}")
    run, seconds, point, metric, value = (cell.strip() for cell in cells)
    if not run:
        raise ValueError("run is empty")
    if metric not in METRIC_INDEX:
        raise ValueError(f"metric {metric!r} is none of the MQTT profile")
    return Reading(
        run=run,
        seconds=_number("t_s", seconds, most=T_MOST_SECONDS),
        point=point,
        metric=metric,
        value=_number("value", value, most=VALUE_MOST),
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


def _chunks(descriptor: int, *, replayed: Replay) -> Iterator[list[bytes]]:
    """Whole lines as they come."""
    rest = b""
    skipping = False
    while chunk := os.read(descriptor, READ_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if skipping and lines:
            lines, skipping = lines[1:], False
        if lines:
            yield lines
        if skipping or len(rest) > LINE_MOST_BYTES:
            if not skipping:
                replayed.refuse_next(f"longer than {LINE_MOST_BYTES} bytes")
            rest, skipping = b"", True
    if rest and not skipping:
        yield [rest]
