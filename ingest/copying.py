"""Rows of the table `telemetry` in PostgreSQL's binary COPY format, packed by hand: a third of the cost of psycopg's `write_row`.

A row is its content (head, counter, time, values, text of an unreadable clock), the content's digest, and its tail. Integers are
big-endian; every field follows its length in bytes, -1 for NULL.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from struct import Struct
from typing import Any, Final

from signals.metrics import METRIC_INDEX, METRICS

COLUMNS: Final = ("transmitter_id", "point", "boot", "seq", "time", *METRICS, "at_text", "digest", "received_at")

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_LENGTH = Struct(">i")
_FIELD = Struct(">iq")
_COUNT = Struct(">h").pack(len(COLUMNS))
_NULL = b"\xff\xff\xff\xff"
_EIGHT = b"\x00\x00\x00\x08"
_WITHOUT_TEXT = _NULL + _EIGHT  # at_text, and the length of the digest that follows
_DIGEST = slice(-_FIELD.size - 8, -_FIELD.size)
LAYOUTS_MAXIMUM = 4096


def text_field(text: str) -> bytes:
    """A text of the row."""
    encoded = text.encode()
    return _LENGTH.pack(len(encoded)) + encoded


def head(transmitter_id: str, point: str) -> bytes:
    """What begins every row of a point; the same for all of them, so it is kept."""
    return _COUNT + text_field(transmitter_id) + text_field(point)


def tail(received_at: int) -> bytes:
    """What ends a row: its receive time, microseconds since 2000-01-01 UTC."""
    return _FIELD.pack(8, received_at)


class Layout:
    """How the values of one set of metrics, written in one order, are packed.

    `fields` is the argument list of `pack`: bytes that never change alternate with numbers, so that one slice assignment fills
    it (boot, seq, time, then `in_order(values)`). The content ends with at_text NULL; see `with_text`.
    """

    __slots__ = ("fields", "in_order", "mask", "pack")

    def __init__(self, metrics: tuple[str, ...]) -> None:
        ordered = sorted(metrics, key=METRIC_INDEX.__getitem__)
        self.in_order: Callable[[Mapping[str, float]], tuple[float, ...]] = _getter(ordered)
        indices = [METRIC_INDEX[metric] for metric in ordered]
        self.mask = sum(1 << index for index in indices)
        skipped = [now - before - 1 for before, now in zip([-1, *indices], indices, strict=False)]
        constants = [_EIGHT] * 3 + [_NULL * nulls + _EIGHT for nulls in skipped]
        last = _NULL * (len(METRICS) - 1 - indices[-1]) + _WITHOUT_TEXT
        self.fields: list[Any] = [part for constant in constants for part in (constant, 0)] + [last]
        numbers = "q" * 3 + "d" * len(indices)
        pairs = [f"{len(constant)}s{number}" for constant, number in zip(constants, numbers, strict=True)]
        self.pack = Struct(f">{''.join(pairs)}{len(last)}s").pack


def _getter(names: list[str]) -> Callable[[Mapping[str, float]], tuple[float, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    name = names[0]
    return lambda values: (values[name],)


class Layouts:
    """All layouts met so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], Layout | None] = {}

    def __len__(self) -> int:
        return len(self._known)

    def find(self, metrics: tuple[str, ...]) -> Layout | None:
        """The layout of these metrics; None where one of them is unknown."""
        try:
            return self._known[metrics]
        except KeyError:
            if len(self._known) >= LAYOUTS_MAXIMUM:
                self._known.clear()
            layout = Layout(metrics) if METRIC_INDEX.keys() >= set(metrics) else None
            self._known[metrics] = layout
            return layout


def with_text(content: bytes, text: str) -> bytes:
    """The content with the text of a clock that cannot be read."""
    return content[: -len(_WITHOUT_TEXT)] + text_field(text) + _EIGHT


def digest_of(row: bytes) -> int:
    """The digest in a finished row, as the database shows it."""
    return int.from_bytes(row[_DIGEST], "big", signed=True)
