"""What an engine remembers, as bytes, by blocks of points.

Layout, little-endian: magic b"WHEW"; u16 version; u32 length of the head; the head (JSON: points, zones, sensitivities, what
deviates, and of each bank its name, metric, count and fields); then of each bank in turn its bytes (u16 number of the point within
the block, u8 level, state; each for all rows). Fields are told by name, so that a state that gains or loses one can still be read.
"""

import json
from collections.abc import Sequence
from struct import Struct
from typing import Any

from alerts.early_warning.banks import Bank
from alerts.early_warning.book import Book
from alerts.early_warning.combination import Combination
from signals.metrics import METRICS

POINTS = 1024
"""Points of a block: few enough that one that changed is cheap to store."""
_HEAD = Struct("<4sHI")
_MAGIC, _VERSION = b"WHEW", 1


def count(points: int) -> int:
    """Blocks that so many points fill."""
    return -(-points // POINTS)


def dump(block: int, *, book: Book, banks: Sequence[Bank], combination: Combination) -> bytes:
    """A block's bytes."""
    points = range(block * POINTS, min((block + 1) * POINTS, len(book)))
    said: list[dict[str, Any]] = []
    packed: list[bytes] = []
    for bank in banks:
        says, rows = bank.out(points)
        said.append({**says, "metric": METRICS[bank.metric], "bytes": len(rows)})
        packed.append(rows)
    head = {
        "block": block,
        "points": [book.name(point) for point in points],
        "zones": [book.zone_of(point) for point in points],
        "sensitivity": book.sensitivity[points.start : points.stop].tolist(),
        "combination": combination.out(points),
        "banks": said,
    }
    words = json.dumps(head, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((_HEAD.pack(_MAGIC, _VERSION, len(words)), words, *packed))


def load(block: int, packed: bytes, *, book: Book, banks: Sequence[Bank], combination: Combination) -> range:
    """Take a block in; its points.

    Raises:
        ValueError: not a block of this layout or of this number, or the engine numbers its points otherwise.
    """
    head, offset = _read_head(packed)
    if head["block"] != block:
        raise ValueError(f"these are the bytes of block {head['block']}, not of block {block}")
    points = range(block * POINTS, block * POINTS + len(head["points"]))
    numbers = range(len(book), len(book) + len(points))
    if points != numbers:
        raise ValueError(f"block {block} begins with point {points.start}, and the book has {len(book)}: load all blocks in order")
    for number, name, zone, sensitivity in zip(points, head["points"], head["zones"], head["sensitivity"], strict=True):
        book.number(name[0], name[1])
        book.place(number, zone=zone)
        book.desensitise(number, sensitivity=sensitivity)
    known = {(bank.name, METRICS[bank.metric]): bank for bank in banks}
    for says in head["banks"]:
        bank = known.get((says["name"], says["metric"]))
        if bank is not None:
            bank.take_in(points, says=says, packed=packed[offset : offset + says["bytes"]])
        offset += says["bytes"]
    combination.take_in(points, remembered=head["combination"])
    return points


def _read_head(packed: bytes) -> tuple[dict[str, Any], int]:
    if len(packed) < _HEAD.size or packed[: len(_MAGIC)] != _MAGIC:
        raise ValueError(f"a block begins with {_MAGIC!r}, this one with {packed[: len(_MAGIC)]!r}")
    _, version, length = _HEAD.unpack_from(packed)
    if version != _VERSION:
        raise ValueError(f"a block of version {version}; this engine reads version {_VERSION}")
    end = _HEAD.size + length
    head: dict[str, Any] = json.loads(packed[_HEAD.size : end])
    if len(packed) != end + sum(says["bytes"] for says in head["banks"]):
        raise ValueError(f"a block of {len(packed)} bytes is not whole")
    return head, end
