"""The identity of a fact: what makes a re-send the same, and a counter that starts anew another."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from struct import Struct

BYTES = 16
WINDOW = timedelta(seconds=60)
"""Something without a readable counter, said again within this time, is the same fact; said after twice this time, a new one."""
_WINDOW_SECONDS = WINDOW.total_seconds()
_LENGTH = Struct(">Q")


def key(*parts: str | int | bytes | None) -> bytes:
    """Digest of the parts' text, 16 bytes; parts cannot run into each other."""
    return blake2b(_joined(parts), digest_size=BYTES).digest()


def windowed(*parts: str | int | bytes | None, received_at: datetime) -> tuple[bytes, bytes]:
    """Keys of something without a counter: its own, and the one it has if it was first said in the window before.

    It is new only where neither is stored.
    """
    in_this = blake2b(_joined(parts), digest_size=BYTES)
    in_the_one_before = in_this.copy()
    this, before = _windows(window_of(received_at))
    in_this.update(this)
    in_the_one_before.update(before)
    return in_this.digest(), in_the_one_before.digest()


def window_of(received_at: datetime) -> int:
    """The number of the window in which something came."""
    return int(received_at.timestamp() // _WINDOW_SECONDS)


@lru_cache(4)
def _windows(window: int) -> tuple[bytes, bytes]:
    return _joined((window,)), _joined((window - 1,))


def _joined(parts: Iterable[str | int | bytes | None]) -> bytes:
    """Each part behind its length."""
    pieces: list[bytes] = []
    for part in parts:
        encoded = part if isinstance(part, bytes) else str(part).encode()
        pieces += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(pieces)
