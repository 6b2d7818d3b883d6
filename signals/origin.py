"""The identity of a fact: what makes a re-send the same, and a counter that starts anew another."""

from datetime import datetime, timedelta
from hashlib import blake2b

BYTES = 16
WINDOW = timedelta(seconds=60)
"""Something without a readable counter, said again within this time, is the same fact; said after twice this time, a new one."""


def key(*parts: str | int | bytes | None) -> bytes:
    """Digest of the parts' text, 16 bytes; parts cannot run into each other."""
    pieces: list[bytes] = []
    for part in parts:
        encoded = part if isinstance(part, bytes) else str(part).encode()
        pieces += (len(encoded).to_bytes(8, "big"), encoded)
    return blake2b(b"".join(pieces), digest_size=BYTES).digest()


def windowed(*parts: str | int | bytes | None, received_at: datetime) -> tuple[bytes, bytes]:
    """Keys of something without a counter: its own, and the one it has if it was first said in the window before.

    It is new only where neither is stored.
    """
    window = int(received_at.timestamp() // WINDOW.total_seconds())
    return key(*parts, window), key(*parts, window - 1)
